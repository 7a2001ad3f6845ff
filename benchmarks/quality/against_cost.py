"""Whether the model is worth its milliseconds.

``python -m benchmarks.quality.against_cost --data DATA``.

Every bundle and every simple baseline, side by side: quality on meetings that nothing was learned
from, and what a cold process costs on the sample episode. Baselines get the same transcript reader
and sentences, and nothing of the model; they take turns with ours in one run. Models that write
(``--writer``) take most of a minute a meeting and get every other one. Prints a table, and writes a
record for ``benchmarks.report`` with ``--output``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import spread, take_turns_apart
from benchmarks.quality import baselines, data, metrics, phrase_baselines
from benchmarks.quality.data import Item
from edge.abstractive.drafts import Summarizer
from edge.bench.episode import episode_path
from edge.bundles.manifest import read_bundle
from edge.bundles.store import find_bundle
from edge.device.energy import find_source
from edge.english.fillers import without_lead
from edge.english.words import content_stems
from edge.options import DigestOptions
from edge.pipeline import digest_transcript
from edge.records import Digest
from edge.runtime.encoder import Encoder
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences

SUMMARY_WORDS = 150
N_PHRASES = 15
SUMMARIES = ("lead", "TF-IDF centroid + MMR", "sumy TextRank", "sumy LexRank")
"""Baselines that need no model."""
PHRASES = ("YAKE",)
FP16 = ("--fp16-on-cpu",)
"""What one of the contenders needs, and the others do not mind."""
WRITERS_EVERY = 2
"""Models that write sum up each n-th meeting whose summary they did not learn."""
NO_VECTORS = np.zeros((0, 0), np.float32)
Scores = dict[str, dict[str, dict[str, float]]]
"""System -> measure -> document -> value."""


def summarize(name: str, texts: Sequence[str]) -> list[str]:
    """A baseline's summary.

    :param name: One of ``SUMMARIES``.
    :param texts: Sentences.
    """
    return baselines.SUMMARIES[name](texts, NO_VECTORS, SUMMARY_WORDS)


def keyphrases(name: str, sentences: Sequence[Any]) -> list[str]:
    """A baseline's keyphrases.

    :param name: One of ``PHRASES``.
    :param sentences: The episode's.
    """
    episode = phrase_baselines.Phrased(
        sentences, NO_VECTORS, [], lambda _: NO_VECTORS, lambda _: 0.0
    )
    return phrase_baselines.PHRASES[name](episode)[:N_PHRASES]


def once(name: str) -> None:
    """What a baseline's process does: read the sample episode and print its choice.

    :param name: Of ``SUMMARIES`` or ``PHRASES``.
    """
    sentences = rebuild_sentences(read_transcript(episode_path()))
    if name in PHRASES:
        print("\n".join(keyphrases(name, sentences)))
    else:
        print("\n".join(summarize(name, [without_lead(s.text) for s in sentences])))


def topic_recall(phrases: Sequence[str], item: Item) -> float:
    """Share of the content words of the human topic titles that are said and among the phrases.

    :param phrases: Found.
    :param item: A meeting with titled parts.
    """
    said = {stem for sentence in item.sentences for stem in content_stems(sentence.text)}
    wanted = {stem for title in item.titles for stem in content_stems(title)} & said
    found = {stem for phrase in phrases for stem in content_stems(phrase)}
    return 100 * len(wanted & found) / max(1, len(wanted))


def score(
    items: Sequence[Item],
    encoders: Mapping[str, Encoder],
    writers: Mapping[str, Summarizer],
    for_writers: Collection[str],
) -> Scores:
    """System -> measure -> document -> value.

    :param items: Meetings with a human summary and titled topics.
    :param encoders: Name -> bundle; the first reads for the writers.
    :param writers: Name -> bundle that writes.
    :param for_writers: Ids of the meetings that these sum up.
    """
    rows: Scores = {}
    reader = next(iter(encoders.values()))
    for item in items:
        texts = [without_lead(sentence.text) for sentence in item.sentences]
        found: dict[str, tuple[Sequence[str] | None, Sequence[str] | None]] = {
            **{name: (summarize(name, texts), None) for name in SUMMARIES},
            **{name: (None, keyphrases(name, item.sentences)) for name in PHRASES},
        }
        for name, encoder in encoders.items():
            digest = _digest(item, encoder)
            summary = [point.text for point in digest.summary_sentences]
            found[name] = summary, [phrase.text for phrase in digest.keyphrases]
        for name, writer in writers.items() if item.id in for_writers else ():
            written = _digest(item, reader, writer).written
            assert written is not None
            found[name] = [sentence.text for sentence in written.sentences], None
        for name, (summary_found, phrases_found) in found.items():
            own = rows.setdefault(name, {})
            if summary_found is not None:
                rouge = metrics.rouge(summary_found, item.reference, SUMMARY_WORDS)
                own.setdefault("ROUGE-1", {})[item.id] = rouge["ROUGE-1"]
            if phrases_found is not None:
                own.setdefault("topic words", {})[item.id] = topic_recall(phrases_found, item)
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def _digest(item: Item, encoder: Encoder, writer: Summarizer | None = None) -> Digest:
    return digest_transcript(
        item.transcript,
        encoder,
        DigestOptions(words=SUMMARY_WORDS),
        summarizer=writer,
    )


def measure(
    commands: Mapping[str, Sequence[str]], runs: int, watts: float | None
) -> dict[str, dict[str, Any]]:
    """System -> cost of a cold process on the sample episode.

    :param commands: System -> program and arguments.
    :param runs: Rounds.
    :param watts: What a plug meter shows, where there is one.
    """
    costs: dict[str, dict[str, Any]] = {}
    for name, own in take_turns_apart(commands, runs, 1, watts).items():
        joules = [sample.energy_j for sample in own if sample.energy_j is not None]
        costs[name] = {
            "wall_s": spread([sample.wall_s for sample in own]),
            "peak_mb": spread([sample.peak_rss_bytes / 1e6 for sample in own]),
            "energy_j": spread(joules) if joules else None,
            "n": len(own),
        }
    return costs


def print_table(scores: Scores, costs: Mapping[str, Mapping[str, Any]], ours: str) -> None:
    """Quality and cost of every system, as Markdown.

    :param scores: As ``score`` gives them.
    :param costs: As ``measure`` gives them.
    :param ours: The system the others are compared with, on the documents they were scored on.
    """
    print(
        "| system | ROUGE-1, ours minus this | topic words, ours minus this "
        "| seconds | peak MB | energy |\n|---|---|---|---|---|---|"
    )
    n_documents = max(len(values) for values in scores[ours].values())
    for name, cost in costs.items():
        cells = []
        for label, reference in scores[ours].items():
            values = scores[name].get(label)
            if values is None:
                cells.append("-")
                continue
            cell = f"{statistics.fmean(values.values()):.1f}"
            if len(values) < n_documents:
                cell += f" (n={len(values)})"
            if name != ours:
                pairs = [reference[document] for document in values], list(values.values())
                difference, low, high = metrics.paired_interval(*pairs)
                cell += f", {difference:+.1f} ({low:+.1f} to {high:+.1f})"
            cells.append(cell)
        wall, peak, joules = cost["wall_s"], cost["peak_mb"], cost["energy_j"]
        cells.append(f"{wall['median']:.2f} ({wall['min']:.2f} - {wall['max']:.2f})")
        cells.append(f"{peak['median']:.0f}")
        cells.append("-" if joules is None else f"{joules['median']:.1f} J")
        print(f"| {name} | {' | '.join(cells)} |")


def placed(scores: Scores, ours: str) -> dict[str, dict[str, float]]:
    """System -> measure -> our mean, and the mean difference to it on what the system was given.

    That is the system's own mean where it was given all documents, and can be compared where not.

    :param scores: As ``score`` gives them.
    :param ours: The system the others are compared with.
    """
    means = {label: statistics.fmean(values.values()) for label, values in scores[ours].items()}
    return {
        name: {
            label: means[label]
            + statistics.fmean(value - scores[ours][label][d] for d, value in values.items())
            for label, values in own.items()
        }
        for name, own in scores.items()
    }


def main() -> None:
    """Score, measure, print a table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bundle", action="append", default=[], help="another bundle's folder")
    parser.add_argument(
        "--writer", action="append", default=[], help="folder of a bundle that writes"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--watts", type=float, help="what a plug meter shows while this runs")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--once", choices=[*SUMMARIES, *PHRASES], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        once(arguments.once)
        return
    if arguments.data is None:
        parser.error("--data: where the meetings are; docs/training.md tells of them")
    bundles = [find_bundle(), *(read_bundle(Path(folder)) for folder in arguments.bundle)]
    encoders = {bundle.id: Encoder(bundle) for bundle in bundles}
    own = encoders[bundles[0].id]
    taught = [read_bundle(Path(folder)) for folder in arguments.writer]
    writers = {bundle.id: Summarizer(bundle, own) for bundle in taught}
    items = [item for item in data.meetings(arguments.data) if item.reference and item.titles]
    repeated = data.repeated_answers(arguments.data)
    unseen = [item.id for item in items if item.id not in repeated]
    scores = score(items, encoders, writers, set(unseen[::WRITERS_EVERY]))
    summarize_it = [sys.executable, "-m", "edge", "summarize", str(episode_path())]
    commands = {b.id: [*summarize_it, "--model", str(b.folder), *FP16] for b in bundles}
    for bundle in taught:
        asked = ["--kind", "abstractive", "--writer", str(bundle.folder)]
        commands[bundle.id] = [*summarize_it, *asked, *FP16]
    for name in (*SUMMARIES, *PHRASES):
        commands[name] = [sys.executable, "-m", "benchmarks.quality.against_cost", "--once", name]
    costs = measure(commands, arguments.runs, arguments.watts)
    print_table(scores, costs, bundles[0].id)
    source, reason = find_source(arguments.watts)
    print(f"\nEnergy: {source.name if source else f'not measured: {reason}'}.")
    if arguments.output:
        quality = placed(scores, bundles[0].id)
        models = {bundle.id for bundle in (*bundles, *taught)}
        systems = {
            name: {"quality": quality[name], "is_model": name in models, **cost}
            for name, cost in costs.items()
        }
        record = {"schema_version": 2, "documents": len(items), "systems": systems}
        arguments.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
