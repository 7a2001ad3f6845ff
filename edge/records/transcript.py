"""A transcript: segments as they came, and sentences rebuilt across them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its own times, where the recogniser gave them."""

    text: str
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One unit of the transcript: a cue, a turn or a line."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Repair:
    """One kind of defect that was mended, and how often."""

    kind: str
    """Stable identifier, such as ``invalid_utf8``."""
    count: int
    """Number of places mended."""
    detail: str
    """What was done, for a person."""


@dataclass(frozen=True)
class Transcript:
    """A whole episode as segments in spoken order."""

    segments: tuple[Segment, ...]
    format: str
    """Recognised format, such as ``whisper.cpp-stdout``."""
    language: str | None = None
    title: str | None = None
    """Of the episode, where the transcript or whoever read it tells."""
    source_path: str = ""
    """Where it came from, for the record."""
    repairs: tuple[Repair, ...] = ()
    repeated: frozenset[int] = frozenset()
    """Indices of segments that only repeat the one before them (a recogniser's loop)."""

    @property
    def n_words(self) -> int:
        """Whitespace-separated words in all segments."""
        return sum(len(segment.text.split()) for segment in self.segments)

    @property
    def duration_s(self) -> float | None:
        """Latest known time, or None for a transcript without times."""
        times = [
            time
            for segment in self.segments
            for time in (segment.start_s, segment.end_s)
            if time is not None
        ]
        return max(times, default=None)


@dataclass(frozen=True)
class DomainWarning:
    """Why a transcript is unlike what the models know, and the digest not to be trusted."""

    kind: str
    """``not_english``, ``not_speech``, ``figures``, ``repetition`` or ``verse``."""
    detail: str
    """What was found, for a person."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence rebuilt across segments, with where each of its words came from."""

    text: str
    """Words joined by single spaces."""
    run_segments: tuple[int, ...]
    """Segment of each run of words that begin together: a segment's, or a word with its time."""
    run_starts_s: tuple[float | None, ...]
    """When each run begins."""
    run_words: tuple[int, ...]
    """Words of each run; runs, as most sentences have one or two of them."""
    end_s: float | None
    speaker: str | None

    @property
    def word_segments(self) -> tuple[int, ...]:
        """Segment index of each word."""
        return _repeated(self.run_segments, self.run_words)

    @property
    def word_starts_s(self) -> tuple[float | None, ...]:
        """Start of each word: its own where the file has word times, else its segment's."""
        return _repeated(self.run_starts_s, self.run_words)

    @property
    def first_segment(self) -> int:
        """Segment of the first word."""
        return self.run_segments[0]

    @property
    def last_segment(self) -> int:
        """Segment of the last word."""
        return self.run_segments[-1]

    @property
    def start_s(self) -> float | None:
        """Start of the first word."""
        return self.run_starts_s[0]

    @property
    def n_words(self) -> int:
        """Whitespace-separated words."""
        return sum(self.run_words)

    @property
    def is_question(self) -> bool:
        """Whether it ends in a question mark."""
        return self.text.rstrip("\"')”’ ").endswith(("?", "？"))


def _repeated(values: Sequence[Value], counts: Sequence[int]) -> tuple[Value, ...]:
    return tuple(value for value, n in zip(values, counts, strict=True) for _ in range(n))
