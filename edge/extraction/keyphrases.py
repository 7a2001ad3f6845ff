"""Keyphrases: noun phrases ranked by a learned head on meaning, frequency, place and wording."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.english.words import GENERIC, VERBS, Rarity
from edge.extraction.features import ranks, unit, word_offsets
from edge.extraction.greedy import ruled_out, select_greedily
from edge.extraction.phrases import Candidate, Key
from edge.records import Keyphrase, Mention, Sentence
from edge.runtime.encoder import Encoder

COMMON_WEIGHT = 0.25
"""What a phrase of common words only ("data", "system") is worth beside a rare one."""
GENERIC_WEIGHT = 0.6
"""What one of words without a subject ("thing") is worth, all else alike."""
N_EMBEDDED = 200
"""Candidates that are worth a place in the model's batches."""
SAME_MEANING = 0.88
"""Cosine above which two phrases are one; the better-ranked wording stays."""
LEAD_WORDS = 150
FEATURE_DECIMALS = 4
MIN_COSINE, MIN_RARITY = 0.02, 0.1
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


@dataclass(frozen=True)
class Centre:
    """What some sentences mean: sums of their vectors, each of shape (dimension,)."""

    whole: Float32Array
    lead: Float32Array
    """Of those that hold the first words."""

    @classmethod
    def of(cls, sentences: Sequence[Sentence], vectors: Float32Array) -> Centre:
        """Sum up.

        :param sentences: At least one.
        :param vectors: Their vectors, shape (sentences, dimension).
        """
        n_lead = max(1, int(np.searchsorted(word_offsets(sentences), LEAD_WORDS)))
        return cls(vectors.sum(axis=0), vectors[:n_lead].sum(axis=0))

    def joined(self, following: Centre) -> Centre:
        """The sums of these sentences and the following ones.

        :param following: What comes next.
        """
        return Centre(self.whole + following.whole, self.lead)


def worth_embedding(
    candidates: Mapping[Key, Candidate], n_sentences: int, rarity: Rarity, limit: int = N_EMBEDDED
) -> list[Candidate]:
    """The candidates most often and earliest said: those the head is asked about.

    :param candidates: Phrases of the episode.
    :param n_sentences: Sentences of the episode.
    :param rarity: Word to 0 (common) to 1 (rare).
    :param limit: Most candidates.
    """
    kept = [candidate for candidate in candidates.values() if candidate.is_open]
    kept.sort(key=lambda c: (-_prominence(c, n_sentences, rarity), c.key))
    return kept[:limit]


def _prominence(candidate: Candidate, n_sentences: int, rarity: Rarity) -> float:
    """Log frequency, early mention and rarity, without the model."""
    spread = len(set(candidate.sentences))
    first = candidate.sentences[0] / max(1, n_sentences)
    rare = COMMON_WEIGHT + (1.0 - COMMON_WEIGHT) * max(rarity(word) for word in candidate.key)
    generic = GENERIC_WEIGHT if candidate.is_generic else 1.0
    return math.log1p(spread) * (1.0 + 0.5 * math.exp(-3.0 * first)) * rare * generic


