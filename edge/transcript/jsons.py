"""JSON transcripts: whisper.cpp, openai-whisper and its kin, whisperX, Podcasting 2.0."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge.errors import TranscriptError
from edge.records import Segment, Word
from edge.transcript.cues import clock_to_s

_SPECIAL_TOKEN = re.compile(r"^\s*(?:\[_[A-Z]+_?\d*\]|<\|[^|]*\|>)\s*$")
_TEXT_KEYS = ("text", "body")
_START_KEYS = ("start", "startTime")
_END_KEYS = ("end", "endTime")


@dataclass(frozen=True)
class JsonTranscript:
    """What a JSON file holds, before any repair."""

    segments: list[Segment]
    format: str
    language: str | None
    title: str | None


def parse_json(text: str, repairs: Counter[str]) -> JsonTranscript | None:
    """Read a JSON or JSON Lines transcript; None when the text is no JSON at all.

    :param text: The whole file.
    :param repairs: Counts unreadable times and segments without text.
    :raises TranscriptError: For JSON that is cut short or has no segments we know.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        document = json.loads(text, strict=False)
    except (json.JSONDecodeError, RecursionError) as error:
        document = _json_lines(text)
        if document is None:
            _refuse_broken_json(text, error)
            return None
    if isinstance(document, list):
        document = {"segments": document}
    if "transcription" in document:
        return _whisper_cpp(document, repairs)
    if isinstance(document.get("segments"), list):
        return _segments(document, repairs)
    if isinstance(document.get("text"), str) and document["text"].strip():
        return JsonTranscript(
            [Segment(document["text"])], "json-text", _string(document, "language"), None
        )
    raise TranscriptError(
        f"this JSON has no transcript: its keys are {sorted(map(str, document))[:8]}",
        "Known are whisper.cpp ('transcription'), openai-whisper, whisperX and "
        "Podcasting 2.0 ('segments'), and a plain 'text'.",
    )


def _refuse_broken_json(text: str, error: Exception) -> None:
    """A bracket may open a line of speech; a brace opens JSON that is broken."""
    if re.match(r'\s*(?:\[\s*)?\{\s*("|$)', text):
        raise TranscriptError(
            f"this JSON is damaged: {error}",
            "The file may be cut short. Write it again, or give the txt, srt or vtt instead.",
        )


def _json_lines(text: str) -> list[Any] | None:
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        rows = [json.loads(line, strict=False) for line in lines]
    except (json.JSONDecodeError, RecursionError):
        return None
    return rows if len(rows) > 1 and all(isinstance(row, dict) for row in rows) else None


def _whisper_cpp(document: Mapping[str, Any], repairs: Counter[str]) -> JsonTranscript:
    segments = []
    has_tokens = False
    for item in _items(document["transcription"], repairs):
        start_s, end_s = _whisper_cpp_times(item, repairs)
        tokens = item.get("tokens")
        words: tuple[Word, ...] = ()
        if isinstance(tokens, list):
            has_tokens = True
            words = _tokens_to_words(tokens, repairs)
        speaker = _speaker(item)
        segments.append(Segment(str(item["text"]), start_s, end_s, speaker, words))
    result = document.get("result")
    language = _string(result, "language") if isinstance(result, Mapping) else None
    name = "whisper.cpp-json-full" if has_tokens else "whisper.cpp-json"
    return JsonTranscript(segments, name, language, None)


def _whisper_cpp_times(
    item: Mapping[str, Any], repairs: Counter[str]
) -> tuple[float | None, float | None]:
    offsets = item.get("offsets")
    if isinstance(offsets, Mapping):
        start, end = (_seconds(offsets.get(key), repairs) for key in ("from", "to"))
        return (None if start is None else start / 1000, None if end is None else end / 1000)
    stamps = item.get("timestamps")
    if isinstance(stamps, Mapping):
        return _seconds(stamps.get("from"), repairs), _seconds(stamps.get("to"), repairs)
    return None, None


