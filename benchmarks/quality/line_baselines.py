"""Lines worth reading without this project: each an order of an episode's sentences, best first.

All choose among sentences of seven words or more, which helps each of them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.quality.page_rank import page_rank
from edge.arrays import Float32Array
from edge.english.words import content_stems
from edge.records import Sentence

MIN_WORDS = 7
N_DRAWS = 20
"""So many orders are drawn at random, and their scores averaged."""
Order = list[int]
"""Indices of sentences, best first."""


def long_enough(sentences: Sequence[Sentence]) -> Order:
    """Indices of the sentences there are to choose from, in spoken order.

    :param sentences: Of the episode.
    """
    return [i for i, sentence in enumerate(sentences) if sentence.n_words >= MIN_WORDS]


def lead(sentences: Sequence[Sentence], vectors: Float32Array) -> list[Order]:
    """The first."""
    return [long_enough(sentences)]


def longest(sentences: Sequence[Sentence], vectors: Float32Array) -> list[Order]:
    """Those of most words."""
    return [sorted(long_enough(sentences), key=lambda i: -sentences[i].n_words)]


def frequency_sum(sentences: Sequence[Sentence], vectors: Float32Array) -> list[Order]:
    """By how often their content words are said in the episode, all added up."""
    stems = [content_stems(sentence.text) for sentence in sentences]
    said = Counter(stem for line in stems for stem in line)
    worth = [sum(said[stem] for stem in line) for line in stems]
    return [sorted(long_enough(sentences), key=lambda i: -worth[i])]


def lex_rank(sentences: Sequence[Sentence], vectors: Float32Array) -> list[Order]:
    """PageRank of the sentences by their likeness, as LexRank does, on MiniLM's vectors."""
    among = long_enough(sentences)
    rows = np.asarray(vectors[among], np.float64)
    ranked = page_rank(np.maximum(rows @ rows.T, 0.0))
    return [[among[k] for k in np.argsort(-ranked, kind="stable")]]


def drawn(sentences: Sequence[Sentence], vectors: Float32Array) -> list[Order]:
    """Any, in several orders."""
    draw, among = random.Random(0), long_enough(sentences)
    return [draw.sample(among, len(among)) for _ in range(N_DRAWS)]


LINES: dict[str, Callable[[Sequence[Sentence], Float32Array], list[Order]]] = {
    "lead": lead,
    "longest sentences": longest,
    "frequency sum": frequency_sum,
    "LexRank, MiniLM": lex_rank,
    "any sentence": drawn,
}
"""Sentences and their vectors, shape (sentences, dimension), to one order or several."""
