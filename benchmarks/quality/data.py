"""Evaluation documents: transcripts as the program would get them, and the human labels."""

from __future__ import annotations

import gzip
import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from benchmarks.quality.forms import FULL, Turn, lines_of, read_lines
from edge.english.words import is_content_word, words
from edge.records import Sentence, Transcript
from edge.transcript.sentences import rebuild_sentences

MEETINGS = "qmsum_train.jsonl.gz"
CHAPTERED = "podcast_chapters_train.jsonl.gz"
DESCRIBED = "optech_descriptions_train.jsonl.gz"
NO_TITLES = ("(unlabelled)", "Introduction")
DEV_SHOW = "btctranscripts/chaincode-podcast"
"""A show that the summarizer never learned from."""
RUN_WORDS = 12
_NAME = re.compile(r"[A-Z][\w'’-]*\w(?: [A-Z0-9][\w'’-]*\w)*")
_MARKER = re.compile(r"\{[a-z_ ]+\}")

Span = tuple[int, int]
"""First and one-past-last sentence."""


class Stretch(Protocol):
    """Whatever knows the segments it comes from."""

    @property
    def first_segment(self) -> int:
        """Its first segment."""

    @property
    def last_segment(self) -> int:
        """Its last segment."""


@dataclass(frozen=True)
class Item:
    """One document to score. Boundaries and whatever else people marked are turns, 0-based."""

    id: str
    group: str
    transcript: Transcript
    sentences: tuple[Sentence, ...]
    turn_of: tuple[int, ...]
    """The turn of each segment."""
    n_turns: int
    boundaries: tuple[int, ...] = ()
    titles: tuple[str, ...] = ()
    """The human's title of each chapter; empty where one says nothing."""
    reference: str = ""
    tags: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    """Names in what the show wrote about the episode that are said in it."""

    def turns_of(self, stretch: Stretch) -> range:
        """The turns that a sentence or another stretch comes from.

        :param stretch: Of the transcript, or of a digest of it.
        """
        return range(self.turn_of[stretch.first_segment], self.turn_of[stretch.last_segment] + 1)

    @property
    def titled_chapters(self) -> list[tuple[str, Span]]:
        """The human's chapters that have a title and a sentence, with their titles."""
        starts = [self.turns_of(sentence).start for sentence in self.sentences]
        cuts = [bisect_left(starts, boundary) for boundary in (0, *self.boundaries)]
        spans = pairwise([*cuts, len(self.sentences)])
        return [
            (title, (first, end))
            for title, (first, end) in zip(self.titles, spans, strict=False)
            if title and first < end
        ]


def document(identifier: str, turns: Sequence[Turn], form: str) -> dict[str, Any]:
    """What every item has, by field: the turns through the program's reader.

    :param identifier: Of the document.
    :param turns: As they were labelled.
    :param form: One of ``benchmarks.quality.forms.FORMS``.
    """
    transcript, turn_of = read_lines(lines_of(turns, form, identifier))
    return {
        "id": identifier,
        "transcript": transcript,
        "sentences": tuple(rebuild_sentences(transcript)),
        "turn_of": turn_of,
        "n_turns": len(turns),
    }


