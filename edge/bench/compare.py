"""Two records side by side: faster, slower, or not to be told apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from edge.bench.record import CaseRecord, Record
from edge.bench.statistics import CONFIDENCE, Difference, compare, compare_pairs
from edge.bench.tables import Table, duration
from edge.errors import BenchError

MACHINE_FIELDS = ("board_model", "cpu", "cores", "ram_total", "machine", "cpu_governor", "nvpmodel")
"""Of an ``Identity``: what must be the same for times to be comparable."""


@dataclass(frozen=True)
class CaseComparison:
    """A case that two records have, and how the second's time compares."""

    first: CaseRecord
    second: CaseRecord
    difference: Difference


def require_same_machine(first: Record, second: Record) -> None:
    """Refuse to compare times of two machines.

    :param first: A record.
    :param second: Another.
    :raises BenchError: If they are of different machines.
    """
    values = (
        (name, getattr(first.identity, name), getattr(second.identity, name))
        for name in MACHINE_FIELDS
    )
    different = [
        f"{name}: {mine!r} and {theirs!r}" for name, mine, theirs in values if mine != theirs
    ]
    if different:
        raise BenchError(
            f"the records are of different machines ({'; '.join(different)})",
            "If that is what you want to compare, say --across-machines.",
        )


def process_medians_ms(case: CaseRecord) -> list[float]:
    """Median time of each fresh process.

    :param case: Of a record.
    """
    return [statistics.median(process_ns) / 1e6 for process_ns in case.timing.samples_ns]


def compare_records(
    first: Record, second: Record, across_machines: bool = False
) -> list[CaseComparison]:
    """Every case that both records have, and how the second's time compares.

    :param first: A record.
    :param second: Another.
    :param across_machines: Whether they may be of different machines.
    :raises BenchError: If they may not and are, or have no case in common.
    """
    if not across_machines:
        require_same_machine(first, second)
    by_key = {_key(case): case for case in first.cases}
    pairs = [(by_key[_key(case)], case) for case in second.cases if _key(case) in by_key]
    if not pairs:
        raise BenchError(
            "the records have no case in common",
            "Measure the same cases: same scenario, model, threads, words and provider.",
        )
    took_turns = first.beside == second.run_id
    # On another machine, the reference tells of its processor, not of a neighbour's noise.
    drift = 1.0
    if not took_turns and not across_machines:
        drift = _reference_ns(second) / _reference_ns(first)
    comparisons = []
    for old, new in pairs:
        times_ms = process_medians_ms(old), process_medians_ms(new)
        difference = compare_pairs(*times_ms) if took_turns else compare(*times_ms, drift)
        comparisons.append(CaseComparison(old, new, difference))
    return comparisons


def _key(case: CaseRecord) -> tuple[object, ...]:
    """What makes two cases the same."""
    setup = case.setup
    return (
        *(setup.scenario, setup.bundle_id, setup.intra_threads, case.workload.words),
        *(setup.provider_requested, setup.max_rss_bytes),
    )


def _reference_ns(record: Record) -> float:
    return statistics.median(ns for case in record.cases for ns in case.timing.reference_ns)


def comparison_table(first: Record, second: Record, comparisons: Sequence[CaseComparison]) -> Table:
    """What ``compare_records`` found, for a person.

    :param first: A record.
    :param second: Another.
    :param comparisons: Of their cases.
    """
    took_turns = first.beside == second.run_id
    test = "signed-rank test on neighbouring" if took_turns else "rank-sum test on the medians of n"
    note = (
        f"Ratio: second over first, with its {CONFIDENCE:.0%} interval by the {test} fresh "
        "processes. 'faster' and 'slower': the whole interval lies more than "
        f"{comparisons[0].difference.margin:.1%} from 1."
    )
    if not took_turns:
        note += (
            "\nThe runs were taken one after the other, and a machine may be faster in one of them "
            "than in the other: two builds are best measured with --beside, in turns."
        )
    for name, record in (("first", first), ("second", second)):
        if not record.is_valid:
            note += f"\nThe {name} record is INVALID: {'; '.join(record.invalid_reasons)}."
    return Table(
        f"{second.run_id} against {first.run_id}",
        ("case", "first", "second", "ratio (interval)", "n", "peak RSS ratio", "verdict"),
        tuple(map(_row, comparisons)),
        note,
    )


def _row(comparison: CaseComparison) -> tuple[str, ...]:
    old, new, difference = comparison.first, comparison.second, comparison.difference
    return (
        new.setup.name,
        duration(old.timing.e2e_ms.median),
        duration(new.timing.e2e_ms.median),
        f"{difference.ratio:.3f} ({difference.low:.3f} - {difference.high:.3f})",
        f"{difference.n[0]}, {difference.n[1]}",
        f"{new.resources.peak_rss_bytes / old.resources.peak_rss_bytes:.2f}",
        difference.verdict,
    )
