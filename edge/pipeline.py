"""The pipeline: a transcript in, a digest out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from edge.english.fillers import ShownTexts
from edge.extraction import keyphrases, quotes, selection
from edge.extraction.episode import EpisodeAnalysis, all_mentions, read_episode
from edge.options import DigestOptions, Observer
from edge.records import (
    Chapter,
    Coverage,
    Digest,
    DomainWarning,
    ExtractedSentence,
    Keyphrase,
    ModelUse,
    Sentence,
    Transcript,
    Written,
)
from edge.runtime.encoder import Encoder, LoadingEncoder
from edge.runtime.providers import PROVIDERS
from edge.stages import stage, stopwatch
from edge.transcript import boilerplate
from edge.transcript.language import find_warnings
from edge.transcript.sentences import is_annotation, rebuild_sentences

if TYPE_CHECKING:  # what writes is loaded only where it is asked
    from edge.abstractive.context import EpisodeContext
    from edge.abstractive.drafts import Summarizer
    from edge.abstractive.summarize import WrittenChapter

DEFAULT_OPTIONS = DigestOptions()
SILENT = Observer()
UNTITLED = "Untitled episode"
N_KEYPHRASES = 15
MAX_CONTENDERS = 1024
"""Of an episode of several parts, so many sentences are compared with each other."""


def digest_transcript(
    transcript: Transcript,
    encoder: Encoder | LoadingEncoder,
    options: DigestOptions = DEFAULT_OPTIONS,
    *,
    summarizer: Summarizer | None = None,
    observer: Observer = SILENT,
    warnings: tuple[DomainWarning, ...] | None = None,
) -> Digest:
    """Digest one episode. The same input and bundles give the same digest, on any threads.

    :param transcript: A repaired transcript.
    :param encoder: The sentence encoder; one that still loads is waited for when it is needed.
    :param options: What the digest is to hold; ``kind`` is who writes, and so ``summarizer``.
    :param summarizer: Tells the chapters and the episode in sentences of its own; None for a
        summary of the transcript's sentences.
    :param observer: Who is told how far it is.
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
            usable = [
                reason is None and not is_annotation(sentence.text)
                for reason, sentence in zip(reasons, sentences, strict=True)
            ]
            texts = ShownTexts(sentences)
        reading = read_episode(
            sentences,
            texts,
            usable,
            encoder,
            titles="chapters" in options.parts,
            keep_vectors=summarizer is not None,
            progress=observer.on_progress,
        )
        model = encoder.ready()
        with stage("rank"):
            ranked = selection.rank_sentences(sentences, texts, usable, reading.salience)
            shown = _choose(sentences, usable, ranked, reading, model, options.words, options.parts)
        with stage("chapters"):
            found_chapters = _chapters(
                transcript, sentences, usable, ranked, reading, options.parts
            )
        written = None
        if summarizer is not None and found_chapters and "summary" in options.parts:
            from edge.abstractive.context import EpisodeContext

            assert reading.vectors is not None  # asked for above
            material = EpisodeContext(
                sentences, texts, usable, reading.vectors, reading.salience, ranked
            )
            with stage("write"):
                found_chapters, written = _write(
                    material,
                    reading.spans,
                    found_chapters,
                    summarizer,
                    options.words,
                    observer.on_chapter,
                )
        with stage("keyphrases"):
            found_phrases = _keyphrases(sentences, usable, reading, model, options.parts)
        used = [(model.bundle, model.placement)]
        if summarizer is not None:
            used.append((summarizer.generator.bundle, summarizer.generator.placement))

        def sentences_at(indices: Sequence[int]) -> tuple[ExtractedSentence, ...]:
            return tuple(
                selection.to_extracted_sentence(sentences[i], texts[i], float(ranked.carried[i]))
                for i in indices
            )

        return Digest(
            transcript=transcript,
            title=transcript.title or UNTITLED,
            source_path=transcript.source_path,
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
            summary_sentences=sentences_at(shown["summary"]),
            key_points=sentences_at(shown["key_points"]),
            quotes=sentences_at(shown["quotes"]),
            questions=sentences_at(shown["questions"]),
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
        )


def _write(
    material: EpisodeContext,
    spans: Sequence[tuple[int, int]],
    found: Sequence[Chapter],
    summarizer: Summarizer,
    summary_words: int,
    told: Callable[[Chapter], None],
) -> tuple[list[Chapter], Written]:
    """Chapters with what a model wrote of them, and the episode's summary."""
    from edge.abstractive.summarize import write_chapters, write_episode

    chapters = list(found)

    def tell(written: WrittenChapter) -> None:
        chapter = chapters[written.index]
        chapters[written.index] = replace(
            chapter, title=written.title or chapter.title, summary=written.sentences
        )
        told(chapters[written.index])

    drafts = write_chapters(material, spans, summarizer, tell)
    summary = write_episode(material, drafts, summary_words)
    written = Written(
        sentences=tuple(summary),
        n_rejected=sum(draft.n_rejected for draft in drafts),
        words_read=sum(draft.n_words_read for draft in drafts),
    )
    return chapters, written


def _choose(
    sentences: Sequence[Sentence],
    usable: Sequence[bool],
    ranked: selection.Ranked,
    reading: EpisodeAnalysis,
    encoder: Encoder,
    summary_words: int,
    parts: frozenset[str],
) -> dict[str, list[int]]:
    """Which sentences are shown, by the field of the digest that shows them."""
    if "summary" not in parts or not sentences:
        return {name: [] for name in ("summary", "key_points", "quotes", "questions")}
    # Of a long episode, whose vectors were not kept, the best are embedded once more.
    some = None if reading.vectors is not None else selection.contenders(ranked, MAX_CONTENDERS)
    places = range(len(sentences)) if some is None else some
    own = [sentences[i] for i in places]
    vectors = reading.vectors
    if vectors is None:
        vectors = encoder.encode([sentence.text for sentence in own])
    ranked_own = ranked if some is None else ranked.among(some)
    spans = [(bisect_left(places, a), bisect_left(places, b)) for a, b in reading.spans]
    points = selection.choose_key_points(own, ranked_own, vectors, spans)
    chosen = {
        "summary": selection.choose_summary(ranked_own, vectors, summary_words),
        "key_points": points,
        "quotes": quotes.choose_quotes(own, ranked_own, vectors, points),
    }
    asked = quotes.choose_questions(sentences, ranked.texts, usable, reading.salience)
    return {name: [places[i] for i in own] for name, own in chosen.items()} | {"questions": asked}


def _keyphrases(
    sentences: Sequence[Sentence],
    usable: Sequence[bool],
    reading: EpisodeAnalysis,
    encoder: Encoder,
    parts: frozenset[str],
) -> list[Keyphrase]:
    if "keyphrases" not in parts or reading.centre is None:
        return []
    find_all = partial(all_mentions, sentences=sentences, usable=usable, encoder=encoder)
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
    usable: Sequence[bool],
    ranked: selection.Ranked,
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
        best = selection.best_in(span, ranked, usable)
        gist = "" if best is None else ranked.texts[best]
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
