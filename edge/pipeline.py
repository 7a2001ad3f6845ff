"""The pipeline: a transcript in, a digest out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from edge.english.fillers import without_lead
from edge.extraction import keyphrases, selection
from edge.extraction.episode import EpisodeAnalysis, all_mentions, read_episode
from edge.records import (
    ALL_PARTS,
    Chapter,
    Coverage,
    Digest,
    DomainWarning,
    Keyphrase,
    ModelUse,
    Sentence,
    Transcript,
    Written,
)
from edge.runtime.encoder import Encoder, LoadingEncoder, Progress
from edge.runtime.providers import PROVIDERS
from edge.stages import stage, stopwatch
from edge.transcript import boilerplate
from edge.transcript.language import find_warnings
from edge.transcript.sentences import is_annotation, rebuild_sentences

if TYPE_CHECKING:  # what writes is loaded only where it is asked
    from edge.abstractive.drafts import Summarizer
    from edge.abstractive.passages import EpisodeContext
    from edge.abstractive.summarize import WrittenChapter

DEFAULT_SUMMARY_WORDS = 120
N_KEYPHRASES = 15
MAX_CONTENDERS = 1024
"""Of an episode of several parts, so many sentences are compared with each other."""


def digest_transcript(
    transcript: Transcript,
    encoder: Encoder | LoadingEncoder,
    *,
    source_path: str,
    fallback_title: str,
    summary_words: int = DEFAULT_SUMMARY_WORDS,
    parts: frozenset[str] = ALL_PARTS,
    progress: Progress | None = None,
    writer: Summarizer | None = None,
    summary_reason: str = "",
    told: Callable[[Chapter], None] = lambda chapter: None,
    warnings: tuple[DomainWarning, ...] | None = None,
) -> Digest:
    """Digest one episode. The same input and bundles give the same digest, on any threads.

    :param transcript: A repaired transcript.
    :param encoder: The sentence encoder; one that still loads is waited for when it is needed.
    :param source_path: Where the transcript came from, for the record.
    :param fallback_title: Title where the transcript names none.
    :param summary_words: Word budget of the summary; at least one sentence is given.
    :param parts: Which of ``summary``, ``keyphrases`` and ``chapters`` to make.
    :param progress: Told of the encoder's progress.
    :param writer: Tells the chapters and the episode in sentences of its own; None for a
        summary of the transcript's sentences.
    :param summary_reason: Why there is no writer, where that was left to the program.
    :param told: Told of each chapter that the writer is done with.
    :param warnings: As ``edge.transcript.language.find_warnings`` gives them, where they are known.
    :raises BundleError: If the bundle has no heads.
    :raises InferenceError: If the model fails.
    """
    with stopwatch() as watch:
        if warnings is None:
            with stage("check"):
                warnings = find_warnings(transcript)
        with stage("sentences"):
            sentences = rebuild_sentences(transcript)
            reasons = boilerplate.find_boilerplate(sentences)
            is_candidate = [
                reason is None and not is_annotation(sentence.text)
                for reason, sentence in zip(reasons, sentences, strict=True)
            ]
        reading = read_episode(
            sentences,
            is_candidate,
            encoder,
            titles="chapters" in parts,
            keep_vectors=writer is not None,
            progress=progress,
        )
        model = encoder.ready()
        with stage("rank"):
            shown = _choose(sentences, reading, model, summary_words, parts)
        with stage("chapters"):
            found_chapters = _chapters(transcript, sentences, reading, parts)
        written = None
        if writer is not None and found_chapters and "summary" in parts:
            from edge.abstractive.passages import EpisodeContext

            assert reading.sentences is not None and reading.vectors is not None  # asked for above
            material = EpisodeContext(
                reading.sentences,
                [sentence.shown_text for sentence in reading.sentences],
                is_candidate,
                reading.vectors,
                reading.ranked.salience,
                reading.ranked,
            )
            with stage("write"):
                found_chapters, written = _write(
                    material, reading.spans, found_chapters, writer, summary_words, told
                )
        with stage("keyphrases"):
            found_phrases = _keyphrases(sentences, is_candidate, reading, model, parts)
        used = [(model.bundle, model.placement)]
        if writer is not None:
            used.append((writer.generator.bundle, writer.generator.placement))
        return Digest(
            transcript=transcript,
            title=transcript.title or fallback_title,
            source_path=source_path,
            models=tuple(
                ModelUse(
                    bundle.manifest.name,
                    bundle.manifest.precision,
                    bundle.sha256,
                    placement.execution_provider,
                    PROVIDERS.get(placement.asked, placement.asked),
                )
                for bundle, placement in used
            ),
            **{
                name: tuple(
                    selection.to_extracted_sentence(
                        sentences[i], float(reading.ranked.probability[i])
                    )
                    for i in chosen
                )
                for name, chosen in shown.items()
            },
            keyphrases=tuple(found_phrases),
            chapters=tuple(found_chapters),
            coverage=Coverage(
                words_read=sum(sentence.n_words for sentence in sentences),
                words_total=transcript.n_words,
                segments_skipped=tuple(sorted(transcript.repeated)),
                excluded=tuple(boilerplate.to_excluded(sentences, reasons)),
            ),
            warnings=warnings,
            timings_s=watch.seconds(),
            written=written,
            summary_reason=summary_reason,
        )


def _write(
    material: EpisodeContext,
    spans: Sequence[tuple[int, int]],
    found: Sequence[Chapter],
    writer: Summarizer,
    summary_words: int,
    told: Callable[[Chapter], None],
) -> tuple[list[Chapter], Written]:
    """Chapters with what a model wrote of them, and the episode's summary."""
    from edge.abstractive.summarize import write_chapters, write_episode

    chapters = list(found)

    def tell(own: WrittenChapter) -> None:
        chapter = chapters[own.place]
        chapters[own.place] = replace(
            chapter, title=own.title or chapter.title, summary=own.sentences
        )
        told(chapters[own.place])

    drafts = write_chapters(material, spans, writer, tell)
    summary = write_episode(material, drafts, summary_words)
    written = Written(
        sentences=tuple(summary),
        n_rejected=sum(draft.n_rejected for draft in drafts),
        words_read=sum(draft.n_words_read for draft in drafts),
    )
    return chapters, written


