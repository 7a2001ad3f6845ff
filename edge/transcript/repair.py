"""Mend what recognisers get wrong, keep every word, and count every change."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from typing import Any

from edge.records import Segment, Word

MAX_PAUSE_IN_SEGMENT_S = 1.5
MAX_WORDS_PER_MERGED_SEGMENT = 30
MIN_LOOP_LINES = 3
"""A line said this often in a row is a recogniser's loop, if it has three words or more."""
MIN_SHORT_LOOP_LINES = 6
"""The same for one or two words, which people do repeat: "Yeah." "Yeah."."""

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)]*$")


def tidy_segments(segments: list[Segment], repairs: Counter[str]) -> list[Segment]:
    """Merge one-word segments, collapse white space, count segments without words.

    Those stay, so that a segment's index is its place in the file, unless words are merged.

    :param segments: As parsed, leading spaces kept: they tell whole words from pieces.
    :param repairs: Counts are added here.
    """
    spoken = [segment for segment in segments if segment.text.strip()]
    repairs["empty_segments"] += len(segments) - len(spoken)
    if _is_one_word_each(spoken):
        segments = _merge_one_word(spoken)
        repairs["one_word_segments"] += len(spoken) - len(segments)
    return [_changed(s, text=" ".join(s.text.split())) for s in segments]


def _changed(segment: Segment, **fields: Any) -> Segment:
    """A segment with other values; the same one where they are the same already."""
    if all(getattr(segment, name) == value for name, value in fields.items()):
        return segment
    return replace(segment, **fields)


def _is_one_word_each(segments: list[Segment]) -> bool:
    n_single = sum(1 for segment in segments if len(segment.text.split()) == 1)
    timed = all(segment.start_s is not None for segment in segments)
    return timed and len(segments) >= 5 and n_single >= 0.9 * len(segments)


def _merge_one_word(segments: list[Segment]) -> list[Segment]:
    n_spaced = sum(1 for segment in segments if segment.text.startswith(" "))
    pieces_marked = n_spaced >= 0.3 * len(segments)  # then no space means "same word"
    merged: list[Segment] = []
    for segment in segments:
        continues = pieces_marked and not segment.text.startswith(" ")
        if merged and not _starts_segment(merged[-1], segment, continues):
            merged[-1] = _join(merged[-1], segment, continues)
        else:
            merged.append(_join(replace(segment, text="", words=()), segment, False))
    return merged


def _starts_segment(current: Segment, following: Segment, continues: bool) -> bool:
    if current.speaker != following.speaker:
        return True
    if continues:
        return False
    pause_s = (following.start_s or 0.0) - (current.end_s or current.start_s or 0.0)
    return (
        _SENTENCE_END.search(current.text) is not None
        or pause_s > MAX_PAUSE_IN_SEGMENT_S
        or len(current.words) >= MAX_WORDS_PER_MERGED_SEGMENT
    )


def _join(current: Segment, following: Segment, continues: bool) -> Segment:
    text = following.text.strip()
    words = current.words
    if continues and words:
        last = words[-1]
        words = (*words[:-1], Word(last.text + text, last.start_s, following.end_s))
    else:
        words = (*words, *(Word(w, following.start_s, following.end_s) for w in text.split()))
    joined = " ".join(word.text for word in words)
    return replace(current, text=joined, end_s=following.end_s, words=words)


def repair_times(segments: list[Segment], repairs: Counter[str]) -> list[Segment]:
    """Make times finite, not negative and never decreasing; text order is kept.

    Starts that disagree with the longest rising run of starts are the wrong ones; each
    takes the last trusted end, bounded by the next trusted start.

    :param segments: Tidied segments.
    :param repairs: Counts are added here.
    """
    segments = [_non_negative(segment, repairs) for segment in segments]
    timed = [i for i, segment in enumerate(segments) if segment.start_s is not None]
    starts = [segments[i].start_s or 0.0 for i in timed]
    trusted = set(_longest_rising(starts))
    bounds_s = _next_trusted(starts, trusted)
    repaired = list(segments)
    latest_s = 0.0  # latest trusted end so far
    for k, i in enumerate(timed):
        segment = segments[i]
        if k in trusted:
            latest_s = max(latest_s, starts[k], segment.end_s or 0.0)
            continue
        repairs["times_backwards"] += 1
        start_s = min(latest_s, bounds_s[k])
        repaired[i] = replace(segment, start_s=start_s, end_s=start_s, words=_untimed(segment))
    return _repair_ends(repaired, repairs)


