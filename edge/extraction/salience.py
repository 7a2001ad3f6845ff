"""How much of the episode a sentence carries: features of every sentence, judged by heads.

Three heads: ``concept`` says of each content word how likely a human summary uses it,
``relevance`` reads the sentence's vector, and ``salience``, boosted trees, weighs both beside
centrality, position and wording. docs/adr/0006-heads.md tells how they were chosen.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.fluency import FALSE_START, FILLED, SMALL_TALK, count_stutters
from edge.english.words import (
    FILLERS,
    PRONOUNS,
    REMEMBERED,
    Rarity,
    content_stems,
    phrases,
    words,
)
from edge.extraction.features import (
    bounds,
    hashed_stems,
    ranks,
    row_blocks,
    running_sums,
    shifted,
    speaker_run_words,
    unit,
    word_offsets,
)
from edge.records import Sentence
from edge.runtime.heads import Head

LOCAL_WINDOWS = (100, 400)
STEM_COLUMNS = 512
MAX_COMPARED = 1500
"""Sentences each sentence is compared with: bounds the time for very long episodes."""
CLOSE = 0.35
"""Cosine above which two sentences support each other, as in LexRank."""

_NUMBER = phrases(r"(?:one|two|three|four|five|ten|hundred|thousand|million|percent)\b|\d")
_CUES = {
    "cue_decision": phrases(
        r"(?:should|need to|have to|must|will|going to|want to|decided?|agree)\b"
    ),
    "cue_reason": phrases(
        r"(?:because|therefore|so that|which means|in order|means that|reason)\b"
    ),
    "cue_weight": phrases(
        r"(?:important|main|problem|idea|key|goal|point|issue|basically|essentially|propos(?:e|al))\b"
    ),
}
_WORD_GROUPS = {
    "we": frozenset(["we", "our", "us", "we'll", "we've"]),
    "i": frozenset(["i", "i'm", "i've", "i'd"]),
    "you": frozenset(["you", "your"]),
}
_GLUE = frozenset(["the", "of", "to", "and", "a", "in"])


def salience_features(
    sentences: Sequence[Sentence], texts: Sequence[str], vectors: Float32Array, rarity: Rarity
) -> dict[str, Float64Array]:
    """Features of each sentence, without those that come from the other heads.

    :param sentences: The whole episode.
    :param texts: The sentences as they would be shown, without leading fillers.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    :return: Feature name -> shape (sentences,).
    """
    offsets = word_offsets(sentences)
    bare = [[word.lower() for word in words(text)] for text in texts]
    stems = [content_stems(text) for text in texts]
    features = {
        **_size(sentences, bare, stems),
        **_frequency(bare, stems, rarity),
        **_centrality(vectors, stems, offsets),
        **_place(sentences, offsets),
        **_wording(sentences, texts, bare),
    }
    for name in ("central", "vocabulary_central", "frequency_sum", "central_400"):
        features[f"{name}_rank"] = ranks(features[name])
    return features


def _size(
    sentences: Sequence[Sentence], bare: Sequence[Sequence[str]], stems: Sequence[Sequence[str]]
) -> dict[str, Float64Array]:
    length = np.array([len(own) for own in bare], float)
    content = np.array([len(set(own)) for own in stems], float)
    return {
        "length": length,
        "length-1": shifted(length, -1),
        "length+1": shifted(length, 1),
        "content": content,
        "content_share": content / np.maximum(length, 1),
        "lead_words": np.array([s.n_words for s in sentences]) - length,
    }


def _frequency(
    bare: Sequence[Sequence[str]], stems: Sequence[Sequence[str]], rarity: Rarity
) -> dict[str, Float64Array]:
    """How often the episode says what the sentence says."""
    counts = Counter(stem for own in stems for stem in own)
    spread = Counter(stem for own in stems for stem in set(own))
    pairs = Counter(pair for own in stems for pair in set(itertools.pairwise(own)))
    rare = {stem: rarity(stem) for stem in counts}
    weight = {stem: math.log1p(n) * (0.4 + 0.6 * rare[stem]) for stem, n in spread.items()}
    total = max(1, sum(counts.values()))
    length = np.array([len(own) for own in bare], float)
    summed = np.array([sum(weight[stem] for stem in sorted(set(own))) for own in stems])
    seen: set[str] = set()
    new = []
    for own in stems:
        new.append(sum(weight[stem] for stem in sorted(set(own) - seen)))
        seen.update(own)
    return {
        "frequency_sum": summed,
        "frequency_mean": summed / np.maximum([len(set(own)) for own in stems], 1),
        "frequency_density": summed / np.sqrt(np.maximum(length, 4)),
        "frequency_max": np.array([max((weight[s] for s in own), default=0.0) for own in stems]),
        "share_mean": _means(stems, {stem: 100 * n / total for stem, n in counts.items()}),
        "pairs": np.array(
            [sum(math.log(pairs[p]) for p in sorted(set(itertools.pairwise(own)))) for own in stems]
        ),
        "rarity_mean": _means(stems, rare),
        "frequency_new": np.array(new),
    }


def _means(stems: Sequence[Sequence[str]], value: Mapping[str, float]) -> Float64Array:
    return np.array([sum(value[s] for s in own) / len(own) if own else 0.0 for own in stems])


def _centrality(
    vectors: Float32Array, stems: Sequence[Sequence[str]], offsets: Int64Array
) -> dict[str, Float64Array]:
    """Nearness to the episode, to its surroundings and to its neighbours."""
    n = len(vectors)
    weighted = vectors * np.sqrt(np.maximum([len(set(own)) for own in stems], 0.1))[:, None]
    whole, sums = weighted.sum(axis=0), running_sums(weighted)
    del weighted  # for a long part, each copy counts
    compared = (
        vectors if n <= MAX_COMPARED else vectors[np.linspace(0, n - 1, MAX_COMPARED, dtype=int)]
    )
    close_share, cosine_mean = np.empty(n), np.empty(n)
    for block in row_blocks(n):
        cosines = vectors[block] @ compared.T
        close_share[block] = (cosines > CLOSE).mean(axis=1)
        cosine_mean[block] = cosines.mean(axis=1, dtype=np.float64)
    adjacent = np.zeros(n)
    adjacent[1:] = (vectors[1:] * vectors[:-1]).sum(axis=1)
    features = {
        "central": vectors @ unit(whole),
        "vocabulary_central": _vocabulary_central(stems),
        "close_share": close_share,
        "cosine_mean": cosine_mean,
        "adjacent": adjacent,
        "adjacent+1": shifted(adjacent, 1),
    }
    for window in LOCAL_WINDOWS:
        first, last = bounds(offsets, window)
        central = np.empty(n)
        for block in row_blocks(n):
            around = unit(sums[last[block]] - sums[first[block]])
            central[block] = (vectors[block] * around).sum(axis=1)
        features[f"central_{window}"] = central
    return features


def _vocabulary_central(stems: Sequence[Sequence[str]]) -> Float64Array:
    """Nearness of each sentence's words to the episode's."""
    rows = hashed_stems(stems, STEM_COLUMNS)
    whole = unit(rows.sum(axis=0))
    central = np.empty(len(rows))
    for block in row_blocks(len(rows)):
        central[block] = unit(rows[block]) @ whole
    return central


def _place(sentences: Sequence[Sentence], offsets: Int64Array) -> dict[str, Float64Array]:
    n, total = len(sentences), int(offsets[-1])
    features = {
        "position": offsets[:n] / total,
        "words_before": offsets[:n].astype(np.float64),
        "words_after": (total - offsets[:n]).astype(np.float64),
        "words_total": np.full(n, float(total)),
        "n_sentences": np.full(n, float(n)),
    }
    names = [sentence.speaker for sentence in sentences]
    n_speakers = len(set(names) - {None})
    features["n_speakers"] = np.full(n, float(n_speakers))
    if n_speakers < 2:
        unknown = np.full(n, -1.0)
        return {**features, "speaker_share": unknown, "turn_words": unknown}
    spoken: Counter[str | None] = Counter()
    for sentence in sentences:
        spoken[sentence.speaker] += sentence.n_words
    features["speaker_share"] = np.array([spoken[name] / total for name in names])
    features["turn_words"] = np.log1p(speaker_run_words(sentences, offsets))
    return features


def _wording(
    sentences: Sequence[Sentence], texts: Sequence[str], bare: Sequence[Sequence[str]]
) -> dict[str, Float64Array]:
    length = np.maximum([len(own) for own in bare], 1)
    counts = np.array([wording(text) for text in texts], float).reshape(-1, len(_COUNTED))
    found = dict(zip(_COUNTED, counts.T, strict=True))

    def count(group: frozenset[str]) -> Float64Array:
        return np.array([sum(word in group for word in own) for own in bare], float)

    question = np.array([sentence.is_question for sentence in sentences], float)
    return {
        "question": question,
        "question-1": shifted(question, -1),
        "question+1": shifted(question, 1),
        "names": found["names"],
        "numbers": found["numbers"],
        "filler_share": (count(FILLERS) + found["filled"]) / length,
        "stutters": found["stutters"] + found["false_starts"],
        "small_talk": np.minimum(found["small_talk"], 1),
        "pronoun_share": count(PRONOUNS) / length,
        "glue_share": count(_GLUE) / length,
        "ended": np.array([s.text.rstrip().endswith((".", "!")) for s in sentences], float),
        "commas": found["commas"],
        **{name: np.minimum(found[name], 1) for name in _CUES},
        **{name: count(group) for name, group in _WORD_GROUPS.items()},
    }


_COUNTED = (
    "names", "commas", "stutters", "false_starts", "filled", "small_talk", "numbers", *_CUES
)  # fmt: skip


@lru_cache(REMEMBERED)
def wording(text: str) -> tuple[int, ...]:
    """How often each of ``_COUNTED`` is in a text.

    :param text: A sentence as it would be shown.
    """
    names = sum(
        w[:1].isupper() and w.lower() != "i" and not w.startswith(("I'", "I’"))
        for w in text.split()[1:]
    )
    patterns = (FALSE_START, FILLED, SMALL_TALK, _NUMBER, *_CUES.values())
    return (
        names,
        text.count(","),
        count_stutters(text),
        *(len(pattern.findall(text)) for pattern in patterns),
    )


def concept_features(
    stems: Sequence[Sequence[str]], features: Mapping[str, Float64Array], rarity: Rarity
) -> tuple[list[str], dict[str, Float64Array]]:
    """Every content stem of the episode, and the features of each.

    :param stems: Content stems of each sentence.
    :param features: As ``salience_features`` gives them.
    :param rarity: Word to 0 (common) to 1 (rare).
    :return: The stems, and feature name -> shape (stems,).
    """
    said: dict[str, list[int]] = {}
    for i, own in enumerate(stems):
        for stem in own:
            said.setdefault(stem, []).append(i)
    keys = sorted(said)
    n = max(1, len(stems))
    total = sum(map(len, said.values()))
    count = np.array([len(said[key]) for key in keys], float)
    places = [sorted(set(said[key])) for key in keys]
    first = np.array([own[0] / n for own in places])
    last = np.array([own[-1] / n for own in places])
    central, vocabulary = features["central"], features["vocabulary_central"]
    return keys, {
        "count_log": np.log1p(count),
        "spread_log": np.log1p([len(own) for own in places]),
        "share": 100 * count / max(1, total),
        "first": first,
        "last": last,
        "reach": last - first,
        "rarity": np.array([rarity(key) for key in keys]),
        "letters": np.array([len(key) for key in keys], float),
        "central_mean": np.array([central[own].mean() for own in places]),
        "vocabulary_mean": np.array([vocabulary[own].mean() for own in places]),
        "central_max": np.array([central[own].max() for own in places]),
        "sentences_log": np.full(len(keys), math.log(n)),
        "numeral": np.array([key[:1].isdigit() for key in keys], float),
    }


def with_concepts(
    features: Mapping[str, Float64Array],
    stems: Sequence[Sequence[str]],
    probability: Mapping[str, float],
    relevance: Float64Array,
) -> dict[str, Float64Array]:
    """Sentence features and what the ``concept`` and ``relevance`` heads said.

    :param features: As ``salience_features`` gives them.
    :param stems: Content stems of each sentence.
    :param probability: Stem -> probability that a summary uses it.
    :param relevance: The head's scores, shape (sentences,).
    """
    own = [[probability[stem] for stem in sorted(set(line))] for line in stems]
    summed = np.array([sum(values) for values in own], float)
    return {
        **features,
        "concept_sum": summed,
        "concept_density": summed / np.maximum(features["length"], 1),
        "concept_mean": summed / np.maximum([len(values) for values in own], 1),
        "concept_max": np.array([max(values, default=0.0) for values in own]),
        "relevance": relevance,
    }


def predict_salience(
    sentences: Sequence[Sentence],
    texts: Sequence[str],
    vectors: Float32Array,
    heads: Mapping[str, Head],
    rarity: Rarity,
) -> Float64Array:
    """Expected overlap of each sentence with a human summary; not bounded, higher is better.

    :param sentences: The whole episode.
    :param texts: The sentences as they would be shown, without leading fillers.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param heads: ``concept``, ``relevance`` and ``salience``.
    :param rarity: Word to 0 (common) to 1 (rare).
    :raises InferenceError: If onnxruntime fails.
    """
    features = salience_features(sentences, texts, vectors, rarity)
    stems = [content_stems(text) for text in texts]
    keys, concepts = concept_features(stems, features, rarity)
    probability = dict(zip(keys, heads["concept"].predict(concepts), strict=True))
    relevance = heads["relevance"].predict({"vector": vectors})
    return heads["salience"].predict(with_concepts(features, stems, probability, relevance))
