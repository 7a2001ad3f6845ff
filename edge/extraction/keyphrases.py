"""Keyphrases: noun phrases ranked by a learned head on meaning, frequency, place and wording."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.extraction.greedy import ruled_out, select_greedily
from edge.extraction.lexicon import Lexicon
from edge.extraction.phrase_features import Centre, most_prominent, phrase_features
from edge.extraction.phrases import Candidate, Key
from edge.records import Keyphrase, Mention, Sentence
from edge.runtime.encoder import Encoder

SAME_MEANING = 0.88
"""Cosine above which two phrases are one; the better-ranked wording stays."""
ENOUGH = 10
"""With so many times more phrases than asked for, one inside another is not shown beside it."""
JUDGES = ("phrase", "subject")
"""Heads that are asked: one reads measures, the other what a phrase means, too."""
LEAST_CHANCE = 0.002
"""Trees give chances below that, and below nothing: those are no evidence."""


def rank_keyphrases(
    candidates: Mapping[Key, Candidate],
    sentences: Sequence[Sentence],
    centre: Centre,
    encoder: Encoder,
    limit: int,
    all_mentions: Callable[[Sequence[Key]], Mapping[Key, Sequence[Mention]]] | None = None,
) -> list[Keyphrase]:
    """The best phrases of an episode, near-duplicates merged.

    :param candidates: Phrases of the episode.
    :param sentences: The whole episode.
    :param centre: What its sentences mean.
    :param encoder: The model, with its heads.
    :param limit: Most phrases to return.
    :param all_mentions: Finds every mention of phrases, where the candidates lack some.
    :raises InferenceError: If onnxruntime fails.
    """
    pool = most_prominent(candidates, len(sentences), encoder.rarity)
    if not pool:
        return []
    embedded = encoder.encode([candidate.text for candidate in pool])
    scores = score_phrases(pool, candidates, sentences, centre, embedded, encoder)
    # "Stuff" names nothing, however often it is said; where nothing else is, it is better than no
    # phrase at all.
    named = [k for k, c in enumerate(pool) if c.is_name or not c.is_generic] or range(len(pool))
    pool, embedded, scores = [pool[k] for k in named], embedded[named], scores[named]
    chosen = distinct(pool, embedded, scores, limit)
    mentions = all_mentions([pool[k].key for k in chosen]) if all_mentions else {}
    return [
        Keyphrase(
            text=pool[k].text,
            score=round(float(scores[k]), 4),
            mentions=tuple(mentions.get(pool[k].key) or pool[k].mentions(sentences)),
        )
        for k in chosen
    ]


def score_phrases(
    pool: Sequence[Candidate],
    candidates: Mapping[Key, Candidate],
    sentences: Sequence[Sentence],
    centre: Centre,
    embedded: Float32Array,
    encoder: Encoder,
) -> Float64Array:
    """How likely a person would name the episode, or the part of it, by each phrase.

    :param pool: The phrases.
    :param candidates: All phrases of the episode or part.
    :param sentences: Its sentences.
    :param centre: What they mean.
    :param embedded: Vectors of the pool's texts, shape (pool, dimension).
    :param encoder: The model, with its heads.
    """
    lexicon = Lexicon(encoder.heads["background"], encoder.rarity)
    features = phrase_features(pool, candidates, sentences, centre, embedded, lexicon)
    odds = [_log_odds(encoder.heads[name].predict(features)) for name in JUDGES]
    chance: Float64Array = 1.0 / (1.0 + np.exp(-np.mean(odds, axis=0)))
    return chance


def _log_odds(chance: Float64Array) -> Float64Array:
    bounded = np.clip(chance, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
    odds: Float64Array = np.log(bounded / (1.0 - bounded))
    return odds


def distinct(
    pool: Sequence[Candidate],
    phrase_vectors: npt.NDArray[np.floating],
    scores: Float64Array,
    limit: int,
) -> list[int]:
    """Indices of the best phrases, best first, none the same as a better one.

    :param pool: The phrases.
    :param phrase_vectors: Vectors of their texts, shape (pool, dimension).
    :param scores: One a phrase.
    :param limit: Most phrases to return.
    """
    may_nest = len(pool) < ENOUGH * limit
    stems = [frozenset(candidate.key) for candidate in pool]
    is_name = [candidate.is_name for candidate in pool]  # "GitHub" and "GitHub Actions" are two

    def penalty(k: int) -> Float64Array:
        same_meaning = phrase_vectors @ phrase_vectors[k] > SAME_MEANING
        same_words = [
            other == stems[k]
            or (not may_nest and not (is_name[k] and named) and _nests(other, stems[k]))
            for other, named in zip(stems, is_name, strict=True)
        ]
        return ruled_out(same_meaning | np.array(same_words))

    return select_greedily(scores, penalty, limit)


def _nests(one: frozenset[str], other: frozenset[str]) -> bool:
    return one < other or other < one