def _choose(
    sentences: Sequence[Sentence],
    reading: EpisodeAnalysis,
    encoder: Encoder,
    summary_words: int,
    parts: frozenset[str],
) -> dict[str, list[int]]:
    """Which sentences are shown, by the field of the digest that shows them."""
    if "summary" not in parts or not sentences:
        return {name: [] for name in ("summary", "key_points", "quotes", "questions")}
    ranked, vectors = reading.ranked, reading.vectors
    indices: Sequence[int] = range(len(sentences))
    if vectors is None:
        # Of a long episode, whose vectors were not kept, the best are embedded once more.
        indices = selection.contenders(ranked, MAX_CONTENDERS)
        ranked = ranked.among(indices)
        vectors = encoder.encode([sentences[i].text for i in indices])
    n_words = sum(sentences[i].n_words for i in indices)
    spans = [(bisect_left(indices, a), bisect_left(indices, b)) for a, b in reading.spans]
    points = selection.choose_key_points(ranked, vectors, spans, n_words)
    chosen = {
        "summary": selection.choose_summary(ranked, vectors, summary_words),
        "key_points": points,
        "quotes": selection.choose_quotes(ranked, vectors, points, n_words),
    }
    n_words = sum(sentence.n_words for sentence in sentences)
    asked = selection.choose_questions(reading.ranked, n_words)
    shown = {name: [indices[i] for i in found] for name, found in chosen.items()}
    return shown | {"questions": asked}


def _keyphrases(
    sentences: Sequence[Sentence],
    is_candidate: Sequence[bool],
    reading: EpisodeAnalysis,
    encoder: Encoder,
    parts: frozenset[str],
) -> list[Keyphrase]:
    if "keyphrases" not in parts or reading.centre is None:
        return []
    find_all = partial(
        all_mentions, sentences=sentences, is_candidate=is_candidate, encoder=encoder
    )
    return keyphrases.rank_keyphrases(
        reading.phrases,
        sentences,
        reading.centre,
        encoder,
        N_KEYPHRASES,
        find_all if reading.n_parts > 1 else None,
    )


def _chapters(
    transcript: Transcript,
    sentences: Sequence[Sentence],
    reading: EpisodeAnalysis,
    parts: frozenset[str],
) -> list[Chapter]:
    """Chapters whose segments tile the transcript, repeated segments included."""
    if "chapters" not in parts:
        return []
    starts = [0, *(sentences[first].first_segment for first, _ in reading.spans[1:])]
    ends = [*(start - 1 for start in starts[1:]), len(transcript.segments) - 1]
    found = []
    for k, (span, title) in enumerate(zip(reading.spans, reading.titles, strict=True)):
        best = selection.best_in(span, reading.ranked)
        gist = "" if best is None else without_lead(sentences[best].text)
        found.append(
            Chapter(
                title=title or (f"Part {k + 1}" if gist else "Adverts and notices"),
                gist=gist,
                first_segment=starts[k],
                last_segment=ends[k],
                start_s=transcript.segments[starts[k]].start_s,
                end_s=_end_s(transcript, starts[k], ends[k]),
            )
        )
    return found


def _end_s(transcript: Transcript, first: int, last: int) -> float | None:
    times = [
        time
        for segment in transcript.segments[first : last + 1]
        for time in (segment.start_s, segment.end_s)
        if time is not None
    ]
    return max(times, default=None)
