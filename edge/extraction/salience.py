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

import numpy as np

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.analysis import AnalysedSentence
from edge.english.wording import WordingCounts
from edge.english.words import Rarity
from edge.extraction.concepts import concept_features, with_concepts
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


def salience_features(
    sentences: Sequence[AnalysedSentence], vectors: Float32Array, rarity: Rarity
) -> dict[str, Float64Array]:
    """Features of each sentence, without those that come from the other heads.

    :param sentences: The whole episode.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    :return: Feature name -> shape (sentences,).
    """
    offsets = word_offsets(sentences)
    features = {
        **_size(sentences),
        **_frequency(sentences, rarity),
        **_centrality(vectors, [sentence.content_stems for sentence in sentences], offsets),
        **_position(sentences, offsets),
        **_wording(sentences),
    }
    for name in ("central", "vocabulary_central", "frequency_sum", "central_400"):
        features[f"{name}_rank"] = ranks(features[name])
    return features


def _size(sentences: Sequence[AnalysedSentence]) -> dict[str, Float64Array]:
    length = np.array([sentence.wording.words for sentence in sentences], float)
    content = np.array([len(set(sentence.content_stems)) for sentence in sentences], float)
    return {
        "length": length,
        "length-1": shifted(length, -1),
        "length+1": shifted(length, 1),
        "content": content,
        "content_share": content / np.maximum(length, 1),
        "lead_words": np.array([sentence.n_words for sentence in sentences]) - length,
    }


def _frequency(sentences: Sequence[AnalysedSentence], rarity: Rarity) -> dict[str, Float64Array]:
    """How often the episode says what the sentence says."""
    stems = [sentence.content_stems for sentence in sentences]
    counts = Counter(stem for line in stems for stem in line)
    spread = Counter(stem for line in stems for stem in set(line))
    pairs = Counter(pair for line in stems for pair in set(itertools.pairwise(line)))
    rare = {stem: rarity(stem) for stem in counts}
    weight = {stem: math.log1p(n) * (0.4 + 0.6 * rare[stem]) for stem, n in spread.items()}
    total = max(1, sum(counts.values()))
    length = np.array([sentence.wording.words for sentence in sentences], float)
    summed = np.array([sum(weight[stem] for stem in sorted(set(line))) for line in stems])
    seen: set[str] = set()
    new = []
    for line in stems:
        new.append(sum(weight[stem] for stem in sorted(set(line) - seen)))
        seen.update(line)
    return {
        "frequency_sum": summed,
        "frequency_mean": summed / np.maximum([len(set(line)) for line in stems], 1),
        "frequency_density": summed / np.sqrt(np.maximum(length, 4)),
        "frequency_max": np.array(
            [max((weight[stem] for stem in line), default=0.0) for line in stems]
        ),
        "share_mean": _means(stems, {stem: 100 * n / total for stem, n in counts.items()}),
        "pairs": np.array(
            [
                sum(math.log(pairs[pair]) for pair in sorted(set(itertools.pairwise(line))))
                for line in stems
            ]
        ),
        "rarity_mean": _means(stems, rare),
        "frequency_new": np.array(new),
    }


def _means(stems: Sequence[Sequence[str]], value: Mapping[str, float]) -> Float64Array:
    return np.array([sum(value[s] for s in line) / len(line) if line else 0.0 for line in stems])


def _centrality(
    vectors: Float32Array, stems: Sequence[Sequence[str]], offsets: Int64Array
) -> dict[str, Float64Array]:
    """Nearness to the episode, to its surroundings and to its neighbours."""
    weighted = vectors * np.sqrt(np.maximum([len(set(line)) for line in stems], 0.1))[:, None]
    episode, sums = weighted.sum(axis=0), running_sums(weighted)
    del weighted  # for a long part, each copy counts
    adjacent = np.zeros(len(vectors))
    adjacent[1:] = (vectors[1:] * vectors[:-1]).sum(axis=1)
    return {
        "central": vectors @ unit(episode),
        "vocabulary_central": _vocabulary_central(stems),
        **_support(vectors),
        "adjacent": adjacent,
        "adjacent+1": shifted(adjacent, 1),
        **{f"central_{words}": _local(vectors, sums, offsets, words) for words in LOCAL_WINDOWS},
    }


