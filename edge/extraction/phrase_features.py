"""What tells whether people would name an episode by a noun phrase: features of each phrase."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.words import GENERIC, VERBS, Rarity
from edge.extraction.features import ranks, unit, word_offsets
from edge.extraction.phrases import Candidate, Key
from edge.records import Sentence

COMMON_WEIGHT = 0.25
"""What a phrase of common words only ("data", "system") is worth beside a rare one."""
GENERIC_WEIGHT = 0.6
"""What one of words without a subject ("thing") is worth, all else alike."""
N_EMBEDDED = 200
"""Candidates that are worth a place in the model's batches."""
LEAD_WORDS = 150
FEATURE_DECIMALS = 4
MIN_COSINE, MIN_RARITY = 0.02, 0.1


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


def most_prominent(
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
    cosine = phrase_vectors @ unit(centre.whole)
    features = {
        **_mentions(pool, offsets),
        **_boundedness(pool, candidates),
        **_form(pool, rarity),
        "cosine": cosine,
        "cosine_lead": phrase_vectors @ unit(centre.lead),
        "log_words": np.full(len(pool), math.log(max(float(offsets[-1]), 1.0))),
        "log_candidates": np.full(len(pool), math.log(max(len(candidates), 1))),
        "prominence": np.array([_prominence(c, len(sentences), rarity) for c in pool]),
    }
    early = 1.0 + np.exp(-3.0 * features["first"])
    often = np.log1p(features["count"])
    features["cosine_early"] = cosine * early
    features["cosine_early_often"] = np.maximum(cosine, MIN_COSINE) * early * often
    features["rare_often"] = often * (MIN_RARITY + features["rarest"])
    for name in (
        "count", "first", "cosine", "prominence", "cosine_early", "cosine_early_often", "rare_often"
    ):  # fmt: skip
        features[f"{name}_rank"] = ranks(features[name])
    # Values that differ in their last bit would be told apart in training and not in ONNX.
    return {name: np.round(values, FEATURE_DECIMALS) for name, values in features.items()}


def _mentions(pool: Sequence[Candidate], offsets: Int64Array) -> dict[str, Float64Array]:
    """How often and where in the episode a phrase is said."""
    n_words = float(offsets[-1])
    count = np.array([c.count for c in pool], float)
    first = np.array([offsets[c.sentences[0]] for c in pool], float)
    last = np.array([offsets[c.sentences[-1]] for c in pool], float)
    return {
        "count": count,
        "spread": np.array([len(set(c.sentences)) for c in pool], float),
        "per_1000_words": 1000.0 * count / n_words,
        "first": first / n_words,
        "first_words": np.log1p(first),
        "extent": (last - first) / n_words,
    }


def _boundedness(
    pool: Sequence[Candidate], candidates: Mapping[Key, Candidate]
) -> dict[str, Float64Array]:
    """How long a phrase is, and whether it is one: no part of another, no words met by chance."""
    count = np.array([c.count for c in pool], float)
    single, longer = _single_counts(candidates), _longer_counts(candidates)
    return {
        "words": np.array([len(c.key) for c in pool], float),
        "characters": np.array([len(c.text) for c in pool], float),
        "open_left": np.array([c.n_open_left for c in pool]) / count,
        "open_right": np.array([c.n_open_right for c in pool]) / count,
        "whole": np.array([c.n_whole for c in pool]) / count,
        "in_longer": np.array([longer[c.key] for c in pool]) / count,
        "cohesion": count / np.array([max(single[w] for w in c.key) for c in pool]),
        "word_count": np.array([np.mean([single[w] for w in c.key]) for c in pool]),
    }


def _form(pool: Sequence[Candidate], rarity: Rarity) -> dict[str, Float64Array]:
    """How a phrase is written, and of what kind of words it is made."""
    count = np.array([c.count for c in pool], float)
    n_inside = np.maximum([c.n_inside for c in pool], 1)
    rare = [[rarity(word) for word in c.key] for c in pool]
    return {
        "capitalised": np.array([c.n_capitalised for c in pool]) / n_inside,
        "named": np.array([c.n_named for c in pool]) / count,
        "noun": np.array([c.noun_sum for c in pool]) / count,
        "rarest": np.array([max(values) for values in rare]),
        "commonest": np.array([min(values) for values in rare]),
        "generic_first": np.array([c.key[0] in GENERIC for c in pool], float),
        "generic_last": np.array([c.key[-1] in GENERIC for c in pool], float),
        "generic_words": np.array([sum(w in GENERIC for w in c.key) for c in pool], float),
        "verb_last": np.array([c.key[-1] in VERBS for c in pool], float),
    }


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
