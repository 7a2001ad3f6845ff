"""Charts of records, drawn with matplotlib: each function returns a figure."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from edge.bench.cost import cost_of, digest_cases
from edge.bench.prices import Prices
from edge.bench.record import Record
from edge.bench.tables import SCALING_FROM_WORDS, exponent, scaling_points, stage_names
from edge.bundles.manifest import PRECISIONS

OURS, OTHER, INK = "#0b6e99", "#b5651d", "#333333"
SHADES = ("#0b6e99", "#4a90a4", "#7fb3c0", "#b7d3d9", "#c98d4b", "#e0b98a", "#8c8c8c", "#5b7553",
          "#a3b899", "#6d597a", "#b08ea2", "#d4d4d4", "#404040")  # fmt: skip


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def times(record: Record) -> Figure:
    """Every sample of every case, and the median.

    :param record: The run.
    """
    cases = record.cases[::-1]
    figure, axes = _figure(8, 0.7 + 0.5 * len(cases))
    for row, case in enumerate(cases):
        times_s = [ns / 1e9 for process_ns in case.timing.samples_ns for ns in process_ns]
        axes.plot(times_s, [row] * len(times_s), "|", color=OURS, markersize=12, alpha=0.6)
        median_s = case.timing.e2e_ms.median / 1000
        axes.plot([median_s], [row], "o", color=OTHER, markersize=5)
    axes.set_yticks(range(len(cases)), [case.setup.name for case in cases])
    axes.set_xlim(0, None)
    axes.set_xlabel("seconds; a stroke a sample, a dot the median")
    return figure


def stages(record: Record) -> Figure:
    """Where the time of each case goes, as shares.

    :param record: The run.
    """
    cases = [case for case in record.cases if len(case.timing.stage_ms) > 2][::-1]
    figure, axes = _figure(8, 1.6 + 0.45 * len(cases))
    left = [0.0] * len(cases)
    for k, name in enumerate(stage_names(cases)):
        shares = [
            100 * max(0.0, case.timing.stage_ms.get(name, 0.0)) / case.timing.e2e_ms.median
            for case in cases
        ]
        axes.barh(range(len(cases)), shares, left=left, label=name, color=SHADES[k % len(SHADES)])
        left = [a + b for a, b in zip(left, shares, strict=True)]
    axes.set_yticks(range(len(cases)), [case.setup.name for case in cases])
    axes.set_xlabel("share of the median, %")
    figure.legend(loc="outside lower center", ncols=7, frameon=False, fontsize=8)
    return figure


def scaling(record: Record) -> Figure:
    """Time and memory of the cold command against the transcript's length.

    :param record: The run, with at least three lengths.
    """
    points = scaling_points(record)
    words, seconds, peaks = zip(*points, strict=True)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.loglog(words, seconds, "o-", color=OURS)
    long = [point for point in points if point[0] >= SCALING_FROM_WORDS]
    left.set_title(f"time: exponent {exponent(long):.2f} from {long[0][0]:,} words on", fontsize=10)
    left.set_ylabel("seconds")
    right.semilogx(words, [peak / 1e6 for peak in peaks], "o-", color=OURS)
    limit = 1.3 * long[0][2] / 1e6
    right.axhline(limit, color=OTHER, linestyle="--", linewidth=1)
    right.annotate(f"1.3 x {long[0][0]:,} words", (words[0], limit), va="bottom", fontsize=8)
    right.set_ylim(0, 1.25 * limit)
    right.set_ylabel("peak RSS, MB")
    right.set_title(f"memory: {max(p[2] for p in long) / long[0][2]:.2f} times", fontsize=10)
    for axes in (left, right):
        axes.set_xlabel("words of the transcript")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def cost(record: Record, prices: Prices) -> Figure:
    """What 1,000 episodes cost a device that is always at work, precision by precision.

    :param record: The run.
    :param prices: The user's.
    """
    groups: dict[str, list[tuple[str, float]]] = {}
    for case in digest_cases(record):
        name = f"{case.setup.scenario}, {case.setup.bundle_name}"
        price = 1000 * cost_of(case, prices).busy
        groups.setdefault(name, []).append((case.setup.precision, price))
    figure, axes = _figure(8, 3.4)
    ticks, labels = [], []
    x = 0.0
    for group, bars in groups.items():
        for precision, price in bars:
            color = SHADES[PRECISIONS.index(precision)]
            axes.bar([x], [price], color=color, width=0.8)
            axes.annotate(f"{price:.3g}", (x, price), ha="center", va="bottom", fontsize=8)
            ticks.append(x)
            labels.append(precision)
            x += 1
        middle = x - (len(bars) + 1) / 2
        axes.annotate(group, (middle, 0), (0, -28), textcoords="offset points", ha="center",
                      fontsize=8, annotation_clip=False)  # fmt: skip
        x += 0.8
    axes.set_xticks(ticks, labels, fontsize=8)
    axes.set_ylabel(f"{prices.currency} for 1,000 episodes")
    axes.set_title("A device that is always at work", fontsize=10)
    return figure


def pareto(worth: dict[str, Any]) -> Figure:
    """Quality against the time of a cold process, models and simple baselines.

    :param worth: As ``benchmarks.quality.against_cost`` writes it.
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    measures = (
        ("ROUGE-1", "summary, ROUGE-1"),
        ("topic words", "keyphrases, topic words found, %"),
    )
    for axes, (measure, label) in zip(panels, measures, strict=True):
        shown = [
            (system["wall_s"]["median"], system["quality"][measure], name, system["is_model"])
            for name, system in worth["systems"].items()
            if measure in system["quality"]
        ]
        front, best = [], float("-inf")
        for seconds, quality, _, _ in sorted(shown):
            if quality > best:
                best = quality
                front.append((seconds, quality))
        axes.step(*zip(*front, strict=True), where="post", color=INK, linewidth=0.8, alpha=0.5)
        for seconds, quality, _, is_model in shown:
            axes.plot([seconds], [quality], "o", color=OURS if is_model else OTHER)
        for names, position in _labels([(x, y, name) for x, y, name, _ in sorted(shown)]):
            axes.annotate(names, position, (4, 4), textcoords="offset points", fontsize=8)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(0.3, 0.25)
        axes.set_xlabel("seconds of a cold process on the sample episode")
        axes.set_ylabel(label)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _labels(points: Sequence[tuple[float, float, str]]) -> list[tuple[str, tuple[float, float]]]:
    """Names and where they stand; those of points too near each other share a place."""
    groups: list[list[tuple[float, float, str]]] = []
    for x, y, name in points:
        for group in groups:
            if any(abs(log(x / other)) < log(1.4) and abs(y - height) < 1
                   for other, height, _ in group):  # fmt: skip
                group.append((x, y, name))
                break
        else:
            groups.append([(x, y, name)])
    return [("\n".join(name for _, _, name in group), group[0][:2]) for group in groups]
