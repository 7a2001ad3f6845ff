"""One page with tables and charts: ``python -m benchmarks.report RECORD... --page PAGE.html``.

Needs matplotlib: ``pip install 'edge-insights[report]'``. The page holds its charts and loads
nothing. ``--charts FOLDER`` writes the charts as files, too.
"""

from __future__ import annotations

import argparse
import html
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.bench.cost import cost_tables
from edge.bench.prices import read_prices
from edge.bench.record import Record
from edge.bench.record_json import load
from edge.bench.tables import Table, all_tables, machine, scaling_points, verdict
from edge.errors import EdgeError
from edge.files import write_atomically

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
table { border-collapse: collapse; font-size: 13px; margin: .5rem 0 }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right;
  font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
.scroll { overflow-x: auto } .note { color: #555; font-size: 13px; white-space: pre-line }
svg { max-width: 100%; height: auto } pre { white-space: pre-wrap; font-size: 13px }
"""


def table_html(table: Table) -> str:
    """A table as HTML.

    :param table: The table.
    """
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.headings)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return (
        f"<h3>{html.escape(table.title)}</h3>"
        f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>{note}'
    )


def figures(
    records: Sequence[Record], worth: dict[str, Any] | None, prices: Path | None
) -> Iterator[tuple[str, Any]]:
    """(name, figure) of every chart there is something for.

    :param records: The runs.
    :param worth: As ``benchmarks.quality.against_cost`` writes it, where it was measured.
    :param prices: A file of prices, where cost is to be shown.
    """
    from benchmarks.report import charts

    for k, record in enumerate(records):
        suffix = f"-{k + 1}" if len(records) > 1 else ""
        if len({words for words, _, _ in scaling_points(record)}) >= 3:
            yield f"scaling{suffix}", charts.scaling(record)
            continue
        yield f"times{suffix}", charts.times(record)
        yield f"stages{suffix}", charts.stages(record)
        if prices is not None:
            yield f"cost{suffix}", charts.cost(record, read_prices(prices, {}))
    if worth is not None:
        yield "pareto", charts.pareto(worth)


def page(records: Sequence[Record], worth: dict[str, Any] | None, prices: Path | None) -> str:
    """The whole page.

    :param records: The runs.
    :param worth: As ``benchmarks.quality.against_cost`` writes it, where it was measured.
    :param prices: A file of prices, where cost is to be shown.
    """
    parts = []
    for record in records:
        title = f"edge-insights {record.tool_version}, {record.utc}"
        parts.append(f"<h2>{html.escape(title)}</h2><p>{html.escape(machine(record))}</p>")
        parts.append(f"<pre>{html.escape(verdict(record))}</pre>")
        tables = all_tables(record)
        if prices is not None and len({w for w, _, _ in scaling_points(record)}) < 3:
            tables += cost_tables(record, read_prices(prices, {}))
        parts += map(table_html, tables)
    for name, figure in figures(records, worth, prices):
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
        drawing = file.getvalue()
        parts.append(f"<h2>{html.escape(name)}</h2>{drawing[drawing.index('<svg') :]}")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>What a digest costs</title><style>{STYLE}</style>"
        f"<h1>What a digest costs</h1>{''.join(parts)}</html>\n"
    )


def main() -> None:
    """Read the records, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("records", nargs="+", type=Path)
    parser.add_argument("--page", type=Path, required=True, help="what is written")
    parser.add_argument("--worth", type=Path, help="what benchmarks.quality.against_cost wrote")
    parser.add_argument("--prices", type=Path, help="a file as docs/prices-example.json")
    parser.add_argument("--charts", type=Path, help="folder for the charts as PNG files")
    arguments = parser.parse_args()
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise SystemExit("charts need matplotlib: pip install 'edge-insights[report]'") from None
    try:
        records = [load(path) for path in arguments.records]
        worth = json.loads(arguments.worth.read_bytes()) if arguments.worth else None
        write_atomically(arguments.page, page(records, worth, arguments.prices))
        if arguments.charts:
            arguments.charts.mkdir(parents=True, exist_ok=True)
            for name, figure in figures(records, worth, arguments.prices):
                figure.savefig(arguments.charts / f"{name}.png", dpi=110)
    except (EdgeError, OSError, ValueError) as error:
        raise SystemExit(f"Error: {error}") from None


if __name__ == "__main__":
    main()
