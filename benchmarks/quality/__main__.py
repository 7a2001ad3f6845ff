"""Score summaries, chapters and keyphrases beside baselines: ``make quality DATA=FOLDER``.

``python -m benchmarks.quality chapters --data FOLDER --folds build/folds`` prints Markdown
tables: the mean of each measure, and our difference to each other system with a 95 % interval
(documents drawn in pairs). Podcasts are scored with heads trained without them, which
``edge-export train --folds`` makes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.quality import baselines, data, metrics, phrase_baselines, written
from benchmarks.quality.data import DEV_SHOW, Item
from benchmarks.quality.written import score_written, score_written_titles
from edge.abstractive.drafts import Summarizer
from edge.arrays import Float32Array, Float64Array
from edge.bundles.manifest import Bundle, read_bundle
from edge.bundles.store import find_bundle, find_summarizer
from edge.english.fillers import without_lead
from edge.extraction.phrases import find_phrases
from edge.extraction.tagger import tag_sentences
from edge.extraction.titles import MAX_TITLE_WORDS, chapter_phrases, title_chapters
from edge.generation.generator import Generator
from edge.options import DigestOptions
from edge.pipeline import digest_transcript
from edge.records import Digest, Sentence
from edge.runtime.encoder import Encoder, Progress
from edge.runtime.heads import load_heads

OURS = "**edge**"
ScoreRows = dict[str, list[dict[str, float]]]
"""System -> one row of measures a document."""
TASKS = ("summaries", "chapters", "titles", "tags", "mentions")
Others = Mapping[str, Encoder]
"""Name in the table -> model: other precisions of ours, with the same heads."""
NO_OTHERS: Others = {}


class RememberingEncoder(Encoder):
    """An encoder that embeds a text once, however many systems ask."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._known: dict[str, Float32Array] = {}

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Float32Array:
        """As ``Encoder.encode``."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, super().encode(new, progress), strict=True))
        if not texts:
            return np.zeros((0, self.spec.dimension), np.float32)
        return np.stack([self._known[text] for text in texts])


def _digest(item: Item, encoder: Encoder, max_words: int = 120) -> Digest:
    return digest_transcript(item.transcript, encoder, DigestOptions(words=max_words))


def score_summaries(
    items: Sequence[Item], encoder: Encoder, max_words: int, others: Others = NO_OTHERS
) -> ScoreRows:
    """ROUGE, coverage, redundancy and length of every system's summary.

    :param items: Documents with a reference.
    :param encoder: The model.
    :param max_words: Budget.
    :param others: Bundles to score beside it.
    """
    rows: ScoreRows = defaultdict(list)
    for item in items:
        vectors = encoder.encode([sentence.text for sentence in item.sentences])
        texts = [without_lead(sentence.text) for sentence in item.sentences]
        found = {
            name: choose(texts, vectors, max_words) for name, choose in baselines.SUMMARIES.items()
        }
        for name, model in {OURS: encoder, **others}.items():
            found[name] = [
                point.text for point in _digest(item, model, max_words).summary_sentences
            ]
        found["greedy oracle"] = baselines.oracle(texts, item.reference, max_words)
        for name, chosen in found.items():
            n_words = sum(len(text.split()) for text in chosen)
            rows[name].append(
                {
                    **metrics.rouge(chosen, item.reference, max_words),
                    "coverage": metrics.coverage(encoder.encode(chosen), vectors),
                    "redundancy": metrics.redundancy(chosen),
                    "words": min(n_words, max_words),
                }
            )
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def score_chapters(
    items: Sequence[Item], encoder: Encoder, others: Others = NO_OTHERS
) -> ScoreRows:
    """Pk, WindowDiff and F1 of every system's boundaries.

    :param items: Documents with boundaries.
    :param encoder: The model with the heads to use.
    :param others: Bundles to score beside it.
    """
    rows: ScoreRows = defaultdict(list)
    for item in items:
        vectors = encoder.encode([sentence.text for sentence in item.sentences])
        found = {
            name: [item.sentences[i].first_segment for i in choose(item.sentences, vectors)]
            for name, choose in baselines.CHAPTERS.items()
        }
        for name, model in {OURS: encoder, **others}.items():
            found[name] = [chapter.first_segment for chapter in _digest(item, model).chapters[1:]]
        for name, boundaries in found.items():
            pk, window_diff = metrics.pk_and_window_diff(boundaries, item.boundaries, item.n_turns)
            f1 = metrics.boundary_f1(boundaries, item.boundaries, item.n_turns)
            rows[name].append(
                {"Pk": pk, "WindowDiff": window_diff, "F1tol": f1, "chapters": len(boundaries) + 1}
            )
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def score_titles(items: Sequence[Item], encoder: Encoder, others: Others = NO_OTHERS) -> ScoreRows:
    """Cosine of every system's chapter titles to the human ones, in the human's chapters.

    :param items: Documents with titled chapters.
    :param encoder: The model with the heads to use; its vectors measure all titles.
    :param others: Bundles to score beside it.
    """
    rows: ScoreRows = defaultdict(list)
    for item in items:
        spans = _human_spans(item)
        named = [k for k, title in enumerate(item.titles) if title and spans[k][0] < spans[k][1]]
        if not named:
            continue
        tags = tag_sentences(item.sentences, encoder.heads["tagger"])
        kept = [spans[k] for k in named]
        found = {
            name: _titles(item, kept, tags, model)
            for name, model in {OURS: encoder, **others}.items()
        }
        found["first six words"] = [
            " ".join(item.sentences[a].text.split()[:MAX_TITLE_WORDS]) for a, _ in kept
        ]
        parts = [_phrased(item.sentences[a:b], tags[a:b], encoder) for a, b in kept]
        for name, choose in phrase_baselines.PHRASES.items():
            found[f"{name}, the first"] = [(choose(part) or [""])[0] for part in parts]
        titles = [item.titles[k] for k in named]
        found["the human title of the chapter before"] = [*titles[-1:], *titles[:-1]]
        human = encoder.encode(titles)
        for name, own in found.items():
            cosine = (encoder.encode(own) * human).sum(axis=1)
            rows[name].append({"cosine": 100 * float(cosine.mean())})
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def _titles(
    item: Item, spans: Sequence[tuple[int, int]], tags: Sequence[Float64Array], encoder: Encoder
) -> list[str]:
    vectors = encoder.encode([sentence.text for sentence in item.sentences])
    found = chapter_phrases(spans, item.sentences, [True] * len(item.sentences), tags)
    return title_chapters(spans, item.sentences, found, vectors, encoder)


def _human_spans(item: Item) -> list[tuple[int, int]]:
    starts = [sentence.first_segment for sentence in item.sentences]
    cuts = [bisect_left(starts, boundary) for boundary in (0, *item.boundaries)]
    return list(itertools.pairwise([*cuts, len(item.sentences)]))


def score_tags(items: Sequence[Item], encoder: Encoder, others: Others = NO_OTHERS) -> ScoreRows:
    """Recall and F1 of the first 15 keyphrases against human topic tags that are said.

    :param items: Documents; those without tags are passed over.
    :param encoder: The model.
    :param others: Bundles to score beside it.
    """
    labelled = [(item, item.tags) for item in items if item.tags]
    return _score_keyphrases(labelled, encoder, others)


def score_mentions(
    items: Sequence[Item], encoder: Encoder, others: Others = NO_OTHERS
) -> ScoreRows:
    """The same against the names that the show wrote about the episode.

    :param items: Documents; those without such names are passed over.
    :param encoder: The model.
    :param others: Bundles to score beside it.
    """
    labelled = [(item, item.mentions) for item in items if item.mentions]
    return _score_keyphrases(labelled, encoder, others)


def _score_keyphrases(
    labelled: Sequence[tuple[Item, Sequence[str]]], encoder: Encoder, others: Others
) -> ScoreRows:
    rows: ScoreRows = defaultdict(list)
    for item, human in labelled:
        tags = tag_sentences(item.sentences, encoder.heads["tagger"])
        episode = _phrased(item.sentences, tags, encoder)
        found = {name: choose(episode) for name, choose in phrase_baselines.PHRASES.items()}
        for name, model in {OURS: encoder, **others}.items():
            found[name] = [phrase.text for phrase in _digest(item, model).keyphrases]
        for name, phrases in found.items():
            rows[name].append(metrics.keyphrase_scores(phrases, human))
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def _phrased(
    sentences: Sequence[Sentence], tags: Sequence[Float64Array], encoder: Encoder
) -> phrase_baselines.Phrased:
    candidates = find_phrases(sentences, [True] * len(sentences), tags).values()
    pool = [candidate for candidate in candidates if candidate.is_open]
    vectors = encoder.encode([sentence.text for sentence in sentences])
    return phrase_baselines.Phrased(sentences, vectors, pool, encoder.encode, encoder.rarity)


def print_table(
    title: str, rows: Mapping[str, Sequence[Mapping[str, float]]], ours_name: str = OURS
) -> None:
    """A Markdown table of means, and the interval of our difference in the first measure.

    :param title: What was scored.
    :param rows: System -> one row of measures a document.
    :param ours_name: The system the others are compared with.
    """
    names = list(rows[ours_name][0])
    print(f"\n**{title}**, n = {len(rows[ours_name])}\n")
    print(f"| system | {' | '.join(names)} | {names[0]}, edge minus this |")
    print("|---" * (len(names) + 2) + "|")
    for system, scored in rows.items():
        cells = " | ".join(f"{mean(row[name] for row in scored):.1f}" for name in names)
        ours, theirs = ([row[names[0]] for row in some] for some in (rows[ours_name], scored))
        difference, low, high = metrics.paired_interval(ours, theirs)
        interval = "" if system == ours_name else f"{difference:+.1f} ({low:+.1f} to {high:+.1f})"
        print(f"| {system} | {cells} | {interval} |", flush=True)


def _merged(parts: Sequence[ScoreRows]) -> ScoreRows:
    merged: ScoreRows = defaultdict(list)
    for part in parts:
        for system, rows in part.items():
            merged[system] += rows
    return merged


def _podcasts(folder: Path, folds: Path, kind: str, every: int) -> dict[str, list[Item]]:
    """Fold -> the episodes it left out, every n-th of a show."""
    left_out = json.loads((folds / "folds.json").read_text(encoding="utf-8"))
    wanted = {
        episode: fold
        for fold, episodes in left_out.items()
        if fold.startswith(kind)
        for episode in episodes
    }
    by_show: dict[str, list[Item]] = defaultdict(list)
    for item in data.podcasts(folder):
        if item.id in wanted:
            by_show[item.group].append(item)
    by_fold: dict[str, list[Item]] = defaultdict(list)
    for items in by_show.values():
        for item in items[::every]:
            by_fold[wanted[item.id]].append(item)
    return by_fold


def _print_written(arguments: argparse.Namespace, encoder: Encoder) -> None:
    """What a model writes, on documents it never learned from."""
    bundle = find_summarizer(arguments.writer)
    if bundle is None:
        raise SystemExit("no model here was taught to sum up; name one with --writer")
    writer = Summarizer(bundle, encoder)
    untaught = Generator(find_bundle(arguments.untaught)) if arguments.untaught else None
    repeated = data.repeated_answers(arguments.data)
    parts = [i for i in data.spans(arguments.data, 4 * arguments.every) if i.id not in repeated]
    rows = score_written(parts, encoder, writer, 60, untaught)
    print_table("Relevant spans, 60 words", rows, written.OURS)
    meetings = [i for i in data.meetings(arguments.data) if i.id not in repeated]
    whole = [item for item in meetings if item.reference][:: 3 * arguments.every]
    print_table(
        "Whole meetings, 150 words", score_written(whole, encoder, writer, 150), written.OURS
    )
    titled = meetings[:: 5 * arguments.every]
    rows = score_written_titles(titled, encoder, writer)
    print_table("Titles of meetings' parts", rows, written.OURS)
    show = [item for item in data.podcasts(arguments.data) if item.group == DEV_SHOW]
    rows = score_written_titles(show[:: 5 * arguments.every], encoder, writer)
    print_table("Titles of a show never learned from", rows, written.OURS)


def main() -> None:
    """Score what is asked for and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("task", choices=[*TASKS, "written"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=Path, default=Path("build/folds"))
    parser.add_argument("--model", default=None, help="bundle name or folder")
    parser.add_argument(
        "--beside", action="append", default=[], help="another precision's bundle; may come again"
    )
    parser.add_argument("--every", type=int, default=1, help="take each n-th document")
    parser.add_argument("--writer", default=None, help="bundle that writes, by name or folder")
    parser.add_argument("--untaught", default=None, help="the base model's bundle")
    arguments = parser.parse_args()
    encoder = RememberingEncoder(find_bundle(arguments.model))
    if arguments.task == "written":
        _print_written(arguments, encoder)
        return
    bundles = [find_bundle(name) for name in arguments.beside]
    others = {f"edge, {bundle.id}": RememberingEncoder(bundle) for bundle in bundles}
    if arguments.task == "summaries":
        whole = [item for item in data.meetings(arguments.data) if item.reference]
        rows = score_summaries(whole[:: arguments.every], encoder, 150, others)
        print_table("Whole meetings, 150 words", rows)
        parts = data.spans(arguments.data, 4 * arguments.every)
        print_table("Relevant spans, 60 words", score_summaries(parts, encoder, 60, others))
        podcasts = [item for item in data.podcasts(arguments.data) if item.reference]
        shown = score_summaries(podcasts[:: arguments.every], encoder, 120, others)
        print_table("Podcasts with a summary, 120 words", shown)
        return
    score = {
        "chapters": score_chapters,
        "titles": score_titles,
        "tags": score_tags,
        "mentions": score_mentions,
    }[arguments.task]
    if arguments.task in ("chapters", "titles"):
        meetings = data.meetings(arguments.data)[:: arguments.every]
        print_table("Meetings", score(meetings, encoder, others))
    for kind, title in (("episodes", "Episodes left out"), ("show", "Shows left out")):
        parts_by_show: dict[str, list[ScoreRows]] = defaultdict(list)
        for fold, items in _podcasts(
            arguments.data, arguments.folds, kind, arguments.every
        ).items():
            heads = load_heads(read_bundle(arguments.folds / fold))
            for model in (encoder, *others.values()):
                model.heads = heads
            for item in items:
                parts_by_show[item.group].append(score([item], encoder, others))
        for regular in (True, False):
            name = "optech" if regular else "other shows"
            parts_of = [
                part
                for group, own in parts_by_show.items()
                if (group == "optech") == regular
                for part in own
            ]
            merged = _merged(parts_of)
            if merged:
                print_table(f"{title}: {name}", merged)


if __name__ == "__main__":
    main()
