"""The measures, each in percent; docs/quality.md defines them for a reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

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


def coverage(chosen: np.ndarray, episode: np.ndarray) -> float:
    """Mean over the episode's sentences of the cosine to the nearest sentence of the summary.

    :param chosen: The summary's vectors, shape (sentences, dimension).
    :param episode: The episode's.
    """
    return 100 * float((episode @ chosen.T).max(axis=1).mean()) if len(chosen) else 0.0


def mean_cosine(texts: np.ndarray, human: np.ndarray) -> float:
    """Mean cosine of each text to the human's in its place.

    :param texts: Vectors of length 1, shape (texts, dimension).
    :param human: The same.
    """
    return 100 * float((texts * human).sum(axis=1).mean())


def redundancy(sentences: Sequence[str]) -> float:
    """Share of a summary's word pairs that it said before.

    :param sentences: The summary.
    """
    pairs = [pair for sentence in sentences for pair in pairwise(rouge_words(sentence))]
    return 100 * (1 - len(set(pairs)) / len(pairs)) if pairs else 0.0


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


def paired_interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Mean difference and its 95 % bootstrap interval, documents drawn in pairs.

    :param ours: One score a document.
    :param theirs: The same documents'.
    """
    differences = np.array(ours) - np.array(theirs)
    draws = np.random.default_rng(0).integers(0, len(differences), (2000, len(differences)))
    means = differences[draws].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(differences.mean()), float(low), float(high)
