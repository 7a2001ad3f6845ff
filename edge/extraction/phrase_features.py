"""What tells whether people would name an episode by a noun phrase: features of each phrase."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.words import GENERIC, VERBS, Rarity, stem
from edge.extraction.features import ranks, unit, word_offsets
from edge.extraction.lexicon import Lexicon
from edge.extraction.phrases import Candidate, Key, amounts
from edge.records import Sentence

N_EMBEDDED = 300
"""Candidates that are worth a place in the model's batches."""
LEAD_WORDS = 150
FEATURE_DECIMALS = 4
MIN_COSINE, MIN_RARITY = 0.02, 0.1


WINDOW_WORDS = 500
N_STRETCHES = 10
"""Of an episode, to tell what is said all through it from what is said in one place."""
_RANKED = (
    "count", "first", "cosine", "prominence", "cosine_early", "cosine_early_often", "rare_often",
    "most_unusual", "unusual_often", "unusual_often_mean", "nearby",
)  # fmt: skip


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
    barred = amounts(candidates)
    kept = [c for key, c in candidates.items() if c.is_open and key not in barred]
    kept.sort(key=lambda c: (-_prominence(c, n_sentences, rarity), c.key))
    return kept[:limit]


def _prominence(candidate: Candidate, n_sentences: int, rarity: Rarity) -> float:
    """Log frequency, early mention and the rarity of its words, without the model."""
    spread = len(set(candidate.sentences))
    first = candidate.sentences[0] / max(1, n_sentences)
    rare = sum(rarity(word) for word in candidate.key)
    return math.log1p(spread) * (1.0 + 0.5 * math.exp(-3.0 * first)) * rare


def phrase_features(
    pool: Sequence[Candidate],
    candidates: Mapping[Key, Candidate],
    sentences: Sequence[Sentence],
    centre: Centre,
    phrase_vectors: Float32Array,
    lexicon: Lexicon,
) -> dict[str, Float64Array]:
    """What the ``phrase`` and ``subject`` heads look at, one row a phrase.

    :param pool: The phrases.
    :param candidates: All phrases of the episode.
    :param sentences: The whole episode.
    :param centre: What the sentences mean.
    :param phrase_vectors: Vectors of the pool's texts, shape (pool, dimension).
    :param lexicon: What is known of their words.
    :return: Feature name -> shape (pool,), or a matrix, shape (pool, columns).
    """
    offsets = word_offsets(sentences)
    cosine = phrase_vectors @ unit(centre.whole)
    features = {
        **_mentions(pool, offsets),
        **_places(pool, sentences, offsets),
        **_boundedness(pool, candidates),
        **_form(pool, lexicon.rarity),
        **_background(pool, lexicon),
        **_people(pool, candidates, sentences),
        "cosine": cosine,
        "cosine_lead": phrase_vectors @ unit(centre.lead),
        "log_words": np.full(len(pool), math.log(max(float(offsets[-1]), 1.0))),
        "log_candidates": np.full(len(pool), math.log(max(len(candidates), 1))),
        "prominence": np.array([_prominence(c, len(sentences), lexicon.rarity) for c in pool]),
    }
    early = 1.0 + np.exp(-3.0 * features["first"])
    often = np.log1p(features["count"])
    features["cosine_early"] = cosine * early
    features["cosine_early_often"] = np.maximum(cosine, MIN_COSINE) * early * often
    features["rare_often"] = often * (MIN_RARITY + features["rarest"])
    features["unusual_often"] = often * features["unusual_sum"]
    features["unusual_often_mean"] = often * features["unusual_mean"]
    for name in _RANKED:
        features[f"{name}_rank"] = ranks(features[name])
    # Values that differ in their last bit would be told apart in training and not in ONNX.
    rounded = {name: np.round(values, FEATURE_DECIMALS) for name, values in features.items()}
    return {**rounded, "vector": phrase_vectors.astype(np.float64)}


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


def _places(
    pool: Sequence[Candidate], sentences: Sequence[Sentence], offsets: Int64Array
) -> dict[str, Float64Array]:
    """How its mentions lie: all through the episode or in one place, and in what sentences."""
    n_words = max(float(offsets[-1]), 1.0)
    is_question = np.array([sentence.is_question for sentence in sentences])
    where = [offsets[np.array(c.sentences)] for c in pool]
    stretches = [(N_STRETCHES * places / n_words).astype(int) for places in where]
    counts = [np.bincount(stretch, minlength=N_STRETCHES) for stretch in stretches]
    return {
        "stretches": np.array([np.count_nonzero(count) for count in counts], float),
        "densest": np.array([count.max() / count.sum() for count in counts]),
        "nearby": np.array([_most_within(places, WINDOW_WORDS) for places in where], float),
        "in_question": np.array([is_question[np.array(c.sentences)].mean() for c in pool]),
    }


def _most_within(places: Int64Array, window: int) -> int:
    """Most of some places, in order, that lie within a window."""
    ends = np.searchsorted(places, places + window)
    return int((ends - np.arange(len(places))).max())


def _background(pool: Sequence[Candidate], lexicon: Lexicon) -> dict[str, Float64Array]:
    """How unusual its words are in other episodes, and whether they are names there."""
    lexicon.learn(word for c in pool for word in c.key)
    uses = [lexicon.uses(c.key) for c in pool]
    rare = [[use.rarity for use in of_words] for of_words in uses]
    return {
        "most_unusual": np.array([max(values) for values in rare]),
        "least_unusual": np.array([min(values) for values in rare]),
        "unusual_mean": np.array([sum(values) / len(values) for values in rare]),
        "unusual_sum": np.array([sum(values) for values in rare]),
        "name_elsewhere": np.array([np.mean([use.capitalised for use in of]) for of in uses]),
    }


def _people(
    pool: Sequence[Candidate], candidates: Mapping[Key, Candidate], sentences: Sequence[Sentence]
) -> dict[str, Float64Array]:
    """Whether it is how one is called: said between pauses, a speaker's, a part of a name."""
    speakers = {sentence.speaker for sentence in sentences if sentence.speaker}
    called = {stem(word) for speaker in speakers for word in speaker.split()}
    longer = {
        word for key, c in candidates.items() if 1 < len(key) < 4 and c.is_name for word in key
    }
    return {
        "alone": np.array([c.n_alone / c.count for c in pool]),
        "speaker": np.array([sum(word in called for word in c.key) / len(c.key) for c in pool]),
        "part_of_name": np.array([len(c.key) == 1 and c.key[0] in longer for c in pool], float),
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
