"""Keyphrases: noun phrases ranked by a learned head on meaning, frequency, place and wording."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.extraction.greedy import ruled_out, select_greedily
from edge.extraction.phrase_features import Centre, most_prominent, phrase_features
from edge.extraction.phrases import Candidate, Key
from edge.records import Keyphrase, Mention, Sentence
from edge.runtime.encoder import Encoder

SAME_MEANING = 0.88
"""Cosine above which two phrases are one; the better-ranked wording stays."""
ENOUGH = 10
"""With so many times more phrases than asked for, one inside another is not shown beside it."""
SCORE_SLOPE, SCORE_SHIFT = 6.4, -4.2
"""A logistic curve from scores to the share of such phrases that people name an episode or a
chapter by (reliability table in docs/quality.md)."""
UNLEARNED_WEIGHT = 0.2
"""Weight, beside the head, of the best ranking without learning: texts unlike those it learned
from keep its order. docs/adr/0007-phrases.md gives the numbers."""
NAME_BONUS = 0.1
"""More for a name: show notes list whom and what was talked of, which titles and tags, that the
head learned from, mostly leave out. docs/adr/0007-phrases.md gives the numbers."""
SHORT_WEIGHT, SHORT_WORDS = 0.8, 600
"""So much more of it in a very short text, fading with its words: the head knows long speech."""


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
    :param encoder: The model, with its ``phrase`` head.
    :param limit: Most phrases to return.
    :param all_mentions: Finds every mention of phrases, where the candidates lack some.
    :raises InferenceError: If onnxruntime fails.
    """
    pool = most_prominent(candidates, len(sentences), encoder.rarity)
    if not pool:
        return []
    embedded = encoder.encode([candidate.text for candidate in pool])
    scores = score_phrases(pool, candidates, sentences, centre, embedded, encoder)
    scores += NAME_BONUS * np.array([candidate.is_name for candidate in pool])
    # "Stuff" names nothing, however often it is said; where nothing else is, it is better than no
    # phrase at all.
    named = [k for k, c in enumerate(pool) if c.is_name or not c.is_generic] or range(len(pool))
    pool, embedded, scores = [pool[k] for k in named], embedded[named], scores[named]
    chosen = distinct(pool, embedded, scores, limit)
    mentions = all_mentions([pool[k].key for k in chosen]) if all_mentions else {}
    return [
        Keyphrase(
            text=pool[k].text,
            score=round(1.0 / (1.0 + math.exp(-SCORE_SLOPE * scores[k] - SCORE_SHIFT)), 4),
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
    """How well each phrase names the episode, or the part of it, that is given.

    :param pool: The phrases.
    :param candidates: All phrases of the episode or part.
    :param sentences: Its sentences.
    :param centre: What they mean.
    :param embedded: Vectors of the pool's texts, shape (pool, dimension).
    :param encoder: The model, with its ``phrase`` head.
    """
    features = phrase_features(pool, candidates, sentences, centre, embedded, encoder.rarity)
    learned = encoder.heads["phrase"].predict(features)
    n_words = sum(sentence.n_words for sentence in sentences)
    weight = UNLEARNED_WEIGHT + SHORT_WEIGHT * math.exp(-n_words / SHORT_WORDS)
    scores = learned + weight * features["cosine_early_often_rank"]
    # On the scale of a long text, whose scores were calibrated.
    return scores * (1.0 + UNLEARNED_WEIGHT) / (1.0 + weight)


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

    def penalty(k: int) -> Float64Array:
        same_meaning = phrase_vectors @ phrase_vectors[k] > SAME_MEANING
        same_words = [
            other == stems[k] or (not may_nest and (other < stems[k] or stems[k] < other))
            for other in stems
        ]
        return ruled_out(same_meaning | np.array(same_words))

    return select_greedily(scores, penalty, limit)
