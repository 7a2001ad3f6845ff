"""A digest as JSON, Markdown, plain text, or Podcasting 2.0 chapters."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from edge import __version__
from edge.errors import OutputError
from edge.records import Chapter, Digest, DomainWarning, ExtractedSentence, Written, WrittenSentence
from edge.stages import stage

SCHEMA_VERSION = 1
WIDTH = 88
_EXCLUDED_NAMES = {"advert": "advert or notice", "cold_open": "cold open, said again later"}


def clock(seconds: float | None) -> str:
    """``M:SS`` or ``H:MM:SS``; empty for an unknown time.

    :param seconds: A time, or None.
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def to_dict(digest: Digest) -> dict[str, Any]:
    """The digest as ``edge/digest.schema.json`` describes it.

    :param digest: The digest.
    """
    transcript = digest.transcript
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "created_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "episode": {
            "title": digest.title,
            "source_path": digest.source_path,
            "format": transcript.format,
            "language": transcript.language,
            "duration_s": transcript.duration_s,
            "n_segments": len(transcript.segments),
            "n_words": transcript.n_words,
        },
        "models": [
            {
                "name": model.name,
                "precision": model.precision,
                "bundle_sha256": model.bundle_sha256,
                "execution_provider": model.execution_provider,
                "execution_provider_asked": model.execution_provider_asked,
            }
            for model in digest.models
        ],
        "summary": _summary(digest),
        "key_points": _points(digest.key_points),
        "quotes": _points(digest.quotes),
        "questions": _points(digest.questions),
        "keyphrases": [
            {
                "text": phrase.text,
                "score": phrase.score,
                "count": phrase.count,
                "mentions": [
                    {"segment_index": mention.segment_index, "start_s": mention.start_s}
                    for mention in phrase.mentions
                ],
            }
            for phrase in digest.keyphrases
        ],
        "chapters": [
            {
                "title": chapter.title,
                "start_s": chapter.start_s,
                "end_s": chapter.end_s,
                "first_segment": chapter.first_segment,
                "last_segment": chapter.last_segment,
                "gist": chapter.gist,
                **({"summary": _written(chapter.summary)} if chapter.summary else {}),
            }
            for chapter in digest.chapters
        ],
        "coverage": _coverage(digest),
        "warnings": [{"kind": w.kind, "detail": w.detail} for w in digest.warnings],
        "timings": dict(digest.timings_s),
    }


def _summary(digest: Digest) -> dict[str, Any]:
    if digest.written is not None:
        return {
            "kind": "abstractive",
            "text": _summary_text(digest),
            "sentences": _written(digest.written.sentences),
            "n_rejected": digest.written.n_rejected,
            "words_read": digest.written.words_read,
        }
    return {
        "kind": "extractive",
        "text": _summary_text(digest),
        "sentences": [
            {
                "text": point.text,
                "evidence": _indices(point),
                "start_s": point.start_s,
                "end_s": point.end_s,
                "support": 1.0,  # verbatim: its evidence says it word for word
            }
            for point in digest.summary
        ],
        **({"reason": digest.summary_reason} if digest.summary_reason else {}),
    }


def _summary_text(digest: Digest) -> str:
    if digest.written is not None:
        return " ".join(map(_as_told, digest.written.sentences))
    return " ".join(point.text for point in digest.summary)


def _as_told(sentence: WrittenSentence) -> str:
    """A key point among a model's sentences is the quote it is."""
    return f"“{sentence.text}”" if sentence.source == "key_point" else sentence.text


def _written(sentences: Sequence[WrittenSentence]) -> list[dict[str, Any]]:
    return [
        {
            "text": sentence.text,
            "evidence": list(sentence.evidence),
            "start_s": sentence.start_s,
            "end_s": sentence.end_s,
            "support": sentence.support,
            "source": sentence.source,
        }
        for sentence in sentences
    ]


def _points(points: Sequence[ExtractedSentence]) -> list[dict[str, Any]]:
    return [
        {
            "text": point.text,
            "segment_index": _indices(point),
            "start_s": point.start_s,
            "end_s": point.end_s,
            "speaker": point.speaker,
            "score": point.score,
        }
        for point in points
    ]


def _indices(point: ExtractedSentence) -> list[int]:
    return list(range(point.first_segment, point.last_segment + 1))


def _coverage(digest: Digest) -> dict[str, Any]:
    coverage = digest.coverage
    return {
        "words_read": coverage.words_read,
        "words_total": coverage.words_total,
        "segments_skipped": list(coverage.segments_skipped),
        "truncated": coverage.truncated,
        "repairs": [
            {"kind": repair.kind, "count": repair.count, "detail": repair.detail}
            for repair in digest.transcript.repairs
        ],
        "excluded": [
            {
                "kind": part.kind,
                "first_segment": part.first_segment,
                "last_segment": part.last_segment,
                "start_s": part.start_s,
                "end_s": part.end_s,
                "n_words": part.n_words,
            }
            for part in coverage.excluded
        ],
    }


@stage("render")
def to_json(digest: Digest, indent: int | None = 2) -> str:
    """The digest as JSON text.

    :param digest: The digest.
    :param indent: None puts the whole document on one line.
    """
    return json.dumps(to_dict(digest), ensure_ascii=False, indent=indent) + "\n"