def _next_trusted(starts: list[float], trusted: set[int]) -> list[float]:
    """For each start, the first trusted one at or after it; infinity where there is none."""
    bounds = [float("inf")] * (len(starts) + 1)
    for k in range(len(starts) - 1, -1, -1):
        bounds[k] = starts[k] if k in trusted else bounds[k + 1]
    return bounds


def _non_negative(segment: Segment, repairs: Counter[str]) -> Segment:
    start_s, end_s = segment.start_s, segment.end_s
    if start_s is None and segment.words and segment.words[0].start_s is not None:
        start_s = segment.words[0].start_s
    if start_s is None and end_s is not None:
        end_s = None  # an end alone places nothing
        repairs["unreadable_times"] += 1
    if (start_s or 0.0) < 0 or (end_s or 0.0) < 0:
        repairs["times_negative"] += 1
        start_s = None if start_s is None else max(0.0, start_s)
        end_s = None if end_s is None else max(0.0, end_s)
    return _changed(segment, start_s=start_s, end_s=end_s)


def _longest_rising(values: list[float]) -> list[int]:
    """Indices of the longest non-decreasing subsequence (patience sorting)."""
    tails: list[float] = []
    tail_index: list[int] = []
    previous = [-1] * len(values)
    for i, value in enumerate(values):
        slot = bisect_right(tails, value)
        previous[i] = tail_index[slot - 1] if slot else -1
        tails[slot : slot + 1] = [value]
        tail_index[slot : slot + 1] = [i]
    chain = []
    i = tail_index[-1] if tail_index else -1
    while i >= 0:
        chain.append(i)
        i = previous[i]
    return chain[::-1]


def _repair_ends(segments: list[Segment], repairs: Counter[str]) -> list[Segment]:
    """End no segment before it starts, nor after the next one starts."""
    repaired = list(segments)
    next_start_s = float("inf")
    for i in range(len(repaired) - 1, -1, -1):
        start_s, end_s = repaired[i].start_s, repaired[i].end_s
        if start_s is None:
            continue
        if end_s is not None and end_s < start_s:
            repairs["times_backwards"] += 1
            end_s = start_s
        elif end_s is not None and end_s > next_start_s:
            repairs["times_overlapping"] += 1
            end_s = next_start_s
        repaired[i] = _repair_words(_changed(repaired[i], end_s=end_s), repairs)
        next_start_s = start_s
    return repaired


def _repair_words(segment: Segment, repairs: Counter[str]) -> Segment:
    """Give each untimed word the time known before it; keep words in the segment's bounds."""
    if not segment.words:
        return segment
    latest_s = segment.start_s or 0.0
    bound_s = float("inf") if segment.end_s is None else segment.end_s
    words = []
    for word in segment.words:
        if word.start_s is None:
            repairs["word_times_missing"] += 1
        start_s = latest_s if word.start_s is None else min(max(word.start_s, latest_s), bound_s)
        end_s = start_s if word.end_s is None else min(max(word.end_s, start_s), bound_s)
        words.append(Word(word.text, start_s, end_s))
        latest_s = end_s
    return replace(segment, words=tuple(words))


def _untimed(segment: Segment) -> tuple[Word, ...]:
    return tuple(Word(word.text, None, None) for word in segment.words)


def find_repeated(segments: list[Segment], repairs: Counter[str]) -> frozenset[int]:
    """Indices of the lines a recogniser's loop added: all but the first of each run.

    :param segments: Repaired segments.
    :param repairs: Counts are added here.
    """
    repeated: set[int] = set()
    run_start = 0
    for i in range(1, len(segments) + 1):
        if i < len(segments) and _same(segments[i], segments[run_start]):
            continue
        n_words = len(segments[run_start].text.split()) if segments else 0
        limit = MIN_SHORT_LOOP_LINES if n_words < 3 else MIN_LOOP_LINES
        if n_words and i - run_start >= limit:
            repeated.update(range(run_start + 1, i))
        run_start = i
    repairs["repeated_lines"] += len(repeated)
    return frozenset(repeated)


def _same(left: Segment, right: Segment) -> bool:
    return left.text.casefold() == right.text.casefold()
