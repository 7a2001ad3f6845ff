"""A digest as Markdown."""

from __future__ import annotations

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


@stage("render")
def to_markdown(digest: Digest) -> str:
    """The digest as Markdown.

    :param digest: The digest.
    """
    lines = [f"# {_escape(digest.title)}", "", facts_line(digest)]
    for warning in digest.warnings:
        lines += ["", f"> **Warning:** {_escape(warning_text(warning))}"]
    if digest.summary:
        lines += ["", "## Summary", "", _escape(digest.summary)]
    if digest.chapters:
        lines += ["", "## Chapters", ""]
        for chapter in digest.chapters:
            lines.append(f"- {_stamp(chapter.start_s)}**{_escape(chapter.title)}**")
            if text := chapter_text(chapter):
                lines.append(f"  <br>{_escape(text)}")
    for heading, sentences in iter_sentence_lists(digest):
        lines += ["", f"## {heading}", ""]
        lines += [f"- {_stamp(s.start_s)}{_escape(spoken_text(s))}" for s in sentences]
    if digest.keyphrases:
        phrases = [f"{_escape(phrase.text)} ({phrase.count})" for phrase in digest.keyphrases]
        lines += ["", "## Keyphrases", "", " · ".join(phrases)]
    lines += ["", "## Read", "", *(f"- {_escape(line)}" for line in iter_read_report(digest))]
    return "\n".join(lines) + "\n"


def _stamp(seconds: float | None) -> str:
    return f"`{clock(seconds)}` " if seconds is not None else ""


def _escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    for character in "\\`*_[]<>#|":
        text = text.replace(character, f"\\{character}")
    return text
