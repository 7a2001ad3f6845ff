"""Where the subject changes: every place between two sentences, judged by two heads.

``opening`` reads the vectors of the sentence before and after a place (does this sound like the
start of something?); ``boundary``, boosted trees, weighs that beside how much the vocabulary and
the meaning change there. docs/adr/0006-heads.md tells how they were chosen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.extraction.boundary_features import meaning_features, opening_features, with_opening
from edge.extraction.features import bounds, highest, word_offsets
from edge.extraction.greedy import ruled_out, select_greedily
from edge.records import Sentence
from edge.runtime.heads import Head

MIN_CHAPTER_WORDS = 120
MIN_EDGE_WORDS = 60
"""No chapter begins this near the episode's start or end."""
WORDS_PER_CHAPTER = 800
"""Words of a usual chapter, to turn a sum of probabilities into a density."""
THRESHOLD = 0.36
"""Least smoothed probability of a boundary where chapters are as dense as usual."""
PEAK_WORDS = 80
"""A chapter begins at the likeliest place among those this near."""
SMOOTHING_WORDS = 120
"""Probabilities this near add to each other, less the farther: another transcription puts the
same words into other sentences, and the head's belief with them."""


def may_begin(sentences: Sequence[Sentence]) -> npt.NDArray[np.bool_]:
    """Where a chapter may begin: chapters tile segments, so one place a segment.

    A sentence that begins where the one before it ends, in the same segment, may begin a chapter:
    the chapter's first segment then holds the last words of the one before.

    :param sentences: The whole episode.
    """
    firsts = np.array([sentence.first_segment for sentence in sentences])
    return np.concatenate([[False], firsts[1:] != firsts[:-1]]).astype(bool)


def find_boundaries(
    sentences: Sequence[Sentence],
    vectors: Float32Array,
    text: Mapping[str, Float64Array],
    heads: Mapping[str, Head],
) -> list[int]:
    """Sentence indices at which the chapters after the first begin.

    :param sentences: The whole episode.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param text: What ``text_features`` says of them.
    :param heads: ``opening`` and ``boundary``.
    :raises InferenceError: If onnxruntime fails.
    """
    if len(sentences) < 2:
        return []
    opening = heads["opening"].predict(opening_features(vectors))
    measured = {**meaning_features(vectors, word_offsets(sentences)), **text}
    features = with_opening(measured, opening, sentences)
    return choose_boundaries(sentences, heads["boundary"].predict(features))


def choose_boundaries(sentences: Sequence[Sentence], probability: Float64Array) -> list[int]:
    """The likeliest places, apart from each other; more of them where the head sees more.

    :param sentences: The whole episode.
    :param probability: Of a boundary before each sentence, shape (sentences,).
    """
    offsets = word_offsets(sentences)
    total = int(offsets[-1])
    possible = np.where(may_begin(sentences), probability, 0.0)
    smooth = _smooth(possible, offsets)
    density = float(possible.sum()) / max(1.0, total / WORDS_PER_CHAPTER)
    starts = offsets[:-1]
    is_inside = (starts >= MIN_EDGE_WORDS) & (starts <= total - MIN_EDGE_WORDS)
    is_likely = (smooth >= THRESHOLD * math.sqrt(density)) & (smooth > 0)
    worth = np.where(is_likely & is_inside, smooth, -np.inf)
    return sorted(
        select_greedily(worth, lambda i: ruled_out(np.abs(starts - starts[i]) < MIN_CHAPTER_WORDS))
    )


def _smooth(possible: Float64Array, offsets: Int64Array) -> Float64Array:
    """Sums of the probabilities around each place likelier than those near it; 0 elsewhere."""
    starts = offsets[:-1]
    likeliest = np.maximum(*highest(possible, offsets, PEAK_WORDS))
    peaks = (possible > 0) & (possible >= likeliest)
    first, last = bounds(offsets, SMOOTHING_WORDS)
    smooth = np.zeros(len(possible))
    for i in np.flatnonzero(peaks):
        near = slice(first[i], last[i])
        nearness = 1.0 - np.abs(starts[near] - starts[i]) / SMOOTHING_WORDS
        smooth[i] = possible[near] @ np.maximum(nearness, 0.0)
    return smooth