def _support(vectors: Float32Array) -> dict[str, Float64Array]:
    """How many of the others are close to each sentence, and how close all of them are."""
    n = len(vectors)
    compared = (
        vectors if n <= MAX_COMPARED else vectors[np.linspace(0, n - 1, MAX_COMPARED, dtype=int)]
    )
    close_share, cosine_mean = np.empty(n), np.empty(n)
    for block in row_blocks(n):
        cosines = vectors[block] @ compared.T
        close_share[block] = (cosines > CLOSE).mean(axis=1)
        cosine_mean[block] = cosines.mean(axis=1, dtype=np.float64)
    return {"close_share": close_share, "cosine_mean": cosine_mean}


def _local(
    vectors: Float32Array, sums: Float64Array, offsets: Int64Array, window: int
) -> Float64Array:
    """Nearness to what is said in a window of words on either side."""
    first, last = bounds(offsets, window)
    central = np.empty(len(vectors))
    for block in row_blocks(len(vectors)):
        around = unit(sums[last[block]] - sums[first[block]])
        central[block] = (vectors[block] * around).sum(axis=1)
    return central


def _vocabulary_central(stems: Sequence[Sequence[str]]) -> Float64Array:
    """Nearness of each sentence's words to the episode's."""
    rows = hashed_stems(stems, STEM_COLUMNS)
    episode = unit(rows.sum(axis=0))
    central = np.empty(len(rows))
    for block in row_blocks(len(rows)):
        central[block] = unit(rows[block]) @ episode
    return central


def _position(sentences: Sequence[Sentence], offsets: Int64Array) -> dict[str, Float64Array]:
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


def _wording(sentences: Sequence[AnalysedSentence]) -> dict[str, Float64Array]:
    names = WordingCounts._fields
    rows = np.array([sentence.wording for sentence in sentences], float).reshape(-1, len(names))
    counts = dict(zip(names, rows.T, strict=True))
    length = np.maximum(counts["words"], 1)
    question = np.array([sentence.is_question for sentence in sentences], float)
    return {
        "question": question,
        "question-1": shifted(question, -1),
        "question+1": shifted(question, 1),
        "names": counts["names"],
        "numbers": counts["numbers"],
        "filler_share": (counts["fillers"] + counts["filler_phrases"]) / length,
        "stutters": counts["stutters"] + counts["false_starts"],
        "small_talk": np.minimum(counts["small_talk"], 1),
        "pronoun_share": counts["pronouns"] / length,
        "glue_share": counts["glue"] / length,
        "ended": np.array([s.text.rstrip().endswith((".", "!")) for s in sentences], float),
        "commas": counts["commas"],
        "cue_decision": np.minimum(counts["cue_decision"], 1),
        "cue_reason": np.minimum(counts["cue_reason"], 1),
        "cue_weight": np.minimum(counts["cue_weight"], 1),
        "we": counts["we"],
        "i": counts["i"],
        "you": counts["you"],
    }


def predict_salience(
    sentences: Sequence[AnalysedSentence],
    vectors: Float32Array,
    heads: Mapping[str, Head],
    rarity: Rarity,
) -> Float64Array:
    """Expected overlap of each sentence with a human summary; not bounded, higher is better.

    :param sentences: The whole episode.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param heads: ``concept``, ``relevance`` and ``salience``.
    :param rarity: Word to 0 (common) to 1 (rare).
    :raises InferenceError: If onnxruntime fails.
    """
    features = salience_features(sentences, vectors, rarity)
    stems = [sentence.content_stems for sentence in sentences]
    keys, concepts = concept_features(stems, features, rarity)
    probability = dict(zip(keys, heads["concept"].predict(concepts), strict=True))
    relevance = heads["relevance"].predict({"vector": vectors})
    return heads["salience"].predict(with_concepts(features, stems, probability, relevance))