def read_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The documents of a file of gzip JSON Lines.

    :param path: Of the file.
    """
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _turns(rows: Sequence[Mapping[str, Any]], speakers: bool) -> list[Turn]:
    return [
        Turn(_MARKER.sub(" ", row["content"]), row.get("speaker") or None if speakers else None)
        for row in rows
    ]


def _titles(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple("" if title in NO_TITLES else title for title in row["topics"])


def meetings(folder: Path, form: str = FULL) -> list[Item]:
    """Meetings that no head was trained on, with boundaries and a summary.

    :param folder: Where the evaluation files are.
    :param form: One of ``benchmarks.quality.forms.FORMS``.
    """
    return [
        Item(
            group="meetings",
            boundaries=tuple(row["boundaries"]),
            titles=_titles(row),
            reference=row["general"][0]["summary"] if row["general"] else "",
            **document(row["id"], _turns(row["turns"], True), form),
        )
        for row in read_rows(folder / MEETINGS)
        if row["split"] == "val"
    ]


def spans(folder: Path, every: int) -> list[Item]:
    """The turns that answer a question about such a meeting, with the answer's summary.

    :param folder: Where the evaluation files are.
    :param every: Take each n-th.
    """
    items = []
    for row in read_rows(folder / MEETINGS):
        for k, entry in enumerate(row["specific"] if row["split"] == "val" else []):
            turns = sorted(
                {i for a, b in entry["spans"] for i in range(a, b + 1) if i < len(row["turns"])}
            )
            chosen = [row["turns"][i] for i in turns]
            if any(turn["content"].strip() for turn in chosen):
                items.append((f"{row['id']}#{k}", _turns(chosen, True), entry["summary"]))
    return [
        Item(group="spans", reference=text, **document(i, turns, FULL))
        for i, turns, text in items[::every]
    ]


def repeated_answers(folder: Path) -> set[str]:
    """Meetings and questions never learned from whose answer repeats a learned one's words.

    A few were answered in the words of another meeting's answer: what is learned from those
    tells nothing about a model.

    :param folder: Where the evaluation files are.
    :return: Identifiers as ``meetings`` and ``spans`` give them.
    """

    def runs(text: str) -> set[tuple[str, ...]]:
        said = text.lower().split()
        return {tuple(said[i : i + RUN_WORDS]) for i in range(len(said) - RUN_WORDS + 1)}

    rows = list(read_rows(folder / MEETINGS))
    learned: set[tuple[str, ...]] = set()
    for row in rows:
        for entry in (*row["specific"], *row["general"]) if row["split"] == "train" else ():
            learned |= runs(entry["summary"])
    answers = [
        (identifier, entry["summary"])
        for row in rows
        if row["split"] == "val"
        for identifier, entry in (
            *((f"{row['id']}#{k}", entry) for k, entry in enumerate(row["specific"])),
            *((row["id"], entry) for entry in row["general"]),
        )
    ]
    return {identifier for identifier, text in answers if runs(text) & learned}


def podcasts(folder: Path, form: str = FULL) -> list[Item]:
    """Podcast episodes with human chapters, and what else people wrote about them.

    Speakers are never told: in these files they give the chapters away.

    :param folder: Where the evaluation files are.
    :param form: One of ``benchmarks.quality.forms.FORMS``.
    """
    notes: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(folder / DESCRIBED):
        notes[row["id"].split("#")[0]] += [row["title"], row["description"]]
    items = []
    for row in read_rows(folder / CHAPTERED):
        text = " ".join(turn["content"] for turn in row["turns"])
        tags = [tag.replace("-", " ") for tag in row.get("tags") or ()]
        items.append(
            Item(
                group=row["id"].rpartition("/")[0],
                boundaries=tuple(row["boundaries"]),
                titles=_titles(row),
                tags=tuple(tag for tag in tags if tag in text.lower()),
                mentions=names_said([row.get("summary") or "", *notes[row["id"]]], text),
                **document(row["id"], _turns(row["turns"], False), form),
            )
        )
    return items


def names_said(written: Sequence[str], spoken: str) -> tuple[str, ...]:
    """Names in a written text that the spoken one has too: runs of words with capitals.

    A first word that is no content word, such as a sentence's "The", is no part of a name, and
    what is mostly said in small letters is none.

    :param written: Texts.
    :param spoken: All that is said.
    """
    said = f" {' '.join(words(spoken))} "
    said_small = said.lower()
    names: dict[str, None] = {}
    for name in (match.group() for text in written for match in _NAME.finditer(text)):
        parts = words(name)
        while parts and not is_content_word(parts[0]):
            parts = parts[1:]
        bare = f" {' '.join(parts)} "
        n_said = said_small.count(bare.lower())
        if parts and n_said and said.count(bare) >= n_said / 2:
            names[bare.strip()] = None
    return tuple(names)
