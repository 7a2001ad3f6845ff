"""Speaker labels written into the text, in the ways the formats do it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from edge.records import Segment

_DIARIZED = re.compile(r"^\s*\((speaker (?:\d+|\?))\)\s*", re.I)  # whisper.cpp -di
_BRACKETED = re.compile(r"^\s*\[(SPEAKER_\d+|[^\W\d_][^\]\n]{0,40})\]:\s*")  # whisperX
_NAMED = re.compile(r"^\s*([^\W\d_][^:\n<>\[\]\"“?!,;]{0,40}?)\s*:(?!//)(?:\s+|$)")
_TURN_MARK = re.compile(r"\s*\[SPEAKER_TURN\]\s*")
_MAX_LABEL_WORDS = 5


def label_speakers(segments: list[Segment], repairs: Counter[str]) -> list[Segment]:
    """Move speaker labels from the text into ``speaker``; a label holds until the next.

    ``Name:`` counts as a label only if the file uses it like one: on most lines, or
    again and again for the same few names. Elsewhere a colon is punctuation.

    :param segments: As parsed.
    :param repairs: Counts tinydiarize turn marks taken out, and segments that were only a label.
    """
    marked = sum(len(_TURN_MARK.findall(segment.text)) for segment in segments)
    if marked:
        repairs["speaker_turn_marks"] += marked
        segments = [replace(s, text=_TURN_MARK.sub(" ", s.text).strip()) for s in segments]
    used = _used_labels(segments)
    if used is None:
        return segments
    labelled = _apply(segments, *used)
    pairs = zip(segments, labelled, strict=True)
    repairs["empty_segments"] += sum(bool(old.text) and not new.text for old, new in pairs)
    return labelled


def has_labels(segments: list[Segment]) -> bool:
    """Whether speaker labels are written into the text.

    :param segments: As parsed.
    """
    return _used_labels(segments) is not None


def _used_labels(segments: list[Segment]) -> tuple[re.Pattern[str], list[str | None]] | None:
    """The pattern the file's labels follow, and each segment's label."""
    for pattern in (_DIARIZED, _BRACKETED, _NAMED):
        labels = [_label(pattern, segment) for segment in segments]
        if _is_used(labels, pattern is _NAMED):
            return pattern, labels
    return None


def _label(pattern: re.Pattern[str], segment: Segment) -> str | None:
    match = pattern.match(segment.text)
    if match is None or len(match[1].split()) > _MAX_LABEL_WORDS:
        return None
    return match[1].strip()


def _is_used(labels: list[str | None], ambiguous: bool) -> bool:
    found = [label for label in labels if label is not None]
    if not ambiguous:
        return bool(found)
    counts = Counter(found)
    capitalised = all(name[0].isupper() for name in counts)
    repeated = sum(count for count in counts.values() if count > 1)
    mostly = len(found) >= 2 and len(found) >= 0.5 * len(labels)
    recurring = len(found) >= 4 and repeated >= 0.8 * len(found)
    return capitalised and (mostly or recurring)


def _apply(
    segments: list[Segment], pattern: re.Pattern[str], labels: list[str | None]
) -> list[Segment]:
    labelled = []
    current: str | None = None
    for segment, label in zip(segments, labels, strict=True):
        text = segment.text
        if label is not None:
            text = pattern.sub("", text, count=1)
            current = None if label.endswith("?") else _spoken_name(label)
        speaker = segment.speaker if segment.speaker is not None else current
        labelled.append(replace(segment, text=text, speaker=speaker))
    return labelled


def _spoken_name(label: str) -> str:
    return label.capitalize() if label.lower().startswith("speaker ") else label
