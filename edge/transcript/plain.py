"""Text without times: lines, paragraphs, ``Name: text`` turns, and whether it is HTML."""

from __future__ import annotations

import re
from collections import Counter

from edge.records import Segment
from edge.transcript.sentences import sentence_texts
from edge.transcript.speakers import has_labels

LONG_LINE_WORDS = 80
"""A line longer than this is a paragraph, and becomes one segment a sentence."""

_HTML_START = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|body|cite|time|p)\b", re.I | re.S
)


def looks_like_html(text: str) -> bool:
    """Whether the text begins like an HTML transcript."""
    return _HTML_START.match(text) is not None


def parse_lines(text: str, repairs: Counter[str]) -> list[Segment]:
    """One segment a line; a paragraph of more than 80 words, one segment a sentence.

    A ``Name: text`` turn is one segment however long it is.

    :param text: The whole file.
    :param repairs: Counts the paragraphs that were split.
    """
    lines = [Segment(line) for line in text.split("\n") if line.strip()]
    if has_labels(lines):
        return lines
    segments = []
    for line in lines:
        if len(line.text.split()) <= LONG_LINE_WORDS:
            segments.append(line)
            continue
        repairs["paragraphs_split"] += 1
        segments.extend(Segment(part) for part in sentence_texts(line.text))
    return segments
