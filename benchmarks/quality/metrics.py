"""The measures, each in percent; docs/quality.md defines them for a reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

KEYPHRASE_CUTS = (5, 10, 15)
"""How many of the first phrases are looked at."""


def pk_and_window_diff(found: Sequence[int], human: Sequence[int], n: int) -> tuple[float, float]:
    """Pk and WindowDiff, lower is better; the window is half the mean human segment.

    :param found: Boundaries, each the first turn of a later segment.
    :param human: The human's.
    :param n: Number of turns.
    """
    k = min(max(1, round(n / (len(human) + 1) / 2)), n - 1)

    def counts(boundaries: Sequence[int]) -> np.ndarray:
        marks = np.zeros(n, int)
        marks[[at for at in boundaries if 0 < at < n]] = 1
        passed = np.cumsum(marks)
        return np.asarray(passed[k:] - passed[:-k])

    ours, theirs = counts(found), counts(human)
    return 100 * float(((ours == 0) != (theirs == 0)).mean()), 100 * float((ours != theirs).mean())


def boundary_f1(found: Sequence[int], human: Sequence[int], n: int) -> float:
    """Boundary F1, each right within a tenth of the mean human segment, at least one turn.

    :param found: Boundaries.
    :param human: The human's.
    :param n: Number of turns.
    """
    tolerance = max(1, round(n / (len(human) + 1) * 0.1))
    free = {at for at in found if 0 < at < n}
    n_found, n_right = len(free), 0
    for at in sorted(human):
        near = [b for b in sorted(free) if abs(b - at) <= tolerance]
        if near:
            free.remove(min(near, key=lambda b: abs(b - at)))
            n_right += 1
    return 200 * n_right / max(1, n_found + len(human))


@lru_cache(maxsize=100_000)
def rouge_words(text: str) -> tuple[str, ...]:
    """Lower-case words, stemmed as ROUGE does.

    :param text: Any text.
    """
    from nltk.stem.porter import PorterStemmer
    from rouge_score.tokenize import tokenize

    return tuple(tokenize(text, PorterStemmer()))


def cut_to_budget(sentences: Sequence[str], max_words: int) -> list[str]:
    """The first words of a summary, its last sentence cut where the budget ends.

    :param sentences: The summary.
    :param max_words: Budget.
    """
    kept: list[str] = []
    left = max_words
    for sentence in sentences:
        words = sentence.split()[:left]
        if words:
            kept.append(" ".join(words))
        left -= len(words)
    return kept


def rouge(sentences: Sequence[str], reference: str, max_words: int) -> dict[str, float]:
    """ROUGE-1, -2 and -Lsum F1 of a summary.

    :param sentences: The summary.
    :param reference: The human's.
    :param max_words: Words past this budget are cut.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeLsum"], use_stemmer=True)
    lines = "\n".join(re.split(r"(?<=[.!?])\s+", reference.strip()))
    scores = scorer.score(lines, "\n".join(cut_to_budget(sentences, max_words)))
    return {
        "ROUGE-1": 100 * scores["rouge1"].fmeasure,
        "ROUGE-2": 100 * scores["rouge2"].fmeasure,
        "ROUGE-L": 100 * scores["rougeLsum"].fmeasure,
    }


def mean_cosine(texts: np.ndarray, human: np.ndarray) -> float:
    """Mean cosine of each text to the human's in its place.

    :param texts: Vectors of length 1, shape (texts, dimension).
    :param human: The same.
    """
    return 100 * float((texts * human).sum(axis=1).mean())


def phrase_key(phrase: str) -> str:
    """A phrase as its stemmed words.

    :param phrase: Any phrase.
    """
    from nltk.stem.porter import PorterStemmer

    stemmer = PorterStemmer()
    bare = phrase.lower().replace("'s", "")
    return " ".join(stemmer.stem(word) for word in re.findall(r"[a-z0-9]+", bare))


def keyphrase_scores(found: Sequence[str], human: Sequence[str]) -> dict[str, float]:
    """Recall of the first 15 phrases and F1 of the first 5, 10 and 15, stemmed exact match.

    :param found: Best first.
    :param human: The human's.
    """
    ours = list(dict.fromkeys(key for key in map(phrase_key, found) if key))
    theirs = {key for key in map(phrase_key, human) if key}
    n_right = {k: len(theirs.intersection(ours[:k])) for k in KEYPHRASE_CUTS}
    recall = 100 * n_right[KEYPHRASE_CUTS[-1]] / max(1, len(theirs))
    return {
        f"recall@{KEYPHRASE_CUTS[-1]}": recall,
        **{
            f"F1@{k}": 200 * right / max(1, len(ours[:k]) + len(theirs))
            for k, right in n_right.items()
        },
    }


def share_found(found: Sequence[str], human: Sequence[str]) -> float:
    """Share of the human's phrases that hold one of the first 15 phrases, or lie in one.

    :param found: Best first.
    :param human: The human's.
    """
    ours = [f" {key} " for key in map(phrase_key, found[: KEYPHRASE_CUTS[-1]]) if key]
    theirs = {f" {key} " for key in map(phrase_key, human) if key}
    n_found = sum(any(a in b or b in a for a in ours) for b in theirs)
    return 100 * n_found / max(1, len(theirs))


def word_f1(text: str, human: str) -> float:
    """F1 of the stemmed words two texts share, each word once.

    :param text: Any text.
    :param human: The human's.
    """
    ours, theirs = set(rouge_words(text)), set(rouge_words(human))
    return 200 * len(ours & theirs) / max(1, len(ours) + len(theirs))


class Share(NamedTuple):
    """A part of a whole, in words or the like, to be added up over documents."""

    part: float
    whole: float


Value = float | Share
"""Of one document. Numbers are averaged; of shares, the parts and the wholes are added up."""


def average(values: Sequence[Value]) -> float:
    """Of all documents; not a number for shares of nothing.

    :param values: One a document.
    """
    return float(_averages(values, np.arange(len(values))[None])[0])


def _averages(values: Sequence[Value], draws: np.ndarray) -> np.ndarray:
    """Of the documents in each row of ``draws``."""
    pairs = [
        (100 * each.part, each.whole) if isinstance(each, Share) else (each, 1.0) for each in values
    ]
    parts, wholes = np.array(pairs, float).T
    part, whole = parts[draws].sum(axis=1), wholes[draws].sum(axis=1)
    return np.asarray(np.divide(part, whole, out=np.full(len(draws), np.nan), where=whole > 0))


def paired_interval(ours: Sequence[Value], theirs: Sequence[Value]) -> tuple[float, float, float]:
    """Difference and its 95 % bootstrap interval, documents drawn in pairs.

    :param ours: One score a document.
    :param theirs: The same documents'.
    """
    draws = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
    differences = _averages(ours, draws) - _averages(theirs, draws)
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return average(ours) - average(theirs), float(low), float(high)
