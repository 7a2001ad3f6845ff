"""Whether the model is worth its milliseconds: ``python -m benchmarks.worth --data DATA``.

Every bundle and every simple baseline, side by side: quality on meetings that nothing was learned
from, and what a cold process costs on the sample episode. Baselines get the same transcript reader
and sentences, and nothing of the model; they take turns with ours in one run. Prints a table, and
writes a record for ``benchmarks.report`` with ``--output``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import baselines, data, metrics, phrase_baselines
from benchmarks.quality.data import Item
from benchmarks.runs import spread, take_turns_apart
from edge.bench.episode import episode_path
from edge.digest import digest_transcript
from edge.encoder import Encoder
from edge.lexicon import content_stems
from edge.manifest import read_bundle
from edge.sentences import rebuild_sentences
from edge.shown import without_lead
from edge.store import find_bundle
from edge.transcript import read_transcript

SUMMARY_WORDS = 150
N_PHRASES = 15
SUMMARIES = ("lead", "TF-IDF centroid + MMR", "sumy TextRank", "sumy LexRank")
"""Baselines that need no model."""
PHRASES = ("YAKE",)
FP16 = ("--fp16-on-cpu",)
"""What one of the contenders needs, and the others do not mind."""
NO_VECTORS = np.zeros((0, 0), np.float32)


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


def score(items: Sequence[Item], encoders: dict[str, Encoder]) -> dict[str, dict[str, list[float]]]:
    """System -> measure -> one value a document.

    :param items: Meetings with a human summary and titled topics.
    :param encoders: Name -> bundle.
    """
    rows: dict[str, dict[str, list[float]]] = {}

    def add(system: str, measure: str, value: float) -> None:
        rows.setdefault(system, {}).setdefault(measure, []).append(value)

    for item in items:
        texts = [without_lead(sentence.text) for sentence in item.sentences]
        for name in SUMMARIES:
            rouge = metrics.rouge(summarize(name, texts), item.reference, SUMMARY_WORDS)
            add(name, "ROUGE-1", rouge["ROUGE-1"])
        for name in PHRASES:
            add(name, "topic words", topic_recall(keyphrases(name, item.sentences), item))
        for name, encoder in encoders.items():
            digest = digest_transcript(
                item.transcript,
                encoder,
                source_path="",
                fallback_title="",
                summary_words=SUMMARY_WORDS,
            )
            chosen = [point.text for point in digest.summary]
            rouge = metrics.rouge(chosen, item.reference, SUMMARY_WORDS)
            add(name, "ROUGE-1", rouge["ROUGE-1"])
            found = [phrase.text for phrase in digest.keyphrases]
            add(name, "topic words", topic_recall(found, item))
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def measure(names: Sequence[str], folders: dict[str, str], runs: int) -> dict[str, dict[str, Any]]:
    """System -> cost of a cold process on the sample episode.

    :param names: Baselines.
    :param folders: Name -> bundle folder.
    :param runs: Rounds.
    """
    episode = str(episode_path())
    commands = {
        name: [sys.executable, "-m", "edge", "summarize", episode, "--model", folder, *FP16]
        for name, folder in folders.items()
    }
    for name in names:
        commands[name] = [sys.executable, "-m", "benchmarks.worth", "--once", name]
    return {
        name: {
            "wall_s": spread([sample.wall_s for sample in own]),
            "peak_mb": spread([sample.peak_rss_bytes / 1e6 for sample in own]),
            "n": len(own),
        }
        for name, own in take_turns_apart(commands, runs, 1).items()
    }


def main() -> None:
    """Score, measure, print a table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bundle", action="append", default=[], help="another bundle's folder")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--once", choices=[*SUMMARIES, *PHRASES], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        once(arguments.once)
        return
    if arguments.data is None:
        parser.error("--data: where the meetings are; docs/training.md tells of them")
    bundles = [find_bundle(), *(read_bundle(Path(folder)) for folder in arguments.bundle)]
    items = [item for item in data.meetings(arguments.data) if item.reference and item.titles]
    scores = score(items, {bundle.id: Encoder(bundle) for bundle in bundles})
    folders = {bundle.id: str(bundle.folder) for bundle in bundles}
    costs = measure([*SUMMARIES, *PHRASES], folders, arguments.runs)
    systems = {}
    ours = scores[bundles[0].id]
    print(
        "| system | ROUGE-1, ours minus this | topic words, ours minus this | seconds | peak MB |"
    )
    print("|---|---|---|---|---|")
    for name, cost in costs.items():
        own = scores[name]
        cells = []
        for label in ("ROUGE-1", "topic words"):
            if label not in own:
                cells.append("-")
                continue
            difference, low, high = metrics.paired_interval(ours[label], own[label])
            beside = "" if own is ours else f", {difference:+.1f} ({low:+.1f} to {high:+.1f})"
            cells.append(f"{statistics.fmean(own[label]):.1f}{beside}")
        wall, peak = cost["wall_s"], cost["peak_mb"]
        cells.append(f"{wall['median']:.2f} ({wall['min']:.2f} - {wall['max']:.2f})")
        cells.append(f"{peak['median']:.0f}")
        print(f"| {name} | {' | '.join(cells)} |")
        quality = {label: statistics.fmean(values) for label, values in own.items()}
        systems[name] = {"quality": quality, "is_model": name in folders, **cost}
    if arguments.output:
        record = {"schema_version": 1, "documents": len(items), "systems": systems}
        arguments.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
