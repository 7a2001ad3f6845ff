"""Formats made of timed lines: whisper.cpp output, SRT, WebVTT and LRC.

One tolerant scanner reads the first three, because damaged files mix their habits:
a timing line opens a cue, and every line up to the next timing line belongs to it.
docs/adr/0003-cue-scanner.md says why no subtitle library does this here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from edge.records import Segment

_CLOCK = r"-?(?:\d+:)?\d+:\d{1,2}(?:[.,]\d{1,3})?"
_TIMING = re.compile(
    rf"^\s*(?P<open>\[)?\s*(?P<start>{_CLOCK})\s*-+>\s*(?P<end>{_CLOCK})"
    r"(?P<close>\])?(?P<rest>.*)$"
)
_SETTINGS = re.compile(r"^(?:\s*[A-Za-z][A-Za-z0-9]*:\S+)*\s*$")
_LRC_LINE = re.compile(r"^\s*\[(?P<start>\d+:\d{1,2}(?:[.,]\d{1,3})?)\](?P<text>.*)$")
_LRC_TAG = re.compile(r"^\s*\[(?P<key>[a-zA-Z#]+):(?P<value>[^\]]*)\]\s*$")
_LRC_WORD_TIME = re.compile(r"<\d+:\d{1,2}[.,]\d{1,3}>")
_VTT_BLOCK = re.compile(r"^(NOTE|STYLE|REGION)(\s|$)")
_VTT_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAG = re.compile(
    r"</?(?:v|c|i|b|u|s|lang|ruby|rt|font)(?:[.\s][^>]*)?>|<[\d:.]+>|\{\\an\d\}", re.I
)


def clock_to_s(clock: str) -> float:
    """Seconds of ``[-][H:]MM:SS[.mmm]``; hours and minutes may pass 99.

    :param clock: A time as SRT, VTT, LRC or whisper.cpp write it.
    """
    sign = -1.0 if clock.startswith("-") else 1.0
    match = re.fullmatch(r"(?:(\d+):)?(\d+):(\d{1,2})(?:[.,](\d{1,3}))?", clock.lstrip("-"))
    if match is None:
        raise ValueError(f"not a clock time: {clock!r}")
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return sign * (whole + float(f"0.{fraction or 0}"))


def has_cues(text: str) -> bool:
    """Whether any line is a ``start --> end`` timing line."""
    return any("->" in line and _TIMING.match(line) for line in _lines(text))


def has_lrc_lines(text: str) -> bool:
    """Whether most lines are LRC lines."""
    lines = [line for line in text.split("\n") if line.strip()]
    n_timed = sum(1 for line in lines if _LRC_LINE.match(line))
    n_tags = sum(1 for line in lines if _LRC_TAG.match(line) and not _LRC_LINE.match(line))
    return n_timed > 0 and n_timed >= (len(lines) - n_tags) / 2


def cue_format(text: str) -> str:
    """Name of the timed-line format: ``vtt``, ``whisper.cpp-stdout`` or ``srt``."""
    if text.lstrip().startswith("WEBVTT"):
        return "vtt"
    first = next(line for line in _lines(text) if _TIMING.match(line))
    return "whisper.cpp-stdout" if first.lstrip().startswith("[") else "srt"


def parse_cues(text: str) -> list[Segment]:
    """Segments of whisper.cpp stdout, SRT or WebVTT text; leading spaces are kept.

    :param text: The whole file.
    """
    is_vtt = cue_format(text) == "vtt"
    lines = _without_vtt_blocks(text) if is_vtt else _lines(text)
    segments = []
    speaker: str | None = None
    for start, end, body in _group(lines):
        if start is None or end is None:
            segments += [Segment(line) for line in body if not line.startswith("WEBVTT")]
            continue
        segment, speaker = _cue_to_segment(start, end, body, speaker, is_vtt)
        segments.append(segment)
    return segments


def _lines(text: str) -> Iterator[str]:
    """Lines one by one: all at once would be a long transcript a second time."""
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


def _without_vtt_blocks(text: str) -> Iterator[str]:
    """WebVTT lines without the header block and the NOTE, STYLE and REGION blocks."""
    skipping = True  # the header block runs to the first blank line
    after_blank = False
    for line in _lines(text):
        if _TIMING.match(line) or not line.strip():
            skipping = False
        elif after_blank and _VTT_BLOCK.match(line):
            skipping = True
        if not skipping:
            yield line
        after_blank = not line.strip()


def _group(lines: Iterable[str]) -> Iterator[tuple[str | None, str | None, list[str]]]:
    """Lines before the first timing line, without times, and (start, end, lines) of each cue."""
    start: str | None = None
    end: str | None = None
    body: list[str] = []
    blank_before = True  # whether the line before the last one of ``body`` was blank
    previous_blank = True
    last_index = 0
    for line in lines:
        match = _TIMING.match(line)
        if match is None:
            if line.strip():
                body.append(line)
                blank_before = previous_blank
            previous_blank = not line.strip()
            continue
        if body and not match["open"] and not previous_blank:
            last_index = _drop_identifier(body, blank_before, last_index)
        # whisper.cpp prints two spaces and the text there; VTT and SRT put cue settings.
        text = match["rest"].removeprefix("  ")
        yield start, end, body
        start, end = match["start"], match["end"]
        body = [] if _SETTINGS.match(text) else [text]
        previous_blank = False
        blank_before = False
    yield start, end, body


def _drop_identifier(body: list[str], blank_before: bool, last_index: int) -> int:
    """Remove the cue identifier that stands right above a timing line; return its number."""
    identifier = body[-1].strip()
    number = int(identifier) if identifier.isascii() and identifier.isdigit() else None
    if blank_before or (number is not None and number == last_index + 1):
        body.pop()
        return number if number is not None else last_index
    return last_index


def _cue_to_segment(
    start: str, end: str, body: list[str], speaker: str | None, is_vtt: bool
) -> tuple[Segment, str | None]:
    joined = "\n".join(body)
    voice = _VTT_VOICE.search(joined)
    if voice:
        speaker = voice[1].strip()
    joined = _TAG.sub("", joined)
    if is_vtt:
        joined = html.unescape(joined)
    text = " ".join(joined.split("\n"))
    return Segment(text, clock_to_s(start), clock_to_s(end), speaker), speaker


def parse_lrc(text: str) -> tuple[list[Segment], str | None]:
    """Segments of LRC lyrics or whisper.cpp LRC output, and the title tag if any.

    An LRC line has a start only; its end is the next line's start.

    :param text: The whole file.
    """
    title: str | None = None
    entries: list[tuple[float | None, str]] = []
    for line in _non_blank(text):
        timed = _LRC_LINE.match(line)
        tag = _LRC_TAG.match(line)
        if timed:
            entries.append((clock_to_s(timed["start"]), _LRC_WORD_TIME.sub("", timed["text"])))
        elif tag:
            title = tag["value"].strip() or title if tag["key"].lower() == "ti" else title
        else:
            entries.append((None, line))
    segments = [
        Segment(text, start, entries[i + 1][0] if i + 1 < len(entries) else None)
        for i, (start, text) in enumerate(entries)
    ]
    return segments, title


def _non_blank(text: str) -> Iterator[str]:
    return (line for line in _lines(text) if line.strip())
