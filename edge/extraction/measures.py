"""What the reader is told of every sentence beside its vectors: its form, its place, its company.

All values lie about between -1 and 1, so that none drowns the others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.analysis import AnalysedSentence
from edge.english.words import Rarity
from edge.extraction.features import (
    bounds,
    hashed_stems,
    likeness,
    rates,
    row_blocks,
    running_sums,
    speaker_run_words,
    unit,
    word_offsets,
)
from edge.records import Sentence

MEANING_WINDOWS = (50, 120, 300)
VOCABULARY_WINDOWS = (120, 300)
NEW_WORD_WINDOWS = (60, 200)
CENTRAL_WINDOW = 300
STEM_COLUMNS = 256
LOG_WORDS = 10.0
"""What logarithms of a number of words are divided by: an hour of speech has about e^9 words."""


@dataclass(frozen=True)
class Place:
    """Where some sentences lie in their episode, in words."""

    before: int
    """Words of the episode before them."""
    total: int
    """Words of the whole episode."""


def measure_sentences(
    sentences: Sequence[AnalysedSentence], vectors: Float32Array, rarity: Rarity, place: Place
) -> dict[str, Float64Array]:
    """Measures of each sentence.

    :param sentences: An episode's, or those of a part of it.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    :param place: Where they lie in the episode.
    :return: Name -> shape (sentences,).
    """
    offsets = word_offsets(sentences)
    return {
        **_form(sentences),
        **_frequency(sentences, rarity),
        **_vocabulary(sentences, offsets),
        **_meaning(vectors, offsets),
        **_position(offsets, place),
        **_speakers(sentences, offsets),
    }


def _form(sentences: Sequence[AnalysedSentence]) -> dict[str, Float64Array]:
    """How a sentence is written."""
    rows = [sentence.text.split() for sentence in sentences]
    n_words = np.array([len(row) for row in rows], float)
    content = np.array([len(set(sentence.content_stems)) for sentence in sentences], float)
    stripped = [sentence.text.rstrip("\"')”’ ") for sentence in sentences]
    capitals = [sum(w[:1].isupper() and not w.startswith("I'") for w in r[1:]) for r in rows]
    return {
        "length": np.log1p(n_words) / 4.0,
        "question": np.array([sentence.is_question for sentence in sentences], float),
        "ended": np.array([text.endswith((".", "!", "?")) for text in stripped], float),
        "begins_small": np.array([text[:1].islower() for text in stripped], float),
        "capitals": np.array(capitals) / n_words,
        "digits": np.array([any(map(str.isdigit, s.text)) for s in sentences], float),
        "commas": np.array([sentence.text.count(",") for sentence in sentences]) / n_words,
        "fillers": np.array([sentence.n_fillers for sentence in sentences]) / n_words,
        "content": content / n_words,
    }


def _frequency(sentences: Sequence[AnalysedSentence], rarity: Rarity) -> dict[str, Float64Array]:
    """How rare a sentence's words are, and how often these sentences say them."""
    lines = [sorted(set(sentence.content_stems)) for sentence in sentences]
    spread = Counter(stem for line in lines for stem in line)
    rare = {stem: rarity(stem) for stem in spread}
    often = {stem: math.log1p(n) * rare[stem] / LOG_WORDS for stem, n in spread.items()}
    return {
        "rarest": np.array([max((rare[s] for s in line), default=0.0) for line in lines]),
        "rarity": np.array([sum(rare[s] for s in line) / max(1, len(line)) for line in lines]),
        "often": np.array([sum(often[s] for s in line) / max(1, len(line)) for line in lines]),
        "often_sum": np.array([sum(often[s] for s in line) for line in lines]) / 4.0,
    }


def _vocabulary(
    sentences: Sequence[AnalysedSentence], offsets: Int64Array
) -> dict[str, Float64Array]:
    """How much the words change at the beginning of each sentence."""
    stems = [sentence.content_stems for sentence in sentences]
    sums = running_sums(hashed_stems(stems, STEM_COLUMNS))
    features = {
        f"vocabulary_{window}": likeness(sums, offsets, window) for window in VOCABULARY_WINDOWS
    }
    first, last = np.zeros(len(stems)), np.zeros(len(stems))
    reach: dict[str, tuple[int, int]] = {}
    for i, line in enumerate(stems):
        for stem in line:
            reach[stem] = (reach.get(stem, (i, i))[0], i)
    for begin, end in reach.values():
        if begin != end:
            first[begin] += 1
            last[end] += 1
    for window in NEW_WORD_WINDOWS:
        new_before, new_after = rates(first, offsets, window)
        old_before, old_after = rates(last, offsets, window)
        features[f"new_words_{window}"] = 10.0 * new_after
        features[f"new_words_gain_{window}"] = 10.0 * (new_after - new_before)
        features[f"old_words_loss_{window}"] = 10.0 * (old_before - old_after)
    return features


def _meaning(vectors: Float32Array, offsets: Int64Array) -> dict[str, Float64Array]:
    """How much the meaning changes there, and how near each sentence is to all and to those near.

    Of sums and blocks of rows, as copies of a long part's vectors would count.
    """
    sums = running_sums((vectors - vectors.mean(axis=0)) * np.sqrt(np.diff(offsets))[:, None])
    features = {f"meaning_{window}": likeness(sums, offsets, window) for window in MEANING_WINDOWS}
    adjacent = np.zeros(len(vectors))
    adjacent[1:] = (vectors[1:] * vectors[:-1]).sum(axis=1)
    plain = running_sums(vectors)
    first, last = bounds(offsets, CENTRAL_WINDOW)
    local = np.empty(len(vectors))
    for block in row_blocks(len(vectors)):
        around = unit(plain[last[block]] - plain[first[block]])
        local[block] = (vectors[block] * around).sum(axis=1)
    central = (vectors @ unit(vectors.sum(axis=0))).astype(np.float64)
    return {**features, "adjacent": adjacent, "central": central, "central_near": local}


def _position(offsets: Int64Array, place: Place) -> dict[str, Float64Array]:
    before = place.before + offsets[:-1]
    return {
        "position": before / place.total,
        "words_before": np.log1p(before) / LOG_WORDS,
        "words_after": np.log1p(place.total - before) / LOG_WORDS,
    }


def _speakers(sentences: Sequence[Sentence], offsets: Int64Array) -> dict[str, Float64Array]:
    """Who speaks; 0 throughout where the transcript does not say."""
    n, total = len(sentences), max(1, int(offsets[-1]))
    names = [sentence.speaker for sentence in sentences]
    if len(set(names) - {None}) < 2:
        unknown = np.zeros(n)
        return dict.fromkeys(("speakers", "turn_begins", "speaker_share", "turn"), unknown)
    spoken: Counter[str | None] = Counter()
    for sentence in sentences:
        spoken[sentence.speaker] += sentence.n_words
    begins = [False, *(a != b for a, b in zip(names[1:], names, strict=False))]
    return {
        "speakers": np.ones(n),
        "turn_begins": np.array(begins, float),
        "speaker_share": np.array([spoken[name] / total for name in names]),
        "turn": np.log1p(speaker_run_words(sentences, offsets)) / LOG_WORDS,
    }