@stage("render")
def to_text(digest: Digest) -> str:
    """The digest for a terminal.

    :param digest: The digest.
    """
    lines = [digest.title, _facts(digest)]
    for warning in digest.warnings:
        lines += textwrap.wrap(f"WARNING: {_warned(warning)}", WIDTH, subsequent_indent="  ")
    if text := _summary_text(digest):
        lines += ["", "SUMMARY", *textwrap.wrap(text, WIDTH, initial_indent="  ",
                                                subsequent_indent="  ")]  # fmt: skip
    if digest.chapters:
        lines += ["", "CHAPTERS"]
        for chapter in digest.chapters:
            lines += _item(clock(chapter.start_s), chapter.title)
            lines += _item("", chapter_text(chapter))
    for name, points in _point_lists(digest):
        lines += ["", name.upper()]
        for point in points:
            lines += _item(clock(point.start_s), _spoken(point))
    if digest.keyphrases:
        phrases = " · ".join(f"{phrase.text} ({phrase.count})" for phrase in digest.keyphrases)
        lines += ["", "KEYPHRASES", *textwrap.wrap(phrases, WIDTH, initial_indent="  ",
                                                   subsequent_indent="  ")]  # fmt: skip
    lines += ["", "READ", *(f"  {line}" for line in _read_report(digest))]
    return "\n".join(lines) + "\n"


def _item(time: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"  {time:>7}  ", subsequent_indent=" " * 11)


def chapter_text(chapter: Chapter) -> str:
    """What is shown under a chapter's title: what was written of it, or its most salient sentence.

    :param chapter: Of a digest.
    """
    return " ".join(map(_as_told, chapter.summary)) or chapter.gist


def _point_lists(digest: Digest) -> Iterator[tuple[str, Sequence[ExtractedSentence]]]:
    """Headings and their sentences, those lists left out that are empty."""
    lists = {
        "Key points": digest.key_points,
        "Quotes": digest.quotes,
        "Questions asked": digest.questions,
    }
    return ((name, points) for name, points in lists.items() if points)


def _warned(warning: DomainWarning) -> str:
    return f"this does not look like English speech, do not rely on the digest: {warning.detail}."


def _spoken(point: ExtractedSentence) -> str:
    return f"{point.speaker}: {point.text}" if point.speaker else point.text


def _facts(digest: Digest) -> str:
    duration_s = digest.transcript.duration_s
    length = f"{round(duration_s / 60)} min · " if duration_s else ""
    models = " · ".join(f"{model.name} {model.precision}" for model in digest.models)
    return f"{length}{digest.transcript.n_words:,} words · {models}"


def _read_report(digest: Digest) -> Iterator[str]:
    """What was read, kept out and repaired, a line each."""
    coverage = digest.coverage
    yield f"{coverage.words_read:,} of {coverage.words_total:,} words ({digest.transcript.format})"
    if digest.written is not None:
        yield _written_report(digest.written)
    for part in coverage.excluded:
        name = _EXCLUDED_NAMES.get(part.kind, part.kind)
        if part.start_s is not None:
            where = f"{clock(part.start_s)}-{clock(part.end_s)}"
        else:
            where = f"segments {part.first_segment}-{part.last_segment}"
        yield f"kept out: {where} {name} ({part.n_words} words)"
    for repair in digest.transcript.repairs:
        yield f"repaired: {repair.count} x {repair.detail}"


def _written_report(written: Written) -> str:
    """Whose words the summary's are, and what was kept back."""
    rejected = f"{written.n_rejected} of its sentences did not hold and are not shown"
    return f"summaries are a model's own words from {written.words_read:,} words; {rejected}"


@stage("render")
def to_markdown(digest: Digest) -> str:
    """The digest as Markdown.

    :param digest: The digest.
    """
    lines = [f"# {_escape(digest.title)}", "", _facts(digest)]
    for warning in digest.warnings:
        lines += ["", f"> **Warning:** {_escape(_warned(warning))}"]
    if text := _summary_text(digest):
        lines += ["", "## Summary", "", _escape(text)]
    if digest.chapters:
        lines += ["", "## Chapters", ""]
        for chapter in digest.chapters:
            lines.append(f"- {_stamp(chapter.start_s)}**{_escape(chapter.title)}**")
            if told := chapter_text(chapter):
                lines.append(f"  <br>{_escape(told)}")
    for name, points in _point_lists(digest):
        lines += ["", f"## {name}", ""]
        lines += [f"- {_stamp(p.start_s)}{_escape(_spoken(p))}" for p in points]
    if digest.keyphrases:
        phrases = [f"{_escape(phrase.text)} ({phrase.count})" for phrase in digest.keyphrases]
        lines += ["", "## Keyphrases", "", " · ".join(phrases)]
    lines += ["", "## Read", "", *(f"- {_escape(line)}" for line in _read_report(digest))]
    return "\n".join(lines) + "\n"


def _stamp(seconds: float | None) -> str:
    return f"`{clock(seconds)}` " if seconds is not None else ""


def _escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    for character in "\\`*_[]<>#|":
        text = text.replace(character, f"\\{character}")
    return text


@stage("render")
def to_podcast_chapters(digest: Digest) -> str:
    """Podcasting 2.0 chapters (``application/json+chapters``, version 1.2.0).

    :param digest: A digest with chapters.
    :raises OutputError: If the transcript has no times.
    """
    timed = [chapter for chapter in digest.chapters if chapter.start_s is not None]
    if len(timed) < len(digest.chapters):
        raise OutputError(
            f"{digest.source_path} has no times, and podcast chapters need them",
            "Use a timed transcript (srt, vtt, json), or another --format.",
        )
    document = {
        "version": "1.2.0",
        "title": digest.title,
        "chapters": [
            {"startTime": chapter.start_s, "endTime": chapter.end_s, "title": chapter.title}
            for chapter in timed
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


RENDERERS = {"text": to_text, "md": to_markdown, "json": to_json, "podcast": to_podcast_chapters}
"""Format name -> renderer."""
SUFFIXES = {"text": ".txt", "md": ".md", "json": ".json", "podcast": ".chapters.json"}
"""Format name -> file name ending."""
