"""What one would use without this project: each a few lines on sentences and their vectors."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from benchmarks.quality.metrics import cut_to_budget, rouge, rouge_words
from edge.arrays import Float32Array
from edge.english.words import content_stems
from edge.extraction.features import hashed_stems, likeness, running_sums, unit, word_offsets
from edge.records import Sentence

WORDS_PER_CHAPTER = 800
MMR = 0.3

# ---- summaries: sentences and vectors to chosen texts


def take(texts: Sequence[str], order: Sequence[int], max_words: int) -> list[str]:
    """Texts in that order until the budget is full, back in spoken order.

    :param texts: All texts.
    :param order: Best first.
    :param max_words: Budget.
    """
    chosen: list[int] = []
    used = 0
    for i in order:
        if used >= max_words:
            break
        chosen.append(i)
        used += len(texts[i].split())
    return [texts[i] for i in sorted(chosen)]


def lead(texts: Sequence[str], vectors: Float32Array, max_words: int) -> list[str]:
    """The first sentences."""
    return take(texts, range(len(texts)), max_words)


def draw(texts: Sequence[str], vectors: Float32Array, max_words: int) -> list[str]:
    """Random sentences."""
    return take(texts, random.Random(0).sample(range(len(texts)), len(texts)), max_words)


def longest(texts: Sequence[str], vectors: Float32Array, max_words: int) -> list[str]:
    """The longest sentences."""
    return take(texts, sorted(range(len(texts)), key=lambda i: -len(texts[i])), max_words)


def _mmr(rows: np.ndarray, texts: Sequence[str], max_words: int) -> list[str]:
    scores = rows @ unit(rows.sum(axis=0))
    nearest = np.zeros(len(texts))
    free = np.array([len(text.split()) >= 4 for text in texts])
    order: list[int] = []
    used = 0
    while used < max_words and free.any():
        best = int(np.where(free, scores - MMR * nearest, -np.inf).argmax())
        free[best] = False
        order.append(best)
        used += len(texts[best].split())
        nearest = np.maximum(nearest, rows @ rows[best])
    return take(texts, order, max_words)


def tfidf_centroid(texts: Sequence[str], vectors: Float32Array, max_words: int) -> list[str]:
    """Nearest to the centre of TF-IDF rows, with maximal marginal relevance."""
    return _mmr(unit(hashed_stems([content_stems(t) for t in texts], 4096)), texts, max_words)


def minilm_centroid(texts: Sequence[str], vectors: Float32Array, max_words: int) -> list[str]:
    """Nearest to the mean vector, with maximal marginal relevance."""
    return _mmr(np.asarray(vectors, np.float64), texts, max_words)


def sumy(name: str) -> Callable[[Sequence[str], Float32Array, int], list[str]]:
    """One of sumy's summarizers.

    :param name: ``lex_rank``, ``text_rank``, ``lsa`` or ``luhn``.
    """

    def summarize(texts: Sequence[str], vectors: Float32Array, max_words: int) -> list[str]:
        from importlib import import_module

        from sumy.models.dom import ObjectDocumentModel, Paragraph
        from sumy.models.dom import Sentence as SumySentence

        class Words:
            @staticmethod
            def to_words(text: str) -> tuple[str, ...]:
                return tuple(text.lower().split())

        module = import_module(f"sumy.summarizers.{name}")
        kind = "".join(part.title() for part in name.split("_")) + "Summarizer"
        long_enough = [text for text in texts if len(text.split()) >= 4]
        document = ObjectDocumentModel([Paragraph([SumySentence(t, Words()) for t in long_enough])])
        chosen = getattr(module, kind)()(document, max(1, max_words // 12))
        return cut_to_budget([str(sentence) for sentence in chosen], max_words)

    return summarize


SUMMARIES: dict[str, Callable[[Sequence[str], Float32Array, int], list[str]]] = {
    "lead": lead,
    "random": draw,
    "longest": longest,
    "TF-IDF centroid + MMR": tfidf_centroid,
    "MiniLM centroid + MMR": minilm_centroid,
    "sumy LexRank": sumy("lex_rank"),
    "sumy TextRank": sumy("text_rank"),
    "sumy LSA": sumy("lsa"),
    "sumy Luhn": sumy("luhn"),
}


def oracle(texts: Sequence[str], reference: str, max_words: int) -> list[str]:
    """Greedy choice by ROUGE with the human summary in hand: the ceiling of extraction.

    :param texts: All texts.
    :param reference: The human summary.
    :param max_words: Budget.
    """
    wanted = Counter(rouge_words(reference))
    gain = [sum((Counter(rouge_words(t)) & wanted).values()) for t in texts]
    pool = sorted(range(len(texts)), key=lambda i: -gain[i])[:60]
    chosen: list[int] = []
    best = 0.0
    while pool:
        scored = [
            (sum(rouge([texts[j] for j in [*chosen, i]], reference, max_words).values()), i)
            for i in pool
        ]
        score, i = max(scored)
        if score <= best:
            break
        best = score
        chosen.append(i)
        pool.remove(i)
    return [texts[i] for i in sorted(chosen)]


# ---- chapters: sentences and vectors to indices of first sentences


def no_boundary(sentences: Sequence[Sentence], vectors: Float32Array) -> list[int]:
    """One chapter."""
    return []


def even_split(sentences: Sequence[Sentence], vectors: Float32Array) -> list[int]:
    """Chapters of equal words."""
    offsets = word_offsets(sentences)
    n = max(1, round(int(offsets[-1]) / WORDS_PER_CHAPTER))
    return sorted({int(np.searchsorted(offsets, k * offsets[-1] / n)) for k in range(1, n)})


def text_tiling(sentences: Sequence[Sentence], vectors: Float32Array) -> list[int]:
    """Places where the vectors of 150 words before and after differ most, as in TextTiling."""
    offsets = word_offsets(sentences)
    change = 1 - likeness(running_sums(vectors - vectors.mean(axis=0)), offsets, 150)
    chosen: list[int] = []
    n = max(1, round(int(offsets[-1]) / WORDS_PER_CHAPTER)) - 1
    for i in np.argsort(-change, kind="stable"):
        if len(chosen) < n and all(abs(offsets[i] - offsets[j]) >= 250 for j in [0, *chosen]):
            chosen.append(int(i))
    return sorted(chosen)


def _cohesion(vectors: Float32Array) -> Callable[[int, int], float]:
    """Length of the summed vectors of a stretch: high where they point one way."""
    centred = vectors - vectors.mean(axis=0)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(centred, axis=0)])
    return lambda a, b: float(np.linalg.norm(sums[b] - sums[a]))


def divisive(sentences: Sequence[Sentence], vectors: Float32Array) -> list[int]:
    """Cut again and again where it gains most, into stretches of ten sentences or more."""
    cohesion = _cohesion(vectors)
    n = max(1, round(int(word_offsets(sentences)[-1]) / WORDS_PER_CHAPTER))
    edges = [0, len(sentences)]
    while len(edges) <= n:
        gains = [
            (cohesion(a, i) + cohesion(i, b) - cohesion(a, b), i)
            for a, b in pairwise(edges)
            for i in range(a + 10, b - 10)
        ]
        if not gains:
            break
        edges = sorted([*edges, max(gains)[1]])
    return edges[1:-1]


def dynamic_programming(sentences: Sequence[Sentence], vectors: Float32Array) -> list[int]:
    """The best cut into so many stretches, of at most 150 sentences each."""
    cohesion = _cohesion(vectors)
    n, parts = len(sentences), max(1, round(int(word_offsets(sentences)[-1]) / WORDS_PER_CHAPTER))
    reach = max(150, math.ceil(2 * n / parts))
    best = np.full((parts + 1, n + 1), -np.inf)
    back = np.zeros((parts + 1, n + 1), int)
    best[0, 0] = 0.0
    for end in range(1, n + 1):
        for start in range(max(0, end - reach), end):
            value = cohesion(start, end)
            for k in range(1, parts + 1):
                if best[k - 1, start] + value > best[k, end]:
                    best[k, end] = best[k - 1, start] + value
                    back[k, end] = start
    edges, end = [], n
    for k in range(parts, 0, -1):
        end = int(back[k, end])
        edges.append(end)
    return sorted(set(edges) - {0})


CHAPTERS: dict[str, Callable[[Sequence[Sentence], Float32Array], list[int]]] = {
    "none": no_boundary,
    "even split": even_split,
    "TextTiling, MiniLM": text_tiling,
    "dynamic programming": dynamic_programming,
    "divisive MiniLM": divisive,
}
