"""A digest as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from edge.records import Digest
from edge.render.wording import (
    Line,
    chapter_lines,
    clock,
    facts_line,
    introduction_lines,
    iter_read_report,
    keyphrases_line,
    names_line,
    requested_lists,
    speakers_line,
    summary_lines,
    warning_text,
)
from edge.stages import stage

WIDTH = 88
"""Columns; what is longer is wrapped."""
INDENT = "  "
LABEL_WIDTH = len("Keyphrases") + len(INDENT)


@stage("render")
def to_text(digest: Digest, show: Sequence[str] = ()) -> str:
    """The digest for a terminal.

    :param digest: The digest.
    :param show: Which of ``edge.records.LISTS_ON_REQUEST`` to add.
    """
    lines = [digest.title, facts_line(digest)]
    for warning in digest.warnings:
        text = f"WARNING: {warning_text(warning)}"
        lines += textwrap.wrap(text, WIDTH, subsequent_indent=INDENT)
    time_width = len(clock(digest.transcript.duration_s))
    mark = "" if time_width else "- "  # where a time does not show that a line begins
    about = [*_paragraph(speakers_line(digest)), *_items(introduction_lines(digest), time_width)]
    lines += _section("About", about)
    lines += _section("Summary", _items(summary_lines(digest), time_width, mark))
    chapters = []
    for chapter in digest.chapters:
        chapters += _items([(chapter.start_s, chapter.title)], time_width)
        chapters += _items(chapter_lines(chapter), time_width, "- ")
    lines += _section("Chapters", chapters)
    for heading, sentences in requested_lists(digest, show):
        lines += _section(heading, _items(sentences, time_width, mark))
    foot = {"Keyphrases": keyphrases_line(digest), "Names": names_line(digest.entities)}
    lines.append("")
    for label, text in foot.items():
        lines += _labelled(label, text)
    for k, text in enumerate(iter_read_report(digest)):
        lines += _labelled("" if k else "Read", text)
    return "\n".join(lines) + "\n"


def _section(heading: str, lines: Sequence[str]) -> list[str]:
    """Lines below their heading; nothing where there are none."""
    return ["", heading.upper(), *lines] if lines else []


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _labelled(label: str, text: str) -> list[str]:
    """Text behind its label; nothing where there is none."""
    first = f"{label.upper():<{LABEL_WIDTH}}"
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * LABEL_WIDTH)


def _items(lines: Sequence[Line], time_width: int, mark: str = "") -> list[str]:
    """Texts behind their times, further lines set in as far; without times, no room for them."""
    wrapped = []
    for seconds, text in lines:
        stamp = f"{clock(seconds):>{time_width}}{INDENT}" if time_width else ""
        first = f"{INDENT}{stamp}{mark}"
        wrapped += textwrap.wrap(
            text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first)
        )
    return wrapped
