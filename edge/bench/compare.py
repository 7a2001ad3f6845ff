"""Two records side by side: faster, slower, or not to be told apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from edge.bench.record import Json
from edge.bench.statistics import CONFIDENCE, Difference, compare, compare_pairs
from edge.bench.tables import Table, duration
from edge.errors import BenchError

MACHINE_FIELDS = ("board_model", "cpu", "cores", "ram_total", "machine", "cpu_governor", "nvpmodel")
"""What must be the same for times to be comparable."""
CASE_FIELDS = (
    "scenario",
    "bundle_id",
    "intra_threads",
    "words",
    "provider_requested",
    "max_rss_bytes",
)


def require_same_machine(first: Json, second: Json) -> None:
    """Refuse to compare times of two machines.

    :param first: A record.
    :param second: Another.
    :raises BenchError: If they are of different machines.
    """
    different = [
        f"{name}: {first[name]!r} and {second[name]!r}"
        for name in MACHINE_FIELDS
        if first[name] != second[name]
    ]
    if different:
        raise BenchError(
            f"the records are of different machines ({'; '.join(different)})",
            "If that is what you want to compare, say --across-machines.",
        )


def process_medians_ms(case: Json) -> list[float]:
    """Median time of each fresh process.

    :param case: Of a record.
    """
    return [statistics.median(samples) / 1e6 for samples in case["samples_ns"]]


def compare_records(
    first: Json, second: Json, across_machines: bool = False
) -> list[tuple[Json, Json, Difference]]:
    """Every case that both records have, and how the second's time compares.

    :param first: A record.
    :param second: Another.
    :param across_machines: Whether they may be of different machines.
    :raises BenchError: If they may not and are, or have no case in common.
    """
    if not across_machines:
        require_same_machine(first, second)
    mine = {_key(case): case for case in first["cases"]}
    pairs = [(mine[_key(case)], case) for case in second["cases"] if _key(case) in mine]
    if not pairs:
        raise BenchError(
            "the records have no case in common",
            "Measure the same cases: same scenario, model, threads, words and provider.",
        )
    if first.get("beside") == second["run_id"]:
        return [
            (old, new, compare_pairs(process_medians_ms(old), process_medians_ms(new)))
            for old, new in pairs
        ]
    # On another machine, the reference tells of its processor, not of a neighbour's noise.
    drift = 1.0 if across_machines else _reference_ns(second) / _reference_ns(first)
    return [
        (old, new, compare(process_medians_ms(old), process_medians_ms(new), drift))
        for old, new in pairs
    ]


def _key(case: Json) -> tuple[object, ...]:
    return tuple(case.get(name) for name in CASE_FIELDS)


def _reference_ns(record: Json) -> float:
    times: list[float] = [time for case in record["cases"] for time in case["reference_ns"]]
    return statistics.median(times)


def comparison_table(
    first: Json, second: Json, pairs: Sequence[tuple[Json, Json, Difference]]
) -> Table:
    """What ``compare_records`` found, for a person.

    :param first: A record.
    :param second: Another.
    :param pairs: What was found of them.
    """
    rows = tuple(
        (
            new["name"],
            duration(old["e2e_ms"]["median"]),
            duration(new["e2e_ms"]["median"]),
            f"{found.ratio:.3f} ({found.low:.3f} - {found.high:.3f})",
            f"{found.n[0]}, {found.n[1]}",
            f"{new['peak_rss_bytes'] / old['peak_rss_bytes']:.2f}",
            found.verdict,
        )
        for old, new, found in pairs
    )
    margin = pairs[0][2].margin
    beside = first.get("beside") == second["run_id"]
    test = "signed-rank test on neighbouring" if beside else "rank-sum test on the medians of n"
    note = (
        f"Ratio: second over first, with its {CONFIDENCE:.0%} interval by the {test} fresh "
        f"processes. 'faster' and 'slower': the whole interval lies more than {margin:.1%} from 1."
    )
    if not beside:
        note += (
            "\nThe runs were taken one after the other, and a machine may be faster in one of them "
            "than in the other: two builds are best measured with --beside, in turns."
        )
    for name, record in (("first", first), ("second", second)):
        if not record["valid"]:
            note += f"\nThe {name} record is INVALID: {'; '.join(record['invalid_reasons'])}."
    return Table(
        f"{second['run_id']} against {first['run_id']}",
        ("case", "first", "second", "ratio (interval)", "n", "peak RSS ratio", "verdict"),
        rows,
        note,
    )
