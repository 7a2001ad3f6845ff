"""A digest as Markdown."""

from __future__ import annotations

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


@stage("render")
def to_markdown(digest: Digest, show: Sequence[str] = ()) -> str:
    """The digest as Markdown.

    :param digest: The digest.
    :param show: Which of ``edge.records.LISTS_ON_REQUEST`` to add.
    """
    lines = [f"# {_escape(digest.title)}", "", facts_line(digest)]
    for warning in digest.warnings:
        lines += ["", f"> **Warning:** {_escape(warning_text(warning))}"]
    if speakers := speakers_line(digest):
        lines += ["", _escape(speakers)]
    for seconds, text in introduction_lines(digest):
        lines += ["", f"{_stamp(seconds)}{_escape(text)}"]
    lines += _section("Summary", _items(summary_lines(digest)))
    chapters = []
    for chapter in digest.chapters:
        chapters.append(f"- {_stamp(chapter.start_s)}**{_escape(chapter.title)}**")
        chapters += [f"  {item}" for item in _items(chapter_lines(chapter))]
    lines += _section("Chapters", chapters)
    for heading, sentences in requested_lists(digest, show):
        lines += _section(heading, _items(sentences))
    lines += _section("Keyphrases", _paragraph(keyphrases_line(digest)))
    lines += _section("Names", _paragraph(names_line(digest.entities)))
    lines += _section("Read", [f"- {_escape(line)}" for line in iter_read_report(digest)])
    return "\n".join(lines) + "\n"


def _section(heading: str, lines: Sequence[str]) -> list[str]:
    """Lines below their heading; nothing where there are none."""
    return ["", f"## {heading}", "", *lines] if lines else []


def _paragraph(text: str) -> list[str]:
    return [_escape(text)] if text else []


def _items(lines: Sequence[Line]) -> list[str]:
    return [f"- {_stamp(seconds)}{_escape(text)}" for seconds, text in lines]


def _stamp(seconds: float | None) -> str:
    return f"`{clock(seconds)}` " if seconds is not None else ""


def _escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    for character in "\\`*_[]<>#|":
        text = text.replace(character, f"\\{character}")
    return text