def _tokens_to_words(tokens: list[Any], repairs: Counter[str]) -> tuple[Word, ...]:
    """Join sub-word tokens: a token that begins with a space begins a word."""
    words: list[Word] = []
    for token in tokens:
        if not isinstance(token, Mapping) or not isinstance(token.get("text"), str):
            continue
        piece = token["text"]
        if _SPECIAL_TOKEN.match(piece) or not piece.strip():
            continue
        start_s, end_s = _whisper_cpp_times(token, repairs)
        if words and not piece.startswith(" "):
            last = words[-1]
            words[-1] = Word(last.text + piece, last.start_s, end_s or last.end_s)
        else:
            words.append(Word(piece.strip(), start_s, end_s))
    return tuple(words)


def _segments(document: Mapping[str, Any], repairs: Counter[str]) -> JsonTranscript:
    items = list(_items(document["segments"], repairs))
    segments = []
    for item in items:
        words = item.get("words")
        segments.append(
            Segment(
                text=str(_first(item, _TEXT_KEYS)),
                start_s=_seconds(_first(item, _START_KEYS), repairs),
                end_s=_seconds(_first(item, _END_KEYS), repairs),
                speaker=_speaker(item),
                words=_words(words, repairs) if isinstance(words, list) else (),
            )
        )
    return JsonTranscript(
        segments,
        _segments_format(document, items),
        _string(document, "language"),
        _string(document, "title"),
    )


def _segments_format(document: Mapping[str, Any], items: list[Mapping[str, Any]]) -> str:
    if any("body" in item or "startTime" in item for item in items):
        return "podcasting2-json"
    if "word_segments" in document or any("chars" in item for item in items):
        return "whisperx-json"
    if document.get("task") is not None and "duration" in document:
        return "whisper.cpp-verbose-json"
    return "whisper-json"


def _words(entries: list[Any], repairs: Counter[str]) -> tuple[Word, ...]:
    words = []
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        text = str(entry.get("word", entry.get("text", ""))).strip()
        if text:
            start_s = _seconds(_first(entry, _START_KEYS), repairs)
            words.append(Word(text, start_s, _seconds(_first(entry, _END_KEYS), repairs)))
    return tuple(words)


def _items(entries: Any, repairs: Counter[str]) -> Iterator[Mapping[str, Any]]:
    """The entries that say something; a bare string counts as a segment's text."""
    if not isinstance(entries, list):
        raise TranscriptError(
            f"the transcript's segments are a {type(entries).__name__}, not a list",
            "The file may have been edited by hand; write it again with the recogniser.",
        )
    found = False
    for entry in entries:
        if isinstance(entry, str):
            entry = {"text": entry}
        if isinstance(entry, Mapping) and isinstance(_first(entry, _TEXT_KEYS), str):
            found = True
            yield {**entry, "text": _first(entry, _TEXT_KEYS)}
        else:
            repairs["segments_without_text"] += 1
    if not found:
        raise TranscriptError(
            f"none of the {len(entries)} segments of this JSON has a text",
            "Each segment needs a 'text' (or 'body') string.",
        )


def _first(item: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _seconds(value: Any, repairs: Counter[str]) -> float | None:
    """A finite number, or a clock string, as seconds; anything else is counted."""
    if value is None:
        return None
    try:
        if isinstance(value, str) and ":" in value:
            return clock_to_s(value.strip())
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if number - number != 0:  # NaN or infinite
        repairs["unreadable_times"] += 1
        return None
    return number


def _speaker(item: Mapping[str, Any]) -> str | None:
    label = item.get("speaker")
    if isinstance(label, (int, str)) and not isinstance(label, bool):
        label = str(label).strip()
        if label and label != "?":
            return f"Speaker {label}" if label.isdigit() else label
    return None


def _string(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value.strip() or None if isinstance(value, str) else None
