"""Scores of several systems on the same documents, and how they are printed."""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from benchmarks.quality.metrics import Value, average, paired_interval

OURS = "**edge**"
"""Our own system, with the model that is scored."""
Scores = dict[str, list[dict[str, Value]]]
"""System -> measure -> value, of each document."""
_Document = TypeVar("_Document")


def new_scores() -> Scores:
    """No scores yet; a system is there as soon as something is added to it."""
    return defaultdict(list)


def with_progress(documents: Iterable[_Document]) -> Iterator[_Document]:
    """Each document, and a dot on standard error once it is done.

    :param documents: Any.
    """
    for document in documents:
        yield document
        print(".", end="", file=sys.stderr, flush=True)


def merged(parts: Sequence[Scores]) -> Scores:
    """All documents of several scores.

    :param parts: Of the same systems.
    """
    scores = new_scores()
    for part in parts:
        for system, documents in part.items():
            scores[system] += documents
    return scores


def print_table(title: str, scores: Scores, ours: str = OURS, compared: int = 1) -> None:
    """A Markdown table of means, and the interval of our difference in the first measures.

    :param title: What was scored.
    :param scores: Of every system.
    :param ours: The system the others are compared with.
    :param compared: In so many measures.
    """
    measures = list(scores[ours][0])
    differences = [f"{name}, edge minus this" for name in measures[:compared]]
    print(f"\n**{title}**, n = {len(scores[ours])}\n")
    print(f"| system | {' | '.join([*measures, *differences])} |")
    print("|---" * (len(measures) + compared + 1) + "|")
    for system, documents in scores.items():
        cells = [_cell(average([values[name] for values in documents])) for name in measures]
        for name in measures[:compared]:
            pair = ([values[name] for values in each] for each in (scores[ours], documents))
            difference, low, high = paired_interval(*pair)
            interval = f"{difference:+.1f} ({low:+.1f} to {high:+.1f})"
            cells.append("" if system == ours else interval)
        print(f"| {system} | {' | '.join(cells)} |", flush=True)


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}"
