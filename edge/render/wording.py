"""What the formats for people say in the same words: headings, facts, warnings, times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.records import (
    ENTITY_KINDS,
    Chapter,
    Digest,
    DomainWarning,
    Excluded,
    ExtractedSentence,
    NamedEntity,
    Written,
)

MAX_NAMES = 12
"""So many are shown to people, those named most; JSON has all."""
Line = tuple[float | None, str]
"""When something is said, and its text."""

_KIND_NAMES = {"person": "people", "company": "companies", "other": "others"}
"""Plurals that are not made with an s."""
_EXCLUDED_NAMES = {"cold_open": "cold open, said again later", "advert": "adverts and notices"}


def clock(seconds: float | None) -> str:
    """``M:SS`` or ``H:MM:SS``; empty for an unknown time.

    :param seconds: A time, or None.
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def facts_line(digest: Digest) -> str:
    """How long an episode is, and which models read it.

    :param digest: Of the episode.
    """
    duration_s = digest.transcript.duration_s
    length = f"{round(duration_s / 60)} min · " if duration_s else ""
    models = " · ".join(f"{model.name} {model.precision}" for model in digest.models)
    return f"{length}{digest.transcript.n_words:,} words · {models}"


def warning_text(warning: DomainWarning) -> str:
    """A warning as a sentence.

    :param warning: Of a digest.
    """
    return f"this does not look like English speech, do not rely on the digest: {warning.detail}."


def speakers_line(digest: Digest) -> str:
    """Who talks, and which share of the words is whose; empty where nobody is labelled.

    :param digest: The digest.
    """
    return " · ".join(f"{each.name} {each.share:.0%}" for each in digest.speakers)


def introduction_lines(digest: Digest) -> list[Line]:
    """The line with which an episode says who talks about what, where there is one.

    :param digest: The digest.
    """
    line = digest.introduction
    return [] if line is None else [(line.start_s, line.text)]


def summary_lines(digest: Digest) -> list[Line]:
    """The summary, a sentence a line.

    :param digest: The digest.
    """
    if digest.written is not None:
        return [(each.start_s, each.quoted_text) for each in digest.written.sentences]
    return [(each.start_s, each.text) for each in digest.summary_sentences]


def chapter_lines(chapter: Chapter) -> list[Line]:
    """What is shown under a chapter's title: what was written of it, or its key points.

    :param chapter: Of a digest.
    """
    if chapter.summary:
        return [(each.start_s, each.quoted_text) for each in chapter.summary]
    return [(point.start_s, spoken_text(point)) for point in chapter.key_points]


def requested_lists(digest: Digest, show: Sequence[str]) -> list[tuple[str, list[Line]]]:
    """Headings and their sentences, those lists left out that are empty.

    :param digest: The digest.
    :param show: Which of ``edge.records.LISTS_ON_REQUEST`` are asked for.
    """
    lists = {
        "quotes": ("Quotes", digest.quotes),
        "questions": ("Questions asked", digest.questions),
    }
    return [
        (heading, [(each.start_s, spoken_text(each)) for each in sentences])
        for name, (heading, sentences) in lists.items()
        if name in show and sentences
    ]


def keyphrases_line(digest: Digest) -> str:
    """The keyphrases, each with how often it is said.

    :param digest: The digest.
    """
    return " · ".join(f"{phrase.text} ({phrase.count})" for phrase in digest.keyphrases)


def names_line(entities: Sequence[NamedEntity]) -> str:
    """What an episode names most, by kind.

    :param entities: Of its digest.
    """
    most_named = sorted(entities, key=lambda entity: -entity.count)[:MAX_NAMES]
    by_kind: dict[str, list[NamedEntity]] = {kind: [] for kind in ENTITY_KINDS}
    for entity in most_named:
        by_kind[entity.kind].append(entity)
    return " · ".join(
        f"{_KIND_NAMES.get(kind, f'{kind}s')}: "
        + ", ".join(f"{entity.text} ({entity.count})" for entity in named)
        for kind, named in by_kind.items()
        if named
    )


def spoken_text(sentence: ExtractedSentence) -> str:
    """A sentence with who says it, where the transcript knows.

    :param sentence: Of a digest.
    """
    return f"{sentence.speaker}: {sentence.text}" if sentence.speaker else sentence.text


def iter_read_report(digest: Digest) -> Iterator[str]:
    """What was read, kept out and repaired, a line each.

    :param digest: The digest.
    """
    coverage = digest.coverage
    yield f"{coverage.words_read:,} of {coverage.words_total:,} words ({digest.transcript.format})"
    if digest.written is not None:
        yield _written_report(digest.written)
    for kind, name in _EXCLUDED_NAMES.items():
        if parts := [part for part in coverage.excluded if part.kind == kind]:
            n_words = sum(part.n_words for part in parts)
            yield f"kept out: {_places(parts)} {name} ({n_words:,} words)"
    for repair in digest.transcript.repairs:
        yield f"repaired: {repair.count} x {repair.detail}"


def _places(parts: Sequence[Excluded]) -> str:
    """Where stretches are: their times, or their segments where there are none."""
    if all(part.start_s is not None for part in parts):
        return ", ".join(f"{clock(part.start_s)}-{clock(part.end_s)}" for part in parts)
    segments = (f"{part.first_segment}-{part.last_segment}" for part in parts)
    return f"segments {', '.join(segments)}"


def _written_report(written: Written) -> str:
    """Whose words the summary's are, and what was kept back."""
    rejected = f"{written.n_rejected} of its sentences did not hold and are not shown"
    return f"summaries are a model's own words from {written.words_read:,} words; {rejected}"
