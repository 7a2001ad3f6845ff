"""Transcripts of every format we know, recognised by content, repaired and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from edge.errors import TranscriptError
from edge.records import Repair, Segment, Transcript
from edge.stages import stage
from edge.transcript import cues, jsons, plain, tables
from edge.transcript.decode import bytes_to_text
from edge.transcript.repair import find_repeated, repair_times, tidy_segments
from edge.transcript.speakers import label_speakers

__all__ = ["REPAIR_DETAILS", "parse_transcript", "read_transcript"]

REPAIR_DETAILS = {
    "invalid_utf8": "undecodable bytes shown as �",
    "decoded_as_cp1252": "bytes read as Windows-1252, the file is not UTF-8",
    "ansi_codes": "terminal colour codes removed",
    "control_characters": "control characters removed",
    "unreadable_times": "times that are no finite number set to unknown",
    "segments_without_text": "entries without any text passed over",
    "short_rows": "table rows with too few columns read as text without times",
    "paragraphs_split": "long paragraphs split into one segment a sentence",
    "empty_segments": "segments in which nothing was said",
    "one_word_segments": "one-word segments merged into longer ones",
    "speaker_turn_marks": "speaker-turn marks taken out of the text",
    "times_negative": "negative times set to zero",
    "times_backwards": "times running backwards set to the last good time",
    "times_overlapping": "segments ending after the next one starts cut to its start",
    "word_times_missing": "words without a time given the time known before them",
    "repeated_lines": "repeats of the same line (a recogniser's loop) left out",
}
"""Every kind of repair, and what was done, for a person."""


def read_transcript(path: str | Path) -> Transcript:
    """Read a transcript file; where it names no title, the file's name gives one.

    :param path: Any of the formats of docs/formats.md.
    :raises TranscriptError: If the file cannot be read, is empty or is no transcript.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TranscriptError(
            f"cannot read {path}: {error.strerror or error}",
            "Check the path and its permissions; '-' reads standard input.",
        ) from error
    transcript = parse_transcript(raw)
    title = transcript.title or _title_of_file(path)
    return replace(transcript, source_path=str(path), title=title)


def _title_of_file(path: Path) -> str:
    """A readable title from a file name: ``my-show_anna.srt`` -> ``My Show, Anna``."""
    parts = [part.replace("-", " ").strip() for part in path.stem.split("_")]
    title = ", ".join(part for part in parts if part)
    return title.title() if title.islower() else title or path.name


@stage("parse")
def parse_transcript(raw: bytes) -> Transcript:
    """Parse the bytes of a transcript: decode, recognise, read, repair.

    :param raw: The whole file.
    :raises TranscriptError: If there is no text, or JSON we cannot make out.
    """
    text, repairs = bytes_to_text(raw)
    del raw  # of a long transcript, each form is a good part of the memory
    parsed = _parse(text, repairs)
    del text
    segments = tidy_segments(parsed.segments, repairs)
    parsed.segments.clear()
    segments = label_speakers(segments, repairs)
    segments = repair_times(segments, repairs)
    repeated = find_repeated(segments, repairs)
    if not any(segment.text.strip() for segment in segments):
        raise TranscriptError(
            f"the transcript ({parsed.format}) has no words",
            "Check that the recogniser wrote any speech.",
        )
    return Transcript(
        segments=tuple(segments),
        format=parsed.format,
        language=parsed.language,
        title=parsed.title,
        repairs=tuple(
            Repair(kind, count, REPAIR_DETAILS[kind]) for kind, count in sorted((+repairs).items())
        ),
        repeated=repeated,
    )


def _parse(text: str, repairs: Counter[str]) -> jsons.JsonTranscript:
    """Try the formats from the most to the least recognisable."""

    def found(segments: list[Segment], name: str, title: str | None = None) -> jsons.JsonTranscript:
        return jsons.JsonTranscript(segments, name, None, title)

    parsed = jsons.parse_json(text, repairs)
    if parsed is not None:
        return parsed
    delimiter = tables.table_delimiter(text)
    if delimiter is not None:
        name = "tsv" if delimiter == "\t" else "csv"
        return found(tables.parse_table(text, delimiter, repairs), name)
    if text.lstrip().startswith("WEBVTT") or cues.has_cues(text):
        return found(cues.parse_cues(text), cues.cue_format(text))
    if cues.has_lrc_lines(text):
        segments, title = cues.parse_lrc(text)
        return found(segments, "lrc", title)
    if plain.looks_like_html(text):
        from edge.transcript.page import parse_html

        segments, title = parse_html(text)
        return found(segments, "html", title)
    return found(plain.parse_lines(text, repairs), "text")
