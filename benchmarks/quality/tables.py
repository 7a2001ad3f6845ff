"""Scores of several systems on the same documents, and how they are printed."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import mean
from typing import TypeVar

from benchmarks.quality.metrics import paired_interval

OURS = "**edge**"
"""Our own system, with the model that is scored."""
Scores = dict[str, list[dict[str, float]]]
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


def print_table(
    title: str, scores: Mapping[str, Sequence[Mapping[str, float]]], ours: str = OURS
) -> None:
    """A Markdown table of means, and the interval of our difference in the first measure.

    :param title: What was scored.
    :param scores: Of every system.
    :param ours: The system the others are compared with.
    """
    measures = list(scores[ours][0])
    print(f"\n**{title}**, n = {len(scores[ours])}\n")
    print(f"| system | {' | '.join(measures)} | {measures[0]}, edge minus this |")
    print("|---" * (len(measures) + 2) + "|")
    for system, documents in scores.items():
        cells = " | ".join(f"{mean(values[name] for values in documents):.1f}" for name in measures)
        pair = ([values[measures[0]] for values in each] for each in (scores[ours], documents))
        difference, low, high = paired_interval(*pair)
        interval = "" if system == ours else f"{difference:+.1f} ({low:+.1f} to {high:+.1f})"
        print(f"| {system} | {cells} | {interval} |", flush=True)
