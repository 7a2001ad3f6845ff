"""Score summaries, chapters and keyphrases beside baselines: ``make quality DATA=FOLDER``.

``python -m benchmarks.quality chapters --data FOLDER --folds build/folds`` prints Markdown
tables: the mean of each measure, and our difference to each other system with a 95 % interval
(documents drawn in pairs). Podcasts are scored with heads trained without them, which
``edge-export train --folds`` makes.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.quality import data, written
from benchmarks.quality.data import DEV_SHOW, Item
from benchmarks.quality.scorers import (
    score_chapters,
    score_mentions,
    score_summaries,
    score_tags,
    score_titles,
)
from benchmarks.quality.systems import RememberingEncoder
from benchmarks.quality.tables import OURS, Scores, merged, print_table
from benchmarks.quality.written import score_written, score_written_titles
from edge.abstractive.drafts import Summarizer
from edge.bundles.manifest import read_bundle
from edge.bundles.store import find_bundle, find_summarizer
from edge.generation.generator import Generator
from edge.runtime.encoder import Encoder
from edge.runtime.heads import load_heads

Scorer = Callable[[Sequence[Item], Mapping[str, Encoder]], Scores]
OF_CHAPTERS: dict[str, Scorer] = {"chapters": score_chapters, "titles": score_titles}
"""Tasks that meetings have labels for, too."""
OF_KEYPHRASES: dict[str, Scorer] = {"tags": score_tags, "mentions": score_mentions}
TASKS = ("summaries", *OF_CHAPTERS, *OF_KEYPHRASES, "written")
REGULAR_SHOW = "optech"
"""A show of many episodes, all made the same way."""


def print_summaries(folder: Path, encoders: Mapping[str, Encoder], every: int) -> None:
    """Tables of extractive summaries.

    :param folder: Where the evaluation files are.
    :param encoders: Our models.
    :param every: Take each n-th document.
    """
    meetings = [item for item in data.meetings(folder) if item.reference][::every]
    print_table("Whole meetings, 150 words", score_summaries(meetings, encoders, 150))
    spans = data.spans(folder, 4 * every)
    print_table("Relevant spans, 60 words", score_summaries(spans, encoders, 60))
    podcasts = [item for item in data.podcasts(folder) if item.reference][::every]
    print_table("Podcasts with a summary, 120 words", score_summaries(podcasts, encoders, 120))


def print_written(
    folder: Path, encoder: Encoder, writer: Summarizer, untaught: Generator | None, every: int
) -> None:
    """Tables of what a model writes, on documents it never learned from.

    :param folder: Where the evaluation files are.
    :param encoder: The model that reads.
    :param writer: The model that writes.
    :param untaught: The base model as it comes.
    :param every: Take each n-th document.
    """
    repeated = data.repeated_answers(folder)
    spans = [item for item in data.spans(folder, 4 * every) if item.id not in repeated]
    scores = score_written(spans, encoder, writer, 60, untaught)
    print_table("Relevant spans, 60 words", scores, written.OURS)
    meetings = [item for item in data.meetings(folder) if item.id not in repeated]
    summarized = [item for item in meetings if item.reference][:: 3 * every]
    scores = score_written(summarized, encoder, writer, 150)
    print_table("Whole meetings, 150 words", scores, written.OURS)
    scores = score_written_titles(meetings[:: 5 * every], encoder, writer)
    print_table("Titles of meetings' parts", scores, written.OURS)
    show = [item for item in data.podcasts(folder) if item.group == DEV_SHOW][:: 5 * every]
    scores = score_written_titles(show, encoder, writer)
    print_table("Titles of a show never learned from", scores, written.OURS)


def print_podcasts(
    folder: Path, folds: Path, score: Scorer, encoders: Mapping[str, Encoder], every: int
) -> None:
    """Tables of podcasts, each with heads that were trained without it.

    :param folder: Where the evaluation files are.
    :param folds: As ``edge-export train --folds`` makes them.
    :param score: The task.
    :param encoders: Our models; their heads are replaced.
    :param every: Take each n-th document of a show.
    """
    podcasts = data.podcasts(folder)
    for kind, title in (("episodes", "Episodes left out"), ("show", "Shows left out")):
        scores_of_show: dict[str, list[Scores]] = defaultdict(list)
        for fold, items in _left_out(podcasts, folds, kind, every).items():
            heads = load_heads(read_bundle(folds / fold))
            for encoder in encoders.values():
                encoder.heads = heads
            for item in items:
                scores_of_show[item.group].append(score([item], encoders))
        regular = scores_of_show.pop(REGULAR_SHOW, [])
        others = [scores for shows in scores_of_show.values() for scores in shows]
        for name, parts in ((REGULAR_SHOW, regular), ("other shows", others)):
            if scores := merged(parts):
                print_table(f"{title}: {name}", scores)


def _left_out(
    podcasts: Sequence[Item], folds: Path, kind: str, every: int
) -> dict[str, list[Item]]:
    """Fold -> the episodes it left out, every n-th of a show."""
    left_out = json.loads((folds / "folds.json").read_text(encoding="utf-8"))
    fold_of = {
        episode: fold
        for fold, episodes in left_out.items()
        if fold.startswith(kind)
        for episode in episodes
    }
    by_show: dict[str, list[Item]] = defaultdict(list)
    for item in podcasts:
        if item.id in fold_of:
            by_show[item.group].append(item)
    by_fold: dict[str, list[Item]] = defaultdict(list)
    for items in by_show.values():
        for item in items[::every]:
            by_fold[fold_of[item.id]].append(item)
    return by_fold


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=Path, default=Path("build/folds"))
    parser.add_argument("--model", default=None, help="bundle name or folder")
    parser.add_argument(
        "--beside", action="append", default=[], help="another precision's bundle; may come again"
    )
    parser.add_argument("--every", type=int, default=1, help="take each n-th document")
    parser.add_argument("--writer", default=None, help="bundle that writes, by name or folder")
    parser.add_argument("--untaught", default=None, help="the base model's bundle")
    return parser.parse_args()


def main() -> None:
    """Score what is asked for and print tables."""
    arguments = _arguments()
    folder, every = arguments.data, arguments.every
    encoder = RememberingEncoder(find_bundle(arguments.model))
    if arguments.task == "written":
        bundle = find_summarizer(arguments.writer)
        if bundle is None:
            raise SystemExit("no model here was taught to sum up; name one with --writer")
        untaught = Generator(find_bundle(arguments.untaught)) if arguments.untaught else None
        print_written(folder, encoder, Summarizer(bundle, encoder), untaught, every)
        return
    beside = [find_bundle(name) for name in arguments.beside]
    encoders = {OURS: encoder, **{f"edge, {b.id}": RememberingEncoder(b) for b in beside}}
    if arguments.task == "summaries":
        print_summaries(folder, encoders, every)
        return
    score = {**OF_CHAPTERS, **OF_KEYPHRASES}[arguments.task]
    if arguments.task in OF_CHAPTERS:
        print_table("Meetings", score(data.meetings(folder)[::every], encoders))
    print_podcasts(folder, arguments.folds, score, encoders, every)


if __name__ == "__main__":
    main()
