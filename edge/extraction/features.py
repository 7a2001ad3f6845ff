"""Measures over the words around a place: what the heads' features are built on.

``offsets`` is always the number of words before each sentence, with the total at the end,
shape (sentences + 1,); a window is a number of words.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.records import Sentence

Encode = Callable[[Sequence[str]], Float32Array]
"""Texts to unit vectors, shape (texts, dimension)."""
BLOCK_ROWS = 128


def word_offsets(sentences: Sequence[Sentence]) -> Int64Array:
    """Words before each sentence, and in all.

    :param sentences: The whole episode.
    """
    return np.concatenate([[0], np.cumsum([sentence.n_words for sentence in sentences])])


def unit(rows: npt.NDArray[np.floating]) -> Float64Array:
    """Rows scaled to length 1; a zero row stays.

    :param rows: Shape (..., columns).
    """
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Float64Array = np.asarray(rows, np.float64) / np.maximum(norms, 1e-9)
    return scaled


def running_sums(rows: npt.NDArray[np.number]) -> Float64Array:
    """Sums of the first 0, 1, ... rows, shape (rows + 1, ...).

    :param rows: One row a sentence.
    """
    sums = np.zeros((len(rows) + 1, *rows.shape[1:]))
    np.cumsum(rows, axis=0, dtype=np.float64, out=sums[1:])
    return sums


def row_blocks(n: int) -> Iterator[slice]:
    """Rows a few at a time, for what needs several times their memory.

    :param n: Rows in all.
    """
    return (slice(i, min(i + BLOCK_ROWS, n)) for i in range(0, n, BLOCK_ROWS))


def bounds(offsets: Int64Array, window: int) -> tuple[Int64Array, Int64Array]:
    """First sentence of the window before each sentence, and end of the one from it on.

    :param offsets: Words before each sentence.
    :param window: Words on either side; at least one sentence is taken.
    """
    n = len(offsets) - 1
    here = np.arange(n)
    first = np.minimum(np.searchsorted(offsets, offsets[:n] - window), np.maximum(here - 1, 0))
    last = np.minimum(np.searchsorted(offsets, offsets[:n] + window), n)
    return first, np.maximum(last, here + 1)


def likeness(sums: Float64Array, offsets: Int64Array, window: int) -> Float64Array:
    """Cosine of the summed rows before and from each sentence on (TextTiling's measure).

    :param sums: Running sums of one row a sentence, as ``running_sums`` gives them.
    :param offsets: Words before each sentence.
    :param window: Words on either side.
    """
    first, last = bounds(offsets, window)
    cosine = np.empty(len(first))
    for block in row_blocks(len(first)):
        here = sums[:-1][block]
        before, after = here - sums[first[block]], sums[last[block]] - here
        norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        cosine[block] = (before * after).sum(axis=1) / np.maximum(norms, 1e-9)
    return cosine


def highest(
    values: Float64Array, offsets: Int64Array, window: int
) -> tuple[Float64Array, Float64Array]:
    """Highest value in the window before and in the one from each sentence on.

    :param values: One value a sentence.
    :param offsets: Words before each sentence.
    :param window: Words on either side.
    """
    first, last = bounds(offsets, window)
    before = [values[a : i or 1].max() for i, a in enumerate(first)]
    after = [values[i:b].max() for i, b in enumerate(last)]
    return np.array(before), np.array(after)


def rates(
    counts: Float64Array, offsets: Int64Array, window: int
) -> tuple[Float64Array, Float64Array]:
    """Counts per word in the window before and in the one from each sentence on.

    :param counts: One count a sentence.
    :param offsets: Words before each sentence.
    :param window: Words on either side.
    """
    sums = running_sums(counts)
    here = np.arange(len(counts))
    first, last = bounds(offsets, window)
    before = (sums[here] - sums[first]) / np.maximum(offsets[here] - offsets[first], 1)
    after = (sums[last] - sums[here]) / np.maximum(offsets[last] - offsets[here], 1)
    return before, after


def ranks(values: Float64Array) -> Float64Array:
    """Each value's rank among all, 0 (least) to 1.

    :param values: One value a row.
    """
    order = np.empty(len(values))
    order[np.argsort(values, kind="stable")] = np.arange(len(values))
    return order / max(1, len(values) - 1)


def hashed_stems(stems: Sequence[Sequence[str]], columns: int) -> Float32Array:
    """TF-IDF rows folded into a fixed number of columns by a signed hash (bounded memory).

    :param stems: Content stems of each sentence; those said in one sentence only are left out.
    :param columns: Width.
    :return: Shape (sentences, columns).
    """
    spread = Counter(stem for line in stems for stem in set(line))
    n = len(stems)
    entries = {}
    for stem, count in spread.items():
        code = zlib.crc32(stem.encode())
        weight = math.log(1 + n / count) / math.log(1 + n)
        entries[stem] = code % columns, weight if code >> 16 & 1 else -weight
    rows = np.zeros((n, columns), np.float32)
    for i, line in enumerate(stems):
        for stem in line:
            if spread[stem] > 1:
                column, weight = entries[stem]
                rows[i, column] += weight
    return rows


def speaker_run_words(sentences: Sequence[Sentence], offsets: Int64Array) -> Float64Array:
    """Words of the uninterrupted turn each sentence belongs to.

    :param sentences: The whole episode.
    :param offsets: Words before each sentence.
    """
    runs = np.zeros(len(sentences))
    start = 0
    for i in range(1, len(sentences) + 1):
        if i == len(sentences) or sentences[i].speaker != sentences[start].speaker:
            runs[start:i] = offsets[i] - offsets[start]
            start = i
    return runs
