"""Text without times: lines, paragraphs, ``Name: text`` turns, and HTML."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

from edge.records import Segment
from edge.sentences import sentence_texts
from edge.transcript.cues import clock_to_s
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


class _TranscriptHtml(HTMLParser):
    """Collects ``<cite>`` speakers, ``<time>`` starts and the text between them."""

    _BREAKS = frozenset({"p", "br", "div", "li", "h1", "h2", "h3", "h4", "tr", "section"})
    _HIDDEN = frozenset({"script", "style", "head", "template"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.segments: list[Segment] = []
        self.title: str | None = None
        self._speaker: str | None = None
        self._start_s: float | None = None
        self._inside: list[str] = []
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._BREAKS or tag in ("cite", "time"):
            self.flush()
        if tag in self._HIDDEN or tag in ("cite", "time", "title"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass
        if tag in self._BREAKS:
            self.flush()

    def handle_data(self, data: str) -> None:
        innermost = self._inside[-1] if self._inside else None
        stripped = " ".join(data.split())
        if innermost == "title":
            self.title = stripped or self.title
        elif innermost in self._HIDDEN:
            return
        elif innermost == "cite" and stripped:
            self._speaker = stripped.rstrip(":").strip() or None
            self._start_s = None
        elif innermost == "time" and stripped:
            try:
                self._start_s = clock_to_s(stripped)
            except ValueError:
                self._text.append(data)
        else:
            self._text.append(data)

    def flush(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text = []
        if text:
            self.segments.append(Segment(text, self._start_s, None, self._speaker))


def parse_html(text: str) -> tuple[list[Segment], str | None]:
    """Segments of an HTML transcript (``<cite>``, ``<time>``, ``<p>``), and its title.

    :param text: The whole page.
    """
    parser = _TranscriptHtml()
    parser.feed(text)
    parser.close()
    parser.flush()
    return parser.segments, parser.title
