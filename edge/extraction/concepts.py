"""The content words of an episode, as stems: features of each, judged by the ``concept`` head."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edge.arrays import Float64Array
from edge.english.words import Rarity


def concept_features(
    stems: Sequence[Sequence[str]], features: Mapping[str, Float64Array], rarity: Rarity
) -> tuple[list[str], dict[str, Float64Array]]:
    """Every content stem of the episode, and the features of each.

    :param stems: Content stems of each sentence.
    :param features: As ``salience_features`` gives them.
    :param rarity: Word to 0 (common) to 1 (rare).
    :return: The stems, and feature name -> shape (stems,).
    """
    mentions: dict[str, list[int]] = {}
    for i, line in enumerate(stems):
        for stem in line:
            mentions.setdefault(stem, []).append(i)
    keys = sorted(mentions)
    n = max(1, len(stems))
    total = sum(map(len, mentions.values()))
    count = np.array([len(mentions[key]) for key in keys], float)
    indices = [sorted(set(mentions[key])) for key in keys]
    first = np.array([mentioned[0] / n for mentioned in indices])
    last = np.array([mentioned[-1] / n for mentioned in indices])
    central, vocabulary = features["central"], features["vocabulary_central"]
    return keys, {
        "count_log": np.log1p(count),
        "spread_log": np.log1p([len(mentioned) for mentioned in indices]),
        "share": 100 * count / max(1, total),
        "first": first,
        "last": last,
        "reach": last - first,
        "rarity": np.array([rarity(key) for key in keys]),
        "letters": np.array([len(key) for key in keys], float),
        "central_mean": np.array([central[mentioned].mean() for mentioned in indices]),
        "vocabulary_mean": np.array([vocabulary[mentioned].mean() for mentioned in indices]),
        "central_max": np.array([central[mentioned].max() for mentioned in indices]),
        "sentences_log": np.full(len(keys), math.log(n)),
        "numeral": np.array([key[:1].isdigit() for key in keys], float),
    }


def with_concepts(
    features: Mapping[str, Float64Array],
    stems: Sequence[Sequence[str]],
    probability: Mapping[str, float],
    relevance: Float64Array,
) -> dict[str, Float64Array]:
    """Sentence features and what the ``concept`` and ``relevance`` heads predict.

    :param features: As ``salience_features`` gives them.
    :param stems: Content stems of each sentence.
    :param probability: Stem -> probability that a summary uses it.
    :param relevance: The head's scores, shape (sentences,).
    """
    values = [[probability[stem] for stem in sorted(set(line))] for line in stems]
    summed = np.array([sum(line) for line in values], float)
    return {
        **features,
        "concept_sum": summed,
        "concept_density": summed / np.maximum(features["length"], 1),
        "concept_mean": summed / np.maximum([len(line) for line in values], 1),
        "concept_max": np.array([max(line, default=0.0) for line in values]),
        "relevance": relevance,
    }
