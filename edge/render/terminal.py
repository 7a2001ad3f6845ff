"""A digest as plain text for a terminal."""

from __future__ import annotations

import textwrap

from edge.records import Digest
from edge.render.wording import (
    chapter_text,
    clock,
    facts_line,
    iter_read_report,
    iter_sentence_lists,
    spoken_text,
    warning_text,
)
from edge.stages import stage

WIDTH = 88
"""Columns; what is longer is wrapped."""
TIME_WIDTH = 7
"""Columns of ``H:MM:SS``."""


@stage("render")
def to_text(digest: Digest) -> str:
    """The digest for a terminal.

    :param digest: The digest.
    """
    lines = [digest.title, facts_line(digest)]
    for warning in digest.warnings:
        text = f"WARNING: {warning_text(warning)}"
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="  ")
    if digest.summary:
        lines += ["", "SUMMARY", *_paragraph(digest.summary)]
    if digest.chapters:
        lines += ["", "CHAPTERS"]
        for chapter in digest.chapters:
            lines += _item(clock(chapter.start_s), chapter.title)
            lines += _item("", chapter_text(chapter))
    for heading, sentences in iter_sentence_lists(digest):
        lines += ["", heading.upper()]
        for sentence in sentences:
            lines += _item(clock(sentence.start_s), spoken_text(sentence))
    if digest.keyphrases:
        phrases = " · ".join(f"{phrase.text} ({phrase.count})" for phrase in digest.keyphrases)
        lines += ["", "KEYPHRASES", *_paragraph(phrases)]
    lines += ["", "READ", *(f"  {line}" for line in iter_read_report(digest))]
    return "\n".join(lines) + "\n"


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _item(time_text: str, text: str) -> list[str]:
    """Text behind a time, its further lines set in as far."""
    first, further = f"  {time_text:>{TIME_WIDTH}}  ", " " * (2 + TIME_WIDTH + 2)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=further)
