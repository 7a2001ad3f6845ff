"""Records as tables: headings and rows of text, for a terminal, Markdown or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.bench.record import CaseRecord, Record
from edge.bench.scenarios import COLD, ENCODER
from edge.bench.statistics import PERCENTILE_RUNS, fitted_exponent

SCALING_FROM_WORDS = 10_000
"""From here on, memory must not grow with the transcript."""


@dataclass(frozen=True)
class Table:
    """One table."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """What a reader has to know."""

    def as_text(self) -> str:
        """Columns of equal width; the first to the left, the others to the right."""
        lines = [self.headings, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [
            "  ".join(
                cell.ljust(width) if k == 0 else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *text, *([self.note] if self.note else [])])

    def as_markdown(self) -> str:
        """A table of GitHub's Markdown."""
        lines = [self.headings, tuple("---" for _ in self.headings), *self.rows]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return "\n\n".join([f"### {self.title}", text, *([self.note] if self.note else [])])


def duration(milliseconds: float | None) -> str:
    """``12.3 ms`` or ``1.23 s``; a dash for what is not known.

    :param milliseconds: A time, or None.
    """
    if milliseconds is None:
        return "-"
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.1f} ms"


def case_table(record: Record) -> Table:
    """What was measured, a line a case.

    :param record: The run.
    """
    rows = []
    for case in record.cases:
        times, energy_j = case.timing.e2e_ms, case.resources.energy_j
        rows.append(
            (
                case.setup.name,
                f"{duration(times.median)} ({duration(times.min)} - {duration(times.max)})",
                duration(times.p90),
                _rate(case),
                f"{case.resources.peak_rss_bytes / 1e6:.0f} MB",
                "-" if energy_j is None else f"{energy_j:.1f} J",
                str(case.workload.n),
                "VALID" if case.is_valid else "INVALID",
            )
        )
    energy = record.power_source or f"not measured: {record.power_reason}"
    needed = ", ".join(f"p{p} from n={n}" for p, n in PERCENTILE_RUNS.items())
    return Table(
        "Times",
        ("case", "median (min - max)", "p90", "pace", "peak RSS", "energy", "n", "verdict"),
        tuple(rows),
        f"Percentiles only where n allows them ({needed}). Energy: {energy}.",
    )


def _rate(case: CaseRecord) -> str:
    """How fast, in the unit people compare: of speech, tokens read, tokens written."""
    workload, timing = case.workload, case.timing
    median_s = timing.e2e_ms.median / 1000
    if timing.ttft_ms and timing.tpot_ms:
        prefill = (workload.tokens_in or 0) / timing.ttft_ms * 1000
        return f"{prefill:.0f} tokens/s read, {1000 / timing.tpot_ms:.1f} written"
    if case.setup.scenario == ENCODER:
        return f"{(workload.tokens_in or 0) / median_s:.0f} tokens/s"
    if timing.rtf:
        return f"{1 / timing.rtf:.0f} x real time"
    return f"{(workload.episodes or 0) / median_s * 3600:.0f} episodes/h"


def stage_table(record: Record) -> Table:
    """Where the time goes: each stage's median, and its share of the whole.

    :param record: The run.
    """
    cases = [case for case in record.cases if len(case.timing.stage_ms) > 1]
    names = stage_names(cases)
    rows = []
    for case in cases:
        median_ms = case.timing.e2e_ms.median
        times_ms = (case.timing.stage_ms.get(name) for name in names)
        cells = ("" if ms is None else f"{ms:.0f} ({ms / median_ms:.0%})" for ms in times_ms)
        rows.append((case.setup.name, *cells))
    return Table(
        "Stages, ms (share)",
        ("case", *names),
        tuple(rows),
        "'other' is what no stage accounts for.",
    )


def stage_names(cases: Sequence[CaseRecord]) -> list[str]:
    """Stages of some cases in their order; ``other`` is the last.

    :param cases: Of a record.
    """
    names = list(dict.fromkeys(name for case in cases for name in case.timing.stage_ms))
    return sorted(names, key=lambda name: name == "other")


def scaling_points(record: Record) -> list[tuple[int, float, int]]:
    """(words, median seconds, peak bytes) of the cold command, by length.

    :param record: The run.
    """
    return sorted(
        (case.workload.words or 0, case.timing.e2e_ms.median / 1000, case.resources.peak_rss_bytes)
        for case in record.cases
        if case.setup.scenario == COLD
    )


def scaling_table(record: Record) -> Table | None:
    """Time and memory against the transcript's length; None for fewer than three lengths.

    :param record: The run.
    """
    points = scaling_points(record)
    if len({words for words, _, _ in points}) < 3:
        return None
    rows = tuple(
        (f"{words:,}", f"{seconds:.2f} s", f"{1000 * seconds / words * 1000:.1f} ms",
         f"{peak / 1e6:.0f} MB")
        for words, seconds, peak in points
    )  # fmt: skip
    long = [point for point in points if point[0] >= SCALING_FROM_WORDS] or points
    note = f"Fitted exponent of time over all lengths: {exponent(points):.2f}."
    if len(long) > 1:
        growth = max(point[2] for point in long) / long[0][2]
        note += (
            f" From {long[0][0]:,} words on: exponent {exponent(long):.2f}, memory grows "
            f"{growth:.2f} times."
        )
    return Table(
        "Scaling of the cold command", ("words", "time", "per 1,000 words", "peak RSS"), rows, note
    )


def exponent(points: Sequence[tuple[int, float, int]]) -> float:
    """Slope of log time over log words.

    :param points: As ``scaling_points`` gives them.
    """
    return fitted_exponent([point[0] for point in points], [point[1] for point in points])


def verdict(record: Record) -> str:
    """VALID or INVALID, with the reasons and what to be wary of.

    :param record: The run.
    """
    lines = ["VALID" if record.is_valid else "INVALID"]
    lines += [f"  {reason}" for reason in record.invalid_reasons]
    lines += [
        f"  sustained: {case.setup.name}: after {case.workload.sustained_s:.0f} s it takes "
        f"{case.timing.slowdown:.2f} times as long"
        for case in record.cases
        if case.timing.slowdown is not None
    ]
    lines += [
        f"  warning: {case.setup.name}: {warning}"
        for case in record.cases
        for warning in case.warnings
    ]
    return "\n".join(lines)


def machine(record: Record) -> str:
    """The machine in one line.

    :param record: The run.
    """
    identity = record.identity
    memory = f"{identity.ram_total / 1e9:.1f} GB" if identity.ram_total else "memory unknown"
    parts = (identity.board_model, identity.cpu, f"{identity.cores} cores", memory)
    return ", ".join(filter(None, parts)) + f"; onnxruntime {record.ort_version}"


def all_tables(record: Record) -> list[Table]:
    """Every table that a record has something for.

    :param record: The run.
    """
    tables = [case_table(record), stage_table(record), scaling_table(record)]
    return [table for table in tables if table is not None and table.rows]


def report_markdown(record: Record) -> str:
    """A record as Markdown.

    :param record: The run.
    """
    head = [
        f"# Latency of edge-insights {record.tool_version}",
        f"{machine(record)}. {record.identity.os}, Python {record.identity.python}. {record.utc}.",
    ]
    tables = [table.as_markdown() for table in all_tables(record)]
    return "\n\n".join([*head, *tables, "```", verdict(record), "```"])