def phrase_features(
    pool: Sequence[Candidate],
    candidates: Mapping[Key, Candidate],
    sentences: Sequence[Sentence],
    centre: Centre,
    phrase_vectors: Float32Array,
    rarity: Rarity,
) -> dict[str, Float64Array]:
    """What the ``phrase`` head looks at, one value a phrase.

    :param pool: The phrases.
    :param candidates: All phrases of the episode.
    :param sentences: The whole episode.
    :param centre: What the sentences mean.
    :param phrase_vectors: Vectors of the pool's texts, shape (pool, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    :return: Feature name -> shape (pool,).
    """
    offsets = word_offsets(sentences)
    n_words = float(offsets[-1])
    count = np.array([c.count for c in pool], float)
    spread = np.array([len(set(c.sentences)) for c in pool], float)
    first = np.array([offsets[c.sentences[0]] for c in pool], float)
    last = np.array([offsets[c.sentences[-1]] for c in pool], float)
    rare = [[rarity(word) for word in c.key] for c in pool]
    single = _single_counts(candidates)
    longer = _longer_counts(candidates)
    cosine = phrase_vectors @ unit(centre.whole)
    features = {
        "count": count,
        "spread": spread,
        "per_1000_words": 1000.0 * count / n_words,
        "first": first / n_words,
        "first_words": np.log1p(first),
        "extent": (last - first) / n_words,
        "words": np.array([len(c.key) for c in pool], float),
        "characters": np.array([len(c.text) for c in pool], float),
        "open_left": np.array([c.n_open_left for c in pool]) / count,
        "open_right": np.array([c.n_open_right for c in pool]) / count,
        "whole": np.array([c.n_whole for c in pool]) / count,
        "in_longer": np.array([longer[c.key] for c in pool]) / count,
        "cohesion": count / np.array([max(single[w] for w in c.key) for c in pool]),
        "word_count": np.array([np.mean([single[w] for w in c.key]) for c in pool]),
        "capitalised": np.array([c.n_capitalised for c in pool])
        / np.maximum([c.n_inside for c in pool], 1),
        "named": np.array([c.n_named for c in pool]) / count,
        "noun": np.array([c.noun_sum for c in pool]) / count,
        "rarest": np.array([max(own) for own in rare]),
        "commonest": np.array([min(own) for own in rare]),
        "generic_first": np.array([c.key[0] in GENERIC for c in pool], float),
        "generic_last": np.array([c.key[-1] in GENERIC for c in pool], float),
        "generic_words": np.array([sum(w in GENERIC for w in c.key) for c in pool], float),
        "verb_last": np.array([c.key[-1] in VERBS for c in pool], float),
        "cosine": cosine,
        "cosine_lead": phrase_vectors @ unit(centre.lead),
        "log_words": np.full(len(pool), math.log(max(n_words, 1.0))),
        "log_candidates": np.full(len(pool), math.log(max(len(candidates), 1))),
        "prominence": np.array([_prominence(c, len(sentences), rarity) for c in pool]),
    }
    early = 1.0 + np.exp(-3.0 * features["first"])
    features["cosine_early"] = cosine * early
    features["cosine_early_often"] = np.maximum(cosine, MIN_COSINE) * early * np.log1p(count)
    features["rare_often"] = np.log1p(count) * (MIN_RARITY + features["rarest"])
    for name in (
        "count", "first", "cosine", "prominence", "cosine_early", "cosine_early_often", "rare_often"
    ):  # fmt: skip
        features[f"{name}_rank"] = ranks(features[name])
    # Values that differ in their last bit would be told apart in training and not in ONNX.
    return {name: np.round(values, FEATURE_DECIMALS) for name, values in features.items()}


def _single_counts(candidates: Mapping[Key, Candidate]) -> Counter[str]:
    """How many phrase mentions each word has, those inside longer phrases counted once."""
    counts: Counter[str] = Counter()
    for candidate in candidates.values():
        for word in candidate.key:
            counts[word] += candidate.n_whole
    for candidate in candidates.values():
        for word in candidate.key:
            counts[word] = max(counts[word], candidate.count)
    return counts


def _longer_counts(candidates: Mapping[Key, Candidate]) -> Counter[Key]:
    """For each phrase, how often the commonest longer phrase that holds it is said."""
    counts: Counter[Key] = Counter()
    for candidate in candidates.values():
        n = len(candidate.key)
        if n == 1 or not candidate.is_open:
            continue
        for a in range(n):
            for b in range(a + 1, n + 1):
                if b - a < n:
                    inner = candidate.key[a:b]
                    counts[inner] = max(counts[inner], candidate.count)
    return counts


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
    pool = worth_embedding(candidates, len(sentences), encoder.rarity)
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
