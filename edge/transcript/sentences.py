"""Sentences rebuilt across segments, each with the segments and times it came from."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from edge.records import Segment, Sentence, Transcript

MAX_WORDS = 70
"""A longer stretch without a sentence end is cut at its best inner break."""
MAX_WORDS_UNPUNCTUATED = 30
"""The same where the recogniser wrote no punctuation at all."""
PAUSE_S = 0.6
"""A silence this long inside unpunctuated speech is a break."""

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[”’」』）]*")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:[A-HJ-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|No"
    r"|Inc|Ltd|Co|approx|Fig|al|ca|cf|e\.g|i\.e)\.$"
)
_ANNOTATION = re.compile(r"[\[({♪*][^\])}♪*]*[\])}♪*]+")


class _Piece(NamedTuple):
    """A word on its way into a sentence."""

    text: str
    segment: int
    start_s: float | None
    end_s: float | None
    pause_before_s: float
    starts_segment: bool


def sentence_texts(text: str) -> list[str]:
    """Cut a text at its sentence ends; joined again the parts are the whole text.

    :param text: Running text on one line.
    """
    cuts = [0]
    for match in _END.finditer(text):
        if not _is_abbreviation(text[: match.end()]):
            cuts.append(match.end())
    cuts.append(len(text))
    parts = (text[a:b].strip() for a, b in itertools.pairwise(cuts))
    return [part for part in parts if part]


def _is_abbreviation(text: str) -> bool:
    tail = text[-12:]
    return tail.endswith(".") and _ABBREVIATION.search(tail) is not None


def is_annotation(text: str) -> bool:
    """Whether a text is only a note of the recogniser, such as ``[Music]``.

    :param text: A sentence or segment.
    """
    return re.search(r"\w", _ANNOTATION.sub("", text)) is None


def rebuild_sentences(transcript: Transcript) -> list[Sentence]:
    """All sentences of a transcript in order; every word of it is in exactly one.

    Repeated segments (a recogniser's loop) are left out. A sentence never spans two
    speakers. It starts when its first word does if the file has word times, else when
    its first segment does.

    :param transcript: A repaired transcript.
    """
    sentences: list[Sentence] = []
    for run in _speaker_runs(transcript):
        speaker = transcript.segments[run[0]].speaker
        limit = MAX_WORDS if _is_punctuated(transcript, run) else MAX_WORDS_UNPUNCTUATED
        pieces = (piece for i in run for piece in _pieces(transcript.segments, i))
        for group in _punctuated_groups(pieces):
            sentences += [_sentence(part, speaker) for part in _within(group, limit)]
    return sentences


def _is_punctuated(transcript: Transcript, run: list[int]) -> bool:
    """Whether sentences end often enough in some segments for their ends to be trusted."""
    n_words = n_ends = 0
    before = ""  # the word before in the same sentence
    for i in run:
        for token in transcript.segments[i].text.split():
            has_ended = _ends_sentence(before, token)
            n_words += 1
            n_ends += has_ended
            before = "" if has_ended else token
    n_sentences = n_ends + bool(before)
    return n_words < MAX_WORDS_UNPUNCTUATED or n_words < 50 * n_sentences


def _speaker_runs(transcript: Transcript) -> Iterator[list[int]]:
    """Consecutive segment indices with the same speaker; annotations stand alone."""
    run: list[int] = []
    for i, segment in enumerate(transcript.segments):
        if i in transcript.repeated or not segment.text:
            continue
        alone = is_annotation(segment.text)
        if run and (alone or transcript.segments[run[-1]].speaker != segment.speaker):
            yield run
            run = []
        run.append(i)
        if alone:
            yield run
            run = []
    if run:
        yield run


def _pieces(segments: tuple[Segment, ...], index: int) -> Iterator[_Piece]:
    segment = segments[index]
    tokens = segment.text.split()
    words = segment.words if len(segment.words) == len(tokens) else ()
    before_s = segments[index - 1].end_s if index else None
    gap_s = 0.0 if segment.start_s is None or before_s is None else segment.start_s - before_s
    for k, token in enumerate(tokens):
        yield _Piece(
            text=token,
            segment=index,
            start_s=words[k].start_s if words else segment.start_s,
            end_s=words[k].end_s if words else segment.end_s,
            pause_before_s=gap_s if k == 0 else _word_gap_s(segment, k) if words else 0.0,
            starts_segment=k == 0,
        )


def _word_gap_s(segment: Segment, k: int) -> float:
    return (segment.words[k].start_s or 0.0) - (segment.words[k - 1].end_s or 0.0)


def _punctuated_groups(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """Split at sentence ends; text without spaces (Chinese, Japanese) splits by segment."""
    group: list[_Piece] = []
    for piece in pieces:
        before = group[-1].text if group else ""
        group.append(piece)
        if _ends_sentence(before, piece.text):
            yield group
            group = []
    if group:
        yield group


def _ends_sentence(before: str, token: str) -> bool:
    """Whether a sentence ends with a word, given the one before it in the sentence."""
    if token[-1:].isalnum():
        return False
    match = _END.search(token + " ")
    if match is None or match.end() < len(token):
        return False
    return not _is_abbreviation(f"{before} {token}" if before else token)


def _within(pieces: list[_Piece], limit: int) -> list[list[_Piece]]:
    """Halve at the best break until no part has more words than the limit."""
    if len(pieces) <= limit:
        return [pieces]
    quarter = max(1, len(pieces) // 4)
    inner = range(quarter, len(pieces) - quarter + 1)
    cut = max(inner, key=lambda k: (_break_strength(pieces, k), -abs(k - len(pieces) / 2)))
    return _within(pieces[:cut], limit) + _within(pieces[cut:], limit)


def _break_strength(pieces: list[_Piece], k: int) -> int:
    """How good a cut before word k is, 0 to 4."""
    before, after = pieces[k - 1].text, pieces[k]
    if before.endswith((";", ":", "—")) or after.pause_before_s >= PAUSE_S:
        return 4
    if before.endswith(","):
        return 3 if after.text.lower() in ("and", "but", "so", "because", "then", "or") else 2
    return 1 if after.starts_segment else 0


def _sentence(pieces: list[_Piece], speaker: str | None) -> Sentence:
    runs = [
        (segment, start_s, len(list(group)))
        for (segment, start_s), group in itertools.groupby(
            pieces, key=lambda piece: (piece.segment, piece.start_s)
        )
    ]
    segments, starts_s, n_words = zip(*runs, strict=True)
    return Sentence(
        text=" ".join(piece.text for piece in pieces),
        run_segments=segments,
        run_starts_s=starts_s,
        run_words=n_words,
        end_s=pieces[-1].end_s,
        speaker=speaker,
    )
