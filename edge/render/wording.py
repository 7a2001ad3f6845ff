"""What the formats for people say in the same words: headings, facts, warnings, times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.records import Chapter, Digest, DomainWarning, ExtractedSentence, Written, written_text

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


def chapter_text(chapter: Chapter) -> str:
    """What is shown under a chapter's title: what was written of it, or its most salient sentence.

    :param chapter: Of a digest.
    """
    return written_text(chapter.summary) or chapter.gist


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


def iter_sentence_lists(digest: Digest) -> Iterator[tuple[str, Sequence[ExtractedSentence]]]:
    """Headings and their sentences, those lists left out that are empty.

    :param digest: The digest.
    """
    lists = {
        "Key points": digest.key_points,
        "Quotes": digest.quotes,
        "Questions asked": digest.questions,
    }
    return ((heading, sentences) for heading, sentences in lists.items() if sentences)


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
