"""Whether the model is worth its milliseconds.

``python -m benchmarks.quality.against_cost --data DATA``.

Every bundle and every simple baseline, side by side: quality on meetings that nothing was learned
from, and what a cold process costs on the sample episode. Baselines get the same transcript reader
and sentences, and nothing of the model; they take turns with ours in one run. Models that write
(``--writer``) take most of a minute a meeting and get every other one. Prints a table, and writes a
record for ``benchmarks.report`` with ``--record``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import Turns, spread, take_turns
from benchmarks.quality import data, metrics
from benchmarks.quality.meeting_scores import (
    PHRASES,
    SUMMARIES,
    DocumentScores,
    comparable_means,
    keyphrases,
    score,
    summarize,
)
from edge.abstractive.drafts import Summarizer
from edge.bench.episode import episode_path
from edge.bundles.manifest import Bundle, read_bundle
from edge.bundles.store import find_bundle
from edge.device.energy import find_source
from edge.english.fillers import without_lead
from edge.runtime.encoder import Encoder
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences

FP16 = ("--fp16-on-cpu",)
"""What one of the contenders needs, and the others do not mind."""
WRITERS_EVERY = 2
"""Models that write sum up each n-th meeting whose summary they did not learn."""


def once(name: str) -> None:
    """What a baseline's process does: read the sample episode and print its choice.

    :param name: Of ``SUMMARIES`` or ``PHRASES``.
    """
    sentences = rebuild_sentences(read_transcript(episode_path()))
    if name in PHRASES:
        print("\n".join(keyphrases(name, sentences)))
    else:
        print("\n".join(summarize(name, [without_lead(s.text) for s in sentences])))


def measure(
    commands: Mapping[str, Sequence[str]], runs: int, watts: float | None
) -> dict[str, dict[str, Any]]:
    """System -> cost of a cold process on the sample episode.

    :param commands: System -> program and arguments.
    :param runs: Rounds.
    :param watts: What a plug meter shows, where there is one.
    """
    costs: dict[str, dict[str, Any]] = {}
    for name, rounds in take_turns(Turns(commands, runs, warm_up=1, watts=watts)).items():
        joules = [sample.energy_j for sample in rounds if sample.energy_j is not None]
        costs[name] = {
            "wall_s": spread([sample.wall_s for sample in rounds]),
            "peak_mb": spread([sample.peak_rss_bytes / 1e6 for sample in rounds]),
            "energy_j": spread(joules) if joules else None,
            "n": len(rounds),
        }
    return costs


def print_table(scores: DocumentScores, costs: Mapping[str, Mapping[str, Any]], ours: str) -> None:
    """Quality and cost of every system, as Markdown.

    :param scores: As ``score`` gives them.
    :param costs: As ``measure`` gives them.
    :param ours: The system the others are compared with, on the documents they were scored on.
    """
    print(
        "| system | ROUGE-1, ours minus this | topic words, ours minus this "
        "| seconds | peak MB | energy |\n|---|---|---|---|---|---|"
    )
    for name, cost in costs.items():
        cells = [
            _score_cell(scores[name].get(label), values, name == ours)
            for label, values in scores[ours].items()
        ]
        wall, peak, joules = cost["wall_s"], cost["peak_mb"], cost["energy_j"]
        cells.append(f"{wall['median']:.2f} ({wall['min']:.2f} - {wall['max']:.2f})")
        cells.append(f"{peak['median']:.0f}")
        cells.append("-" if joules is None else f"{joules['median']:.1f} J")
        print(f"| {name} | {' | '.join(cells)} |")


def _score_cell(
    values: Mapping[str, float] | None, ours: Mapping[str, float], is_ours: bool
) -> str:
    """A system's mean, and how ours differs from it on the documents that it was given."""
    if values is None:
        return "-"
    cell = f"{statistics.fmean(values.values()):.1f}"
    if len(values) < len(ours):
        cell += f" (n={len(values)})"
    if not is_ours:
        pair = [ours[document] for document in values], list(values.values())
        difference, low, high = metrics.paired_interval(*pair)
        cell += f", {difference:+.1f} ({low:+.1f} to {high:+.1f})"
    return cell


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bundle", action="append", default=[], help="another bundle's folder")
    parser.add_argument(
        "--writer", action="append", default=[], help="folder of a bundle that writes"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--watts", type=float, help="what a plug meter shows while this runs")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--once", choices=[*SUMMARIES, *PHRASES], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.data is None and not arguments.once:
        parser.error("--data: where the meetings are; docs/training.md tells of them")
    return arguments


def _commands(bundles: Sequence[Bundle], writers: Sequence[Bundle]) -> dict[str, list[str]]:
    """System -> program and arguments that run it once on the sample episode."""
    digest = [sys.executable, "-m", "edge", "summarize", str(episode_path())]
    commands = {each.id: [*digest, "--model", str(each.folder), *FP16] for each in bundles}
    for each in writers:
        abstractive = ["--kind", "abstractive", "--writer", str(each.folder)]
        commands[each.id] = [*digest, *abstractive, *FP16]
    for name in (*SUMMARIES, *PHRASES):
        commands[name] = [sys.executable, "-m", "benchmarks.quality.against_cost", "--once", name]
    return commands


def main() -> None:
    """Score, measure, print a table, write the record."""
    arguments = _arguments()
    if arguments.once:
        once(arguments.once)
        return
    bundles = [find_bundle(), *(read_bundle(Path(folder)) for folder in arguments.bundle)]
    writer_bundles = [read_bundle(Path(folder)) for folder in arguments.writer]
    ours = bundles[0].id
    encoders = {bundle.id: Encoder(bundle) for bundle in bundles}
    writers = {bundle.id: Summarizer(bundle, encoders[ours]) for bundle in writer_bundles}
    items = [item for item in data.meetings(arguments.data) if item.reference and item.titles]
    repeated = data.repeated_answers(arguments.data)
    unseen = [item.id for item in items if item.id not in repeated]
    scores = score(items, encoders, writers, set(unseen[::WRITERS_EVERY]))
    costs = measure(_commands(bundles, writer_bundles), arguments.runs, arguments.watts)
    print_table(scores, costs, ours)
    source, reason = find_source(arguments.watts)
    print(f"\nEnergy: {source.name if source else f'not measured: {reason}'}.")
    if arguments.record:
        quality, models = comparable_means(scores, ours), {*encoders, *writers}
        systems = {
            name: {"quality": quality[name], "is_model": name in models, **cost}
            for name, cost in costs.items()
        }
        record = {"schema_version": 2, "documents": len(items), "systems": systems}
        arguments.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
