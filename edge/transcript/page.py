"""HTML transcripts. A module of its own: the parser takes time to import and is seldom needed."""

from __future__ import annotations

from html.parser import HTMLParser

from edge.records import Segment
from edge.transcript.cues import clock_to_s


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
