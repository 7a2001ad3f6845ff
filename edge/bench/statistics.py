"""Numbers that the samples support, and a test of whether two runs differ."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

PERCENTILE_RUNS = {50: 11, 90: 64, 95: 130, 99: 662}
"""Percentile -> least samples for it, by MLPerf's early-stopping rule at 99 % confidence."""
NOISY_SHARE = 0.1
"""A standard deviation of this share of the mean, or more, is noise to warn about."""
CONFIDENCE = 0.95
MARGIN = 0.02
"""Two runs that differ by less are not told apart: the order of a program's memory does that."""
MAX_RANKED = 60
"""Of more samples a side, medians of neighbours are compared."""


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The least value that a share of all do not exceed; None where there are too few.

    :param values: Samples.
    :param percent: One of ``PERCENTILE_RUNS``.
    """
    if len(values) < PERCENTILE_RUNS[percent]:
        return None
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@dataclass(frozen=True)
class Distribution:
    """What some values are like; percentiles are None where there are too few values."""

    min: float
    mean: float
    std: float | None
    """None for a single value."""
    median: float
    max: float
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


def describe(values: Sequence[float]) -> Distribution:
    """What some values are like.

    :param values: At least one.
    """
    return Distribution(
        min=min(values),
        mean=statistics.fmean(values),
        std=statistics.stdev(values) if len(values) > 1 else None,
        median=statistics.median(values),
        max=max(values),
        p50=percentile(values, 50),
        p90=percentile(values, 90),
        p95=percentile(values, 95),
        p99=percentile(values, 99),
    )


def is_noisy(values: Sequence[float]) -> bool:
    """Whether they vary too much to trust their mean.

    :param values: Samples.
    """
    return len(values) > 1 and statistics.stdev(values) >= NOISY_SHARE * statistics.fmean(values)


@dataclass(frozen=True)
class Difference:
    """How the second of two runs compares with the first."""

    ratio: float
    """Its time over the first's: Hodges-Lehmann, the median of all pairs' ratios."""
    low: float
    high: float
    """Interval of the ratio at ``CONFIDENCE``, by the test's exact distribution."""
    n: tuple[int, int]
    """Processes of each."""
    margin: float = MARGIN
    """Less than this is not told apart."""

    @property
    def verdict(self) -> str:
        """``faster`` or ``slower`` by more than the margin, or ``not distinguishable``."""
        if self.low > 1 + self.margin:
            return "slower"
        if self.high < 1 - self.margin:
            return "faster"
        return "not distinguishable"


def compare(first: Sequence[float], second: Sequence[float], drift: float = 1.0) -> Difference:
    """Compare two runs by their processes' medians.

    One number a process: samples of one process are alike and tell little about the next.

    :param first: Median time of each process.
    :param second: The same of the other run.
    :param drift: The same piece of work's time beside the second run over that beside the first:
        by so much the machine itself was slower, and so much more is not told apart.
    :return: An unbounded interval where there are too few processes for any.
    """
    a, b = (sorted(_thinned(values)) for values in (first, second))
    ratios = sorted(math.log(y / x) for x in a for y in b)
    margin = MARGIN + abs(math.log(drift))
    return _difference(ratios, _ranks_outside(len(a), len(b)), (len(first), len(second)), margin)


def compare_pairs(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare two runs whose processes took turns: each with the one beside it.

    What slows the machine for a while slows both, so nothing is said of its drift.

    :param first: Median time of each process.
    :param second: The same of the other run, in the same order.
    :return: Ratio and interval of the signed-rank test: its estimate is the median of all
        averages of two logarithms of ratios (Walsh averages).
    """
    logs = [math.log(y / x) for x, y in zip(first, second, strict=False)][-MAX_RANKED:]
    averages = sorted((logs[i] + logs[j]) / 2 for i in range(len(logs)) for j in range(i + 1))
    return _difference(
        averages, _signed_ranks_outside(len(logs)), (len(first), len(second)), MARGIN
    )


def _difference(
    logs: Sequence[float], outside: int, n: tuple[int, int], margin: float
) -> Difference:
    """Estimate and interval from sorted logarithms of ratios; no bounds where ``outside`` is 0."""
    low, high = (logs[outside - 1], logs[-outside]) if outside else (-math.inf, math.inf)
    return Difference(
        ratio=math.exp(statistics.median(logs)),
        low=math.exp(low),
        high=math.exp(high),
        n=n,
        margin=margin,
    )


def _signed_ranks_outside(n: int) -> int:
    """Which of the sorted Walsh averages, from either end, bounds the interval; 0 for none."""
    counts = [1]  # how many choices of signs give each sum of positive ranks
    for rank in range(1, n + 1):
        longer = counts + [0] * rank
        for k, count in enumerate(counts):
            longer[k + rank] += count
        counts = longer
    tail = (1 - CONFIDENCE) / 2
    return sum(1 for below in accumulate(counts) if below / 2**n <= tail)


def _thinned(values: Sequence[float]) -> list[float]:
    """At most ``MAX_RANKED`` values: medians of equally many neighbours in time."""
    size = math.ceil(len(values) / MAX_RANKED)
    return [statistics.median(values[i : i + size]) for i in range(0, len(values), size)]


def _ranks_outside(m: int, n: int) -> int:
    """Which of the sorted differences, from either end, bounds the interval; 0 for none.

    Moses' interval: the k-th least and the k-th greatest of the m x n differences, with
    P(U <= k - 1) <= (1 - CONFIDENCE) / 2 under the rank-sum statistic's exact distribution.
    """
    counts = [1]
    for i in range(1, n + 1):  # the Gaussian binomial: multiply by (1 - q^(m+i)) / (1 - q^i)
        counts += [0] * (m * i + 1 - len(counts))
        for k in range(len(counts) - 1, m + i - 1, -1):
            counts[k] -= counts[k - m - i]
        for k in range(i, len(counts)):
            counts[k] += counts[k - i]
    total = math.comb(m + n, n)
    tail = (1 - CONFIDENCE) / 2
    return sum(1 for below in accumulate(counts) if below / total <= tail)


def fitted_exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """Slope of log y over log x by least squares: 1 for linear growth.

    :param x: At least two different positive numbers.
    :param y: As many positive numbers.
    """
    return statistics.linear_regression([*map(math.log, x)], [*map(math.log, y)]).slope
