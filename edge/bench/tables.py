"""Records as tables: headings and rows of text, for a terminal, Markdown or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.bench.cases import COLD, ENCODER, TOKENS
from edge.bench.record import Json
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


def case_table(record: Json) -> Table:
    """What was measured, a line a case.

    :param record: The run.
    """
    rows = []
    for case in record["cases"]:
        times = case["e2e_ms"]
        rows.append(
            (
                case["name"],
                f"{duration(times['median'])} ({duration(times['min'])} - "
                f"{duration(times['max'])})",
                duration(times["p90"]),
                _rate(case),
                f"{case['peak_rss_bytes'] / 1e6:.0f} MB",
                "-" if case["energy_j"] is None else f"{case['energy_j']:.1f} J",
                str(case["n"]),
                "VALID" if case["valid"] else "INVALID",
            )
        )
    energy = record["power_source"] or f"not measured: {record['power_reason']}"
    needed = ", ".join(f"p{p} from n={n}" for p, n in PERCENTILE_RUNS.items())
    return Table(
        "Times",
        ("case", "median (min - max)", "p90", "pace", "peak RSS", "energy", "n", "verdict"),
        tuple(rows),
        f"Percentiles only where n allows them ({needed}). Energy: {energy}.",
    )


def _rate(case: Json) -> str:
    """How fast, in the unit people compare: of speech, tokens read, tokens written."""
    median_s = case["e2e_ms"]["median"] / 1000
    if case["scenario"] == TOKENS:
        reading = case["tokens_in"] / case["ttft_ms"] * 1000
        return f"{reading:.0f} tokens/s read, {1000 / case['tpot_ms']:.1f} written"
    if case["scenario"] == ENCODER:
        return f"{case['tokens_in'] / median_s:.0f} tokens/s"
    if case["rtf"]:
        return f"{1 / case['rtf']:.0f} x real time"
    return f"{case['episodes'] / median_s * 3600:.0f} episodes/h"


def stage_table(record: Json) -> Table:
    """Where the time goes: each stage's median, and its share of the whole.

    :param record: The run.
    """
    cases = [case for case in record["cases"] if len(case["stage_ms"]) > 1]
    names = list(dict.fromkeys(name for case in cases for name in case["stage_ms"]))
    names.sort(key=lambda name: name == "other")
    rows = []
    for case in cases:
        whole = case["e2e_ms"]["median"]
        cells = (case["stage_ms"].get(name) for name in names)
        rows.append(
            (
                case["name"],
                *("" if cell is None else f"{cell:.0f} ({cell / whole:.0%})" for cell in cells),
            )
        )
    return Table(
        "Stages, ms (share)",
        ("case", *names),
        tuple(rows),
        "'other' is what no stage accounts for.",
    )


def scaling_points(record: Json) -> list[tuple[int, float, int]]:
    """(words, median seconds, peak bytes) of the cold command, by length.

    :param record: The run.
    """
    return sorted(
        (case["words"], case["e2e_ms"]["median"] / 1000, case["peak_rss_bytes"])
        for case in record["cases"]
        if case["scenario"] == COLD
    )


def scaling_table(record: Json) -> Table | None:
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


def verdict(record: Json) -> str:
    """VALID or INVALID, with the reasons and what to be wary of.

    :param record: The run.
    """
    lines = ["VALID" if record["valid"] else "INVALID"]
    lines += [f"  {reason}" for reason in record["invalid_reasons"]]
    lines += [
        f"  sustained: {case['name']}: after {case['sustained_s']:.0f} s it takes "
        f"{case['slowdown']:.2f} times as long"
        for case in record["cases"]
        if case["slowdown"] is not None
    ]
    lines += [
        f"  warning: {case['name']}: {warning}"
        for case in record["cases"]
        for warning in case["warnings"]
    ]
    return "\n".join(lines)


def machine(record: Json) -> str:
    """The machine in one line.

    :param record: The run.
    """
    memory = f"{record['ram_total'] / 1e9:.1f} GB" if record["ram_total"] else "memory unknown"
    what = (record["board_model"], record["cpu"], f"{record['cores']} cores", memory)
    return ", ".join(filter(None, what)) + f"; onnxruntime {record['ort_version']}"


def all_tables(record: Json) -> list[Table]:
    """Every table that a record has something for.

    :param record: The run.
    """
    tables = [case_table(record), stage_table(record), scaling_table(record)]
    return [table for table in tables if table is not None and table.rows]


def report_markdown(record: Json) -> str:
    """A record as Markdown.

    :param record: The run.
    """
    head = [
        f"# Latency of edge-insights {record['tool_version']}",
        f"{machine(record)}. {record['os']}, Python {record['python']}. {record['utc']}.",
    ]
    tables = [table.as_markdown() for table in all_tables(record)]
    return "\n\n".join([*head, *tables, "```", verdict(record), "```"])
