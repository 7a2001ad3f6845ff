"""``edge bench``: measure this device, compare, report, and count what an episode costs."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.cli.options import Bytes, Seconds

if TYPE_CHECKING:
    from edge.bench.cases import Plan

RECORD = click.Path(path_type=Path, dir_okay=False)


@click.group(invoke_without_command=True)
@click.option("--full", is_flag=True, help="Every model, one thread and all, two lengths.")
@click.option("--scaling", is_flag=True, help="The cold command on 1,000 to 500,000 words.")
@click.option(
    "--case",
    "cases",
    multiple=True,
    metavar="CASE",
    help="Only this, such as 'stream threads=1 words=5000 bundle=NAME'; may be repeated.",
)
@click.option("--repeat", type=click.IntRange(1, 1000), help="Fresh processes of each case.")
@click.option(
    "--sustained",
    type=Seconds(),
    metavar="TIME",
    help="One process digests for this long, such as 10m: what heat does to the pace.",
)
@click.option(
    "--watts",
    type=click.FloatRange(0, min_open=True),
    help="What a plug meter shows while it works, where the board has no sensor.",
)
@click.option(
    "--beside",
    metavar="PYTHON",
    help="Take turns with the edge-insights of another Python; its record goes beside this one.",
)
@click.option("--threads", type=click.IntRange(1, 64), help="Threads.  [default: cores, at most 4]")
@click.option(
    "--max-rss",
    "max_rss_bytes",
    type=Bytes(),
    metavar="SIZE",
    help="Most memory each process may take, such as 256M.",
)
@click.option(
    "--record", type=RECORD, help="The record.  [default: edge-bench-TIME.json in this folder]"
)
@click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
@click.pass_context
def bench(context: click.Context, /, **options: Any) -> None:
    """What digests cost on this device: time, memory, energy.

    Alone it takes under two minutes on 2 cores (on a slow board, what four runs of each case
    take), prints a table and leaves a record, which
    'compare', 'report' and 'cost' read. Let nothing else run meanwhile.
    """  # fmt: skip
    if context.invoked_subcommand is None:
        _measure(options)


def _measure(options: dict[str, Any]) -> None:
    from edge.bench.cases import SHORT_RUN_S
    from edge.bench.run import beside_path, run
    from edge.bench.tables import all_tables, machine, verdict
    from edge.device.energy import find_source

    path = options["record"] or Path(time.strftime("edge-bench-%Y%m%dT%H%M%S.json"))
    plans = _plans(options)
    show = (lambda done, total, name: None) if options["quiet"] else _Progress()
    ends_after_s = SHORT_RUN_S if _is_short(options) else math.inf
    source = find_source(options["watts"])
    record = run(plans, source, path, show, options["beside"], ends_after_s)
    click.echo(machine(record))
    for table in all_tables(record):
        click.echo(f"\n{table.as_text()}")
    click.echo(f"\n{verdict(record)}")
    if options["beside"]:
        _compare(path, beside_path(path), False)
    if not options["quiet"]:
        click.echo(f"record: {path}", err=True)


def _is_short(options: dict[str, Any]) -> bool:
    """Whether nothing was asked for that says how much to run."""
    longer = ("full", "scaling", "cases", "repeat", "sustained", "beside")
    return not any(options[name] for name in longer)


def _plans(options: dict[str, Any]) -> list[Plan]:
    from edge.bench.cases import Case, full_cases, parse_case, plan, scaling_cases, short_cases
    from edge.bench.scenarios import STREAM
    from edge.bundles.store import find_bundle, list_bundles
    from edge.runtime.session import default_threads

    threads = options["threads"] or default_threads()
    default = Case(STREAM, find_bundle().id, threads)
    if options["cases"]:
        cases = [parse_case(text, default) for text in options["cases"]]
    elif options["sustained"]:
        cases = [default]
    else:
        cases = []
        if options["scaling"]:
            cases += scaling_cases(default.bundle, threads)
        if options["full"]:
            cases += full_cases(list_bundles(), threads)
        cases = cases or short_cases(list_bundles(), threads)
    if options["max_rss_bytes"]:
        cases = [replace(case, max_rss_bytes=options["max_rss_bytes"]) for case in cases]
    if options["sustained"]:
        return [plan(case, options["repeat"] or 1, options["sustained"]) for case in cases]
    return [plan(case, options["repeat"]) for case in dict.fromkeys(cases)]


class _Progress:
    """A line that is written over on a terminal; a line a process elsewhere."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, done: int, total: int, name: str) -> None:
        """Show how far it is.

        :param done: Processes that ended.
        :param total: Processes in all.
        :param name: What comes next; empty at the end.
        """
        spent_s = time.monotonic() - self._started
        text = f"{done}/{total}, {spent_s:.0f} s  {name}"
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{text}" if name else "\r\033[K", nl=False, err=True)
        elif name:
            click.echo(text, err=True)


@bench.command("compare")
@click.argument("first", type=RECORD)
@click.argument("second", type=RECORD)
@click.option("--across-machines", is_flag=True, help="The records may be of two machines.")
def bench_compare(first: Path, second: Path, across_machines: bool) -> None:
    """Whether the SECOND record is faster or slower than the FIRST, case by case."""
    _compare(first, second, across_machines)


def _compare(first: Path, second: Path, across_machines: bool) -> None:
    from edge.bench.compare import compare_records, comparison_table
    from edge.bench.record_json import load

    records = load(first), load(second)
    comparisons = compare_records(*records, across_machines)
    click.echo(f"\n{comparison_table(*records, comparisons).as_text()}")


@bench.command("report")
@click.argument("record", type=RECORD)
def bench_report(record: Path) -> None:
    """A RECORD as Markdown; pages with charts are made on a workstation (benchmarks/report)."""
    from edge.bench.record_json import load
    from edge.bench.tables import report_markdown

    click.echo(report_markdown(load(record)))


@bench.command("cost")
@click.argument("record", type=RECORD)
@click.option("--prices", type=RECORD, help="A file with any of the prices below, as JSON.")
@click.option("--hardware-price", type=float, help="Of the device with all it needs.")
@click.option("--lifetime-years", type=float, help="How long the device will serve.")
@click.option("--episodes-per-month", type=float, help="How many there are to digest.")
@click.option("--electricity-price", "electricity_per_kwh", type=float, help="Of a kWh.")
@click.option("--hosted-price", "hosted_per_episode", type=float,
              help="What a service asks for an episode.")  # fmt: skip
@click.option("--carbon", "carbon_g_per_kwh", type=float, help="Grams of CO2 of a kWh.")
@click.option("--currency", help="Its name.  [default: EUR]")
def bench_cost(record: Path, prices: Path | None, **given: Any) -> None:
    """What an episode costs, by the times and energy of a RECORD and your prices."""
    from edge.bench.cost import cost_tables
    from edge.bench.prices import read_prices
    from edge.bench.record_json import load

    tables = cost_tables(load(record), read_prices(prices, given))
    click.echo("\n\n".join(table.as_text() for table in tables))
