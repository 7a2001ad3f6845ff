"""A chapter beside the others: what it means, and what its words say of it and of no other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.words import Rarity, content_stems_of, words
from edge.extraction.features import unit
from edge.records import Sentence


@dataclass(frozen=True)
class ChapterView:
    """A chapter as its title is looked for."""

    sentences: Sequence[Sentence]
    vectors: Float32Array
    salience: Float64Array
    """Of the sentences; higher is more worth reading, minus infinity is not to be shown."""
    centre: Float64Array
    """What it means, of length 1."""
    others: Float64Array
    """What each other chapter means, shape (chapters - 1, dimension)."""
    weights: Mapping[str, float]
    """What each content stem says of this chapter and of no other."""
    counts: Mapping[str, int]
    """How often each is said in it."""
    stems: Sequence[frozenset[str]]
    """Of the content words of each sentence."""


def view_chapters(
    spans: Sequence[tuple[int, int]],
    sentences: Sequence[Sentence],
    vectors: Float32Array,
    salience: Float64Array,
    rarity: Rarity,
) -> list[ChapterView]:
    """Each chapter beside the others.

    :param spans: First and one-past-last sentence of each chapter.
    :param sentences: The whole episode.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param salience: Of each sentence, how much it is worth reading, minus infinity where it may
        not be shown; shape (sentences,).
    :param rarity: Word to 0 (common) to 1 (rare).
    """
    centres = unit(np.stack([vectors[a:b].sum(axis=0) for a, b in spans]))
    stems = [content_stems_of(words(sentence.text)) for sentence in sentences]
    counts = [Counter(chain.from_iterable(stems[a:b])) for a, b in spans]
    total: Counter[str] = Counter()
    for of_chapter in counts:
        total.update(of_chapter)
    return [
        ChapterView(
            sentences[a:b],
            vectors[a:b],
            salience[a:b],
            centres[k],
            np.delete(centres, k, axis=0),
            {
                stem: math.log1p(n) * n / total[stem] * (0.25 + 0.75 * rarity(stem))
                for stem, n in counts[k].items()
            },
            counts[k],
            [frozenset(line) for line in stems[a:b]],
        )
        for k, (a, b) in enumerate(spans)
    ]
