"""Training documents: transcripts with what people wrote about them.

Three files of gzip JSON Lines, one document a line; docs/training.md describes their fields.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.records import Segment, Sentence, Transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.errors import TrainingDataError

MEETINGS = "qmsum_train.jsonl.gz"
CHAPTERED = "podcast_chapters_train.jsonl.gz"
DESCRIBED = "optech_descriptions_train.jsonl.gz"
ANNOTATED = "episodes_train.jsonl.gz"
UNLABELLED = "episodes_unlabelled.jsonl.gz"
TIDIED = "tidy_train.jsonl.gz"
"""These three: read by ``edge_export.data.annotated`` and ``tidied``, and not by every training."""

NOTED_SHOW = "optech"
"""The show whose chapters are described."""
MAX_EPISODES_PER_SHOW = 60
"""So that one show with a regular host does not outweigh the others."""

UNNAMED = "(unlabelled)"
INTRODUCTION = "Introduction"
Row = Mapping[str, Any]
"""A document as its file has it."""
_MARKER = re.compile(r"\{[a-z_ ]+\}")


@dataclass(frozen=True)
class Document:
    """A transcript and its human labels, where it has them."""

    id: str
    group: str
    """Show or kind of meeting: folds are told apart by it."""
    for_training: bool
    sentences: tuple[Sentence, ...]
    boundaries: tuple[int, ...] | None = None
    """First segment of each later chapter; None where nobody marked chapters."""
    references: tuple[str, ...] = ()
    """Human summaries of the whole document."""
    labels: tuple[str, ...] = ()
    """What people called it or its parts: titles, topics, tags, the question it answers."""

    @property
    def is_meeting(self) -> bool:
        """Whether a meeting or a part of one, and no podcast."""
        return self.group.startswith("meeting/")

    @property
    def is_part(self) -> bool:
        """Whether a part of a meeting or an episode, with an identifier of its own."""
        return "#" in self.id

    @property
    def episode(self) -> str:
        """Identifier of the whole this is, or is a part of."""
        return self.id.split("#")[0]

    @property
    def chapter_starts(self) -> list[int]:
        """For each human boundary, the first sentence that begins at or after it."""
        starts = [sentence.first_segment for sentence in self.sentences]
        chapters = [bisect_left(starts, boundary) for boundary in self.boundaries or ()]
        return [i for i in chapters if i < len(starts)]


def read_rows(path: Path) -> Iterator[Row]:
    """Documents of a file of gzip JSON Lines, as they stand there.

    :param path: The file.
    """
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def read_documents(folder: Path) -> list[Document]:
    """Meetings, their relevant spans, and chaptered and described podcasts.

    Of a show with many episodes some are left out, always the same.

    :param folder: Where the three files are.
    :raises TrainingDataError: If one is missing or malformed.
    """
    documents: list[Document] = []
    for name, read in ((MEETINGS, meeting), (CHAPTERED, _chaptered), (DESCRIBED, described)):
        path = folder / name
        try:
            for row in read_rows(path):
                documents.extend(read(row))
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise TrainingDataError(
                f"cannot read {path}: {type(error).__name__} {error}",
                "docs/training.md says what the files hold.",
            ) from error
    chosen = _chosen_episodes(documents)
    return [d for d in documents if d.is_meeting or d.episode in chosen]


def _chosen_episodes(documents: Sequence[Document]) -> set[str]:
    """Podcast episodes, at most so many a show, in an order that has no meaning."""
    shows: dict[str, set[str]] = {}
    for document in documents:
        if not document.is_meeting:
            shows.setdefault(document.group, set()).add(document.episode)

    def mixed(episode: str) -> bytes:
        return hashlib.sha256(episode.encode()).digest()

    return {
        episode
        for episodes in shows.values()
        for episode in sorted(episodes, key=mixed)[:MAX_EPISODES_PER_SHOW]
    }


def data_hashes(folder: Path, *more: str) -> dict[str, str]:
    """File name -> SHA-256, for the record.

    :param folder: Where the files are.
    :param more: Names of files that were learned from beside the three.
    """
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (MEETINGS, CHAPTERED, DESCRIBED, *more)
    }


def as_sentences(turns: Sequence[Row], with_speakers: bool) -> tuple[Sentence, ...]:
    """A document's turns as the device would read them, their dialogue markers removed.

    :param turns: With ``content`` and, maybe, ``speaker``.
    :param with_speakers: Whether the speakers are told.
    """
    segments = tuple(
        Segment(
            " ".join(_MARKER.sub(" ", turn["content"]).split()),
            speaker=turn.get("speaker") if with_speakers else None,
        )
        for turn in turns
    )
    return tuple(rebuild_sentences(Transcript(segments, "json")))


def meeting(row: Row) -> Iterator[Document]:
    """A meeting, and for each question about it the turns that answer it.

    :param row: Of the file of meetings.
    """
    group = f"meeting/{row['domain']}"
    for_training = is_training_meeting(row)
    yield Document(
        id=row["id"],
        group=group,
        for_training=for_training,
        sentences=as_sentences(row["turns"], True),
        boundaries=tuple(row["boundaries"]),
        references=tuple(entry["summary"] for entry in row["general"]),
        labels=tuple(topic for topic in row.get("topics", ()) if topic != UNNAMED),
    )
    for k, entry in enumerate(row["specific"]):
        answering = answering_turns(entry, len(row["turns"]))
        sentences = as_sentences([row["turns"][i] for i in answering], True)
        if sentences:
            yield Document(
                id=f"{row['id']}#{k}",
                group=group,
                for_training=for_training,
                sentences=sentences,
                references=(entry["summary"],),
                labels=(entry["query"],),
            )


def is_training_meeting(row: Row) -> bool:
    """Whether a meeting may be learned from; others are measured on.

    :param row: Of the file of meetings.
    """
    return bool(row["split"] == "train")


def answering_turns(entry: Row, n_turns: int) -> list[int]:
    """The turns of a meeting that answer a question about it, in order.

    :param entry: A question of the meeting's row.
    :param n_turns: Of the meeting.
    """
    spans = entry.get("spans") or ()
    return sorted({i for first, last in spans for i in range(first, min(last + 1, n_turns))})


def _chaptered(row: Row) -> Iterator[Document]:
    yield Document(
        id=row["id"],
        group=show_of(row["id"]),
        for_training=True,
        sentences=as_sentences(row["turns"], False),
        boundaries=tuple(row["boundaries"]),
        labels=(
            *(topic for topic in row.get("topics", ()) if topic not in (UNNAMED, INTRODUCTION)),
            *(tag.replace("-", " ") for tag in row.get("tags") or ()),
        ),
    )


def described(row: Row) -> Iterator[Document]:
    """A chapter and what was written about it.

    :param row: Of the file of described chapters.
    """
    yield Document(
        id=row["id"],
        group=show_of(row["id"]),
        for_training=True,
        sentences=as_sentences(row["turns"], False),
        references=(row["description"],),
        labels=(row["title"],) if "title" in row else (),
    )


def sections(row: Row) -> list[range]:
    """Turns of each section of a document.

    :param row: With ``boundaries`` and ``turns``.
    """
    cuts = [0, *row["boundaries"], len(row["turns"])]
    return [range(a, b) for a, b in itertools.pairwise(cuts)]


def show_of(document_id: str) -> str:
    """``optech/...`` is one show; ``btctranscripts/SHOW/...`` are several.

    :param document_id: Of a podcast's document.
    """
    parts = document_id.split("/")
    return parts[0] if len(parts) < 3 else "/".join(parts[:2])
