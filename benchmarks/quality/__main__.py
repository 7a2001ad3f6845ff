"""Score digests beside baselines: ``make quality DATA=FOLDER``.

``python -m benchmarks.quality TASK... --data FOLDER`` prints a Markdown table for each task: the
mean of each measure, and our difference to each other system with a 95 % interval (documents drawn
in pairs). ``--form`` feeds every transcript in another form, but not to ``written``. Scores of
documents that a model's heads have learned from say nothing: of annotated episodes, ``dev`` are
those that heads under development leave out; ``--folds`` names heads of podcasts left out, as
``edge-export train --folds`` makes them.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.quality import annotated, data, episode_scorers, written
from benchmarks.quality.annotated import DEV, EPISODES
from benchmarks.quality.data import DEV_SHOW, Item
from benchmarks.quality.episode_scorers import Reading, read_episodes
from benchmarks.quality.forms import FORMS, FULL
from benchmarks.quality.scorers import score_meetings, score_mentions, score_tags, score_titles
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
OF_DIGESTS: dict[str, tuple[str, Callable[[Sequence[Reading]], Scores], int]] = {
    "key-points": ("Key points", episode_scorers.score_key_points, 1),
    "summaries": ("Summaries, 120 words", episode_scorers.score_summaries, 2),
    "chapters": ("Chapters", episode_scorers.score_chapters, 2),
    "keyphrases": ("Keyphrases", episode_scorers.score_keyphrases, 2),
    "adverts": ("Adverts", episode_scorers.score_adverts, 1),
}
"""Tasks on the digests of annotated episodes: title, scorer, and how many measures are compared."""
OF_PODCASTS: dict[str, Scorer] = {"tags": score_tags, "mentions": score_mentions}
ON_EPISODES = (*OF_DIGESTS, "titles")
TASKS = (*ON_EPISODES, "meetings", *OF_PODCASTS, "written")
REGULAR_SHOW = "optech"
"""A show of many episodes, all made the same way."""
MEETING_WORDS = 150


def print_episodes(arguments: argparse.Namespace, encoders: Mapping[str, Encoder]) -> None:
    """Tables of annotated episodes; each is digested once for all tasks.

    :param arguments: Of the command line.
    :param encoders: Our models.
    """
    which, form = arguments.episodes, arguments.form
    episodes = annotated.episodes(arguments.data, which, form)[:: arguments.every]
    asked = {task: OF_DIGESTS[task] for task in arguments.tasks if task in OF_DIGESTS}
    readings = read_episodes(episodes, encoders) if asked else []
    for title, score, compared in asked.values():
        print_table(f"{title}: {which} episodes, {form}", score(readings), compared=compared)
    if "titles" in arguments.tasks:
        scores = score_titles(episodes, encoders)
        print_table(f"Titles in annotated chapters: {which} episodes, {form}", scores, compared=2)


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
    arguments: argparse.Namespace, task: str, encoders: Mapping[str, Encoder]
) -> None:
    """Tables of podcasts, by the model's own heads or each by heads trained without it.

    :param arguments: Of the command line.
    :param task: One of ``OF_PODCASTS``.
    :param encoders: Our models; with ``--folds``, their heads are replaced.
    """
    by_show: dict[str, list[Item]] = defaultdict(list)
    for item in data.podcasts(arguments.data, arguments.form):
        by_show[item.group].append(item)
    items = [item for show in by_show.values() for item in show[:: arguments.every]]
    title, score = f"{task}, {arguments.form}", OF_PODCASTS[task]
    if arguments.folds is None:
        own = {item.id: score([item], encoders) for item in items}
        _print_shows(f"{title}, the model's own heads", items, own)
        return
    for kind in ("episodes", "show"):
        scores: dict[str, Scores] = {}
        for fold, left_out in _left_out(items, arguments.folds, kind).items():
            heads = load_heads(read_bundle(arguments.folds / fold))
            for encoder in encoders.values():
                encoder.heads = heads
            scores.update({item.id: score([item], encoders) for item in left_out})
        _print_shows(f"{title}, {kind} left out", items, scores)


def _print_shows(title: str, items: Sequence[Item], scores: Mapping[str, Scores]) -> None:
    """One table of the regular show and one of the others, of whatever has scores."""
    for name in (REGULAR_SHOW, "other shows"):
        parts = [
            scores[item.id]
            for item in items
            if item.id in scores and (item.group == REGULAR_SHOW) == (name == REGULAR_SHOW)
        ]
        if table := merged(parts):
            print_table(f"{title}: {name}", table)


def _left_out(items: Sequence[Item], folds: Path, kind: str) -> dict[str, list[Item]]:
    """Fold -> the episodes it left out."""
    left_out = json.loads((folds / "folds.json").read_text(encoding="utf-8"))
    by_fold = {
        fold: [item for item in items if item.id in set(episodes)]
        for fold, episodes in left_out.items()
        if fold.startswith(kind)
    }
    return {fold: found for fold, found in by_fold.items() if found}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("tasks", nargs="+", choices=TASKS, metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--episodes", choices=EPISODES, default=DEV, help="annotated ones")
    parser.add_argument("--form", choices=FORMS, default=FULL, help="of the transcripts")
    parser.add_argument("--model", default=None, help="bundle name or folder")
    parser.add_argument(
        "--beside", action="append", default=[], help="another bundle; may come again"
    )
    parser.add_argument("--every", type=int, default=1, help="take each n-th document")
    parser.add_argument("--folds", type=Path, help="heads for tags and mentions, by what they miss")
    parser.add_argument("--writer", default=None, help="bundle that writes, by name or folder")
    parser.add_argument("--untaught", default=None, help="the base model's bundle")
    return parser.parse_args()


def main() -> None:
    """Score what is asked for and print tables."""
    arguments = _arguments()
    encoder = RememberingEncoder(find_bundle(arguments.model))
    beside = [find_bundle(name) for name in arguments.beside]
    encoders = {OURS: encoder, **{f"edge, {b.id}": RememberingEncoder(b) for b in beside}}
    if not set(ON_EPISODES).isdisjoint(arguments.tasks):
        print_episodes(arguments, encoders)
    if "meetings" in arguments.tasks:
        meetings = [
            each for each in data.meetings(arguments.data, arguments.form) if each.reference
        ]
        scores = score_meetings(meetings[:: arguments.every], encoders, MEETING_WORDS)
        print_table(f"Whole meetings, {MEETING_WORDS} words, {arguments.form}", scores)
    for task in OF_PODCASTS:
        if task in arguments.tasks:
            print_podcasts(arguments, task, encoders)
    if "written" in arguments.tasks:
        bundle = find_summarizer(arguments.writer)
        if bundle is None:
            raise SystemExit("no model here was taught to sum up; name one with --writer")
        untaught = Generator(find_bundle(arguments.untaught)) if arguments.untaught else None
        writer = Summarizer(bundle, encoder)
        print_written(arguments.data, encoder, writer, untaught, arguments.every)


if __name__ == "__main__":
    main()
