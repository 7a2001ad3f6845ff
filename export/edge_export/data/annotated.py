"""Episodes that a careful reader annotated: chapters, the lines worth reading, adverts, names.

One file of gzip JSON Lines, one episode a line; docs/training.md describes its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from edge.records import Segment, Sentence, Transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.data.documents import ANNOTATED, UNLABELLED, read_rows
from edge_export.errors import TrainingDataError

DEV_SHOWS = frozenset(
    ["changelog/brainscience", "changelog/gotime", "metamuse", "earnings21"],
)
"""Left out while something is developed: one host alone, a panel, a long interview, a call."""


@dataclass(frozen=True)
class AnnotatedChapter:
    """A chapter as a reader cut it."""

    first: int
    """Its first turn."""
    title: str
    key: tuple[int, ...]
    """Turns most worth reading alone, best first."""
    question: int | None
    """The turn with the question it answers."""


@dataclass(frozen=True)
class NamedThing:
    """A person, product, company or the like that an episode names."""

    name: str
    kind: str
    line: int
    """A turn that names it."""


@dataclass(frozen=True)
class SpokenEpisode:
    """An episode, a sentence a turn."""

    id: str
    show: str
    texts: tuple[str, ...]
    speakers: tuple[str | None, ...]

    def transcript(self, with_speakers: bool = True) -> Transcript:
        """One segment a turn.

        :param with_speakers: Whether the speakers are told.
        """
        pairs = zip(self.texts, self.speakers, strict=True)
        segments = (
            Segment(text, speaker=speaker if with_speakers else None) for text, speaker in pairs
        )
        return Transcript(tuple(segments), "json")

    def sentences(self, with_speakers: bool = True) -> list[Sentence]:
        """As the device rebuilds them; most are one turn.

        :param with_speakers: Whether the speakers are told.
        """
        return rebuild_sentences(self.transcript(with_speakers))


@dataclass(frozen=True)
class AnnotatedEpisode(SpokenEpisode):
    """An episode with what a reader chose of it. Indices are turns."""

    about: str
    chapters: tuple[AnnotatedChapter, ...]
    key_lines: tuple[int, ...]
    """Lines that can be read alone and say something specific."""
    extract: tuple[int, ...]
    """Lines that, read one after the other, are the best summary made of whole turns."""
    quotes: tuple[int, ...]
    adverts: tuple[tuple[int, int], ...]
    """First and last turn of each."""
    cold_open: tuple[int, int] | None
    keyphrases: tuple[str, ...]
    mentions: tuple[NamedThing, ...]
    summary: tuple[str, ...]
    """Written sentences."""

    @cached_property
    def chosen(self) -> frozenset[int]:
        """Every turn the reader found worth reading alone, in whatever list."""
        of_chapters = (line for chapter in self.chapters for line in chapter.key)
        return frozenset([*self.key_lines, *self.extract, *self.quotes, *of_chapters])

    @property
    def chapter_starts(self) -> tuple[int, ...]:
        """The first turn of each chapter but the first."""
        return tuple(chapter.first for chapter in self.chapters if chapter.first > 0)


_Episode = TypeVar("_Episode", bound=SpokenEpisode)


def read_annotated(folder: Path, left_out: Collection[str] = ()) -> list[AnnotatedEpisode]:
    """All annotated episodes.

    :param folder: Where ``ANNOTATED`` is.
    :param left_out: Shows to leave out.
    :raises TrainingDataError: If it is missing or malformed.
    """
    episodes = _read(folder / ANNOTATED, _annotated)
    return [episode for episode in episodes if episode.show not in left_out]


def read_unlabelled(folder: Path, left_out: Collection[str] = ()) -> list[SpokenEpisode]:
    """All episodes that nobody annotated.

    :param folder: Where ``UNLABELLED`` is.
    :param left_out: Shows to leave out.
    :raises TrainingDataError: If it is missing or malformed.
    """
    episodes = _read(folder / UNLABELLED, lambda row: SpokenEpisode(**_spoken(row)))
    return [episode for episode in episodes if episode.show not in left_out]


def split_by_show(
    episodes: Sequence[AnnotatedEpisode],
) -> tuple[list[AnnotatedEpisode], list[AnnotatedEpisode]]:
    """(to learn from, to develop on); no show is in both.

    :param episodes: Any.
    """
    learned = [episode for episode in episodes if episode.show not in DEV_SHOWS]
    return learned, [episode for episode in episodes if episode.show in DEV_SHOWS]


def show_of_episode(identifier: str) -> str:
    """``changelog`` is a family of shows; the other archives are one show each.

    :param identifier: Of an episode.
    """
    parts = identifier.split("/")
    return "/".join(parts[:2]) if parts[0] == "changelog" else parts[0]


def _read(path: Path, parsed: Callable[[Mapping[str, Any]], _Episode]) -> list[_Episode]:
    try:
        return [parsed(row) for row in read_rows(path)]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(
            f"cannot read {path}: {type(error).__name__} {error}",
            "docs/training.md says what the file holds.",
        ) from error


def _spoken(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "show": show_of_episode(row["id"]),
        "texts": tuple(_clean(turn["content"]) for turn in row["turns"]),
        "speakers": tuple(turn.get("speaker") or None for turn in row["turns"]),
    }


def _annotated(row: Mapping[str, Any]) -> AnnotatedEpisode:
    cold_open = row["cold_open"]
    return AnnotatedEpisode(
        **_spoken(row),
        about=row["about"],
        chapters=tuple(_chapters(row)),
        key_lines=tuple(row["key_lines"]),
        extract=tuple(row["extract"]),
        quotes=tuple(row["quotes"]),
        adverts=tuple((first, last) for first, last in row["adverts"]),
        cold_open=None if cold_open is None else (cold_open[0], cold_open[1]),
        keyphrases=tuple(row["keyphrases"]),
        mentions=tuple(NamedThing(m["name"], m["kind"], m["line"]) for m in row["mentions"]),
        summary=tuple(sentence["text"] for sentence in row["summary"]),
    )


def _chapters(row: Mapping[str, Any]) -> Iterator[AnnotatedChapter]:
    for chapter in row["chapters"]:
        yield AnnotatedChapter(
            chapter["first"], chapter["title"], tuple(chapter["key"]), chapter["question"]
        )


def _clean(text: str) -> str:
    return " ".join(text.split())
