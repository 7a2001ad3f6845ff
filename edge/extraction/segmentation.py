"""Where chapters begin: the places the reader finds likeliest, apart from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import BoolArray, Float64Array, Int64Array
from edge.extraction.features import bounds, highest, word_offsets
from edge.extraction.greedy import ruled_out, select_greedily
from edge.records import Sentence

MIN_CHAPTER_WORDS = 250
MIN_EDGE_WORDS = 60
"""No chapter begins this near the episode's start or end."""
THRESHOLD = 0.2
"""Least smoothed probability of a boundary."""
PEAK_WORDS = 80
"""A chapter begins at the likeliest place among those this near."""
SMOOTHING_WORDS = 120
"""Probabilities this near add to each other, less the farther: another transcription puts the
same words into other sentences, and the reader's belief with them."""


def may_begin(sentences: Sequence[Sentence]) -> BoolArray:
    """Where a chapter may begin: chapters tile segments, so one place a segment.

    A sentence that begins where the one before it ends, in the same segment, may begin a chapter:
    the chapter's first segment then holds the last words of the one before.

    :param sentences: The whole episode.
    """
    firsts = np.array([sentence.first_segment for sentence in sentences])
    return np.concatenate([[False], firsts[1:] != firsts[:-1]]).astype(bool)


def choose_boundaries(sentences: Sequence[Sentence], probability: Float64Array) -> list[int]:
    """Sentence indices at which the chapters after the first begin: the likeliest places.

    :param sentences: The whole episode, or a part of it.
    :param probability: Of a chapter that begins with each sentence, shape (sentences,).
    """
    if len(sentences) < 2:
        return []
    offsets = word_offsets(sentences)
    total, starts = int(offsets[-1]), offsets[:-1]
    smooth = _smooth(np.where(may_begin(sentences), probability, 0.0), offsets)
    is_inside = (starts >= MIN_EDGE_WORDS) & (starts <= total - MIN_EDGE_WORDS)
    worth = np.where((smooth >= THRESHOLD) & is_inside, smooth, -np.inf)
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
