"""The forms in which a transcript may come, made from one that has everything.

Whatever the form, people's labels stay with the turns they were given to: each line knows its turn.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge.records import Transcript
from edge.transcript import parse_transcript

FULL, NO_SPEAKERS, NO_PUNCTUATION, BROKEN_LINES = FORMS = (
    "full",
    "no_speakers",
    "no_punctuation",
    "broken_lines",
)
"""As it is; without the speakers' names; small letters and no punctuation, the speakers kept; and
that without speakers, in lines that end anywhere, as captions do."""
MIN_LINE_WORDS, MAX_LINE_WORDS = 6, 12
_DASHES = re.compile(r"--+|[—–…]")
_MARKS = ".,;:!?\"'“”‘’()[]"


@dataclass(frozen=True)
class Turn:
    """What people labelled: a stretch of one person's speech."""

    text: str
    speaker: str | None = None


@dataclass(frozen=True)
class Line:
    """A piece of the transcript as it is fed to the program."""

    text: str
    speaker: str | None
    turn: int
    """The turn that most of its words are of."""


def bare_text(text: str) -> str:
    """Small letters and no punctuation, but for what is inside a word or a number.

    :param text: Any.
    """
    tokens = (token.strip(_MARKS) for token in _DASHES.sub(" ", text).lower().split())
    return " ".join(token for token in tokens if token)


def lines_of(turns: Sequence[Turn], form: str, seed: str) -> list[Line]:
    """A transcript's lines in one of the forms.

    :param turns: Of the transcript.
    :param form: One of ``FORMS``.
    :param seed: Of the lengths of broken lines, such as the document's name.
    """
    if form == BROKEN_LINES:
        return list(_broken(turns, random.Random(seed)))
    return [
        Line(
            bare_text(turn.text) if form == NO_PUNCTUATION else turn.text,
            None if form == NO_SPEAKERS else turn.speaker,
            k,
        )
        for k, turn in enumerate(turns)
    ]


def _broken(turns: Sequence[Turn], lengths: random.Random) -> Iterator[Line]:
    spoken = [(word, k) for k, turn in enumerate(turns) for word in bare_text(turn.text).split()]
    start = 0
    while start < len(spoken):
        end = start + lengths.randint(MIN_LINE_WORDS, MAX_LINE_WORDS)
        words, of = zip(*spoken[start:end], strict=True)
        yield Line(" ".join(words), None, Counter(of).most_common(1)[0][0])
        start = end


def read_lines(lines: Sequence[Line]) -> tuple[Transcript, tuple[int, ...]]:
    """The lines through the program's reader, as Podcasting 2.0 JSON.

    :param lines: Of a transcript.
    :return: The transcript, and the turn of each of its segments.
    :raises ValueError: If the reader joined or left out segments: labels would be lost.
    """
    segments = [
        {"body": line.text, **({"speaker": line.speaker} if line.speaker else {})} for line in lines
    ]
    raw = json.dumps({"version": "1.0.0", "segments": segments}).encode()
    transcript = parse_transcript(raw)
    if len(transcript.segments) != len(lines):
        raise ValueError(f"{len(lines)} lines were read as {len(transcript.segments)} segments")
    return transcript, tuple(line.turn for line in lines)
