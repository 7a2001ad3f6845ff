"""The pipeline: a transcript in, a digest out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from edge.english.fillers import without_lead
from edge.extraction import selection
from edge.extraction.episode import EpisodeAnalysis, all_mentions, read_episode
from edge.extraction.keyphrases import rank_keyphrases
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
from edge.transcript.boilerplate import find_boilerplate, to_excluded
from edge.transcript.language import find_warnings
from edge.transcript.sentences import is_annotation, rebuild_sentences

if TYPE_CHECKING:  # what writes is loaded only where it is asked
    from edge.abstractive.drafts import Summarizer
    from edge.abstractive.summarize import WrittenChapter

DEFAULT_OPTIONS = DigestOptions()
SILENT = Observer()
UNTITLED = "Untitled episode"
N_KEYPHRASES = 15
MAX_CONTENDERS = 1024
"""Of an episode of several parts, so many sentences are compared with each other."""


@dataclass(frozen=True)
class _Episode:
    """An episode that was read, and what it was read with."""

    transcript: Transcript
    sentences: Sequence[Sentence]
    exclusion_reasons: Sequence[str | None]
    """For each sentence, why it is kept out of the digest, or None."""
    is_candidate: Sequence[bool]
    """For each sentence, whether it may be shown at all."""
    analysis: EpisodeAnalysis
    encoder: Encoder


@dataclass(frozen=True)
class _Extracted:
    """The digest's lists of sentences."""

    summary: tuple[ExtractedSentence, ...] = ()
    key_points: tuple[ExtractedSentence, ...] = ()
    quotes: tuple[ExtractedSentence, ...] = ()
    questions: tuple[ExtractedSentence, ...] = ()


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
    :param options: What the digest is to hold.
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
        episode = _read(transcript, encoder, options, summarizer, observer)
        with stage("rank"):
            extracted = _extract(episode, options)
        with stage("chapters"):
            chapters = _chapters(episode) if _needs_chapters(options, summarizer) else []
        written = None
        if summarizer is not None and chapters and "summary" in options.parts:
            with stage("write"):
                chapters, written = _write(episode, chapters, summarizer, options, observer)
        with stage("keyphrases"):
            keyphrases = _keyphrases(episode) if "keyphrases" in options.parts else []
        return Digest(
            transcript=transcript,
            title=transcript.title or UNTITLED,
            source_path=transcript.source_path,
            models=_models(episode.encoder, summarizer),
            summary_sentences=extracted.summary,
            key_points=extracted.key_points,
            quotes=extracted.quotes,
            questions=extracted.questions,
            keyphrases=tuple(keyphrases),
            chapters=tuple(chapters) if "chapters" in options.parts else (),
            coverage=_coverage(episode),
            warnings=warnings,
            timings_s=watch.seconds(),
            written=written,
        )


def _read(
    transcript: Transcript,
    encoder: Encoder | LoadingEncoder,
    options: DigestOptions,
    summarizer: Summarizer | None,
    observer: Observer,
) -> _Episode:
    """Sentences, which of them may be shown, and what was found in them."""
    with stage("sentences"):
        sentences = rebuild_sentences(transcript)
        reasons = find_boilerplate(sentences)
        is_candidate = [
            reason is None and not is_annotation(sentence.text)
            for reason, sentence in zip(reasons, sentences, strict=True)
        ]
    analysis = read_episode(
        sentences,
        is_candidate,
        encoder,
        titles=_needs_chapters(options, summarizer),
        keep_vectors=summarizer is not None,
        progress=observer.on_progress,
    )
    return _Episode(transcript, sentences, reasons, is_candidate, analysis, encoder.ready())


def _needs_chapters(options: DigestOptions, summarizer: Summarizer | None) -> bool:
    """A model tells an episode by its chapters, also where those are not shown."""
    return "chapters" in options.parts or summarizer is not None


def _coverage(episode: _Episode) -> Coverage:
    return Coverage(
        words_read=sum(sentence.n_words for sentence in episode.sentences),
        words_total=episode.transcript.n_words,
        segments_skipped=tuple(sorted(episode.transcript.repeated)),
        excluded=tuple(to_excluded(episode.sentences, episode.exclusion_reasons)),
    )


def _extract(episode: _Episode, options: DigestOptions) -> _Extracted:
    """Which sentences are shown, and where."""
    sentences, ranked = episode.sentences, episode.analysis.ranked
    if "summary" not in options.parts or not sentences:
        return _Extracted()
    vectors = episode.analysis.vectors
    indices: Sequence[int] = range(len(sentences))
    among = ranked
    if vectors is None:
        # Of a long episode, whose vectors were not kept, the best are embedded once more.
        indices = selection.contenders(ranked, MAX_CONTENDERS)
        among = ranked.among(indices)
        vectors = episode.encoder.encode([sentences[i].text for i in indices])
    n_words = sum(sentences[i].n_words for i in indices)
    spans = [(bisect_left(indices, a), bisect_left(indices, b)) for a, b in episode.analysis.spans]

    def extracted(chosen: Sequence[int]) -> tuple[ExtractedSentence, ...]:
        return tuple(
            selection.to_extracted_sentence(sentences[i], float(ranked.probability[i]))
            for i in chosen
        )

    def extracted_among(chosen: Sequence[int]) -> tuple[ExtractedSentence, ...]:
        return extracted([indices[k] for k in chosen])

    key_points = selection.choose_key_points(among, vectors, spans, n_words)
    quotes = selection.choose_quotes(among, vectors, key_points, n_words)
    n_words_in_all = sum(sentence.n_words for sentence in sentences)
    return _Extracted(
        summary=extracted_among(selection.choose_summary(among, vectors, options.words)),
        key_points=extracted_among(key_points),
        quotes=extracted_among(quotes),
        questions=extracted(selection.choose_questions(ranked, n_words_in_all)),
    )


def _chapters(episode: _Episode) -> list[Chapter]:
    """Chapters whose segments tile the transcript, repeated segments included."""
    segments, analysis = episode.transcript.segments, episode.analysis
    starts = [0, *(episode.sentences[first].first_segment for first, _ in analysis.spans[1:])]
    ends = [*(start - 1 for start in starts[1:]), len(segments) - 1]
    chapters = []
    for k, (span, title) in enumerate(zip(analysis.spans, analysis.titles, strict=True)):
        best = selection.best_in(span, analysis.ranked)
        gist = "" if best is None else without_lead(episode.sentences[best].text)
        chapters.append(
            Chapter(
                title=title or (f"Part {k + 1}" if gist else "Adverts and notices"),
                gist=gist,
                first_segment=starts[k],
                last_segment=ends[k],
                start_s=segments[starts[k]].start_s,
                end_s=_end_s(episode.transcript, starts[k], ends[k]),
            )
        )
    return chapters


def _end_s(transcript: Transcript, first: int, last: int) -> float | None:
    times = [
        time
        for segment in transcript.segments[first : last + 1]
        for time in (segment.start_s, segment.end_s)
        if time is not None
    ]
    return max(times, default=None)


def _write(
    episode: _Episode,
    extracted: Sequence[Chapter],
    summarizer: Summarizer,
    options: DigestOptions,
    observer: Observer,
) -> tuple[list[Chapter], Written]:
    """Chapters with what a model wrote of them, and the episode's summary."""
    from edge.abstractive.context import EpisodeContext
    from edge.abstractive.summarize import write_chapters, write_episode

    analysis = episode.analysis
    assert analysis.sentences is not None and analysis.vectors is not None  # kept for this
    context = EpisodeContext(analysis.sentences, analysis.vectors, analysis.ranked)
    chapters = list(extracted)

    def on_chapter(written: WrittenChapter) -> None:
        chapter = chapters[written.index]
        title = written.title or chapter.title
        chapters[written.index] = replace(chapter, title=title, summary=written.sentences)
        observer.on_chapter(chapters[written.index])

    drafts = write_chapters(context, analysis.spans, summarizer, on_chapter)
    summary = write_episode(context, drafts, options.words)
    return chapters, Written(
        sentences=tuple(summary),
        n_rejected=sum(draft.n_rejected for draft in drafts),
        words_read=sum(draft.n_words_read for draft in drafts),
    )


def _keyphrases(episode: _Episode) -> list[Keyphrase]:
    analysis, encoder = episode.analysis, episode.encoder
    if analysis.centre is None:
        return []
    mentions = partial(
        all_mentions,
        sentences=episode.sentences,
        is_candidate=episode.is_candidate,
        encoder=encoder,
    )
    return rank_keyphrases(
        analysis.phrases,
        episode.sentences,
        analysis.centre,
        encoder,
        N_KEYPHRASES,
        mentions if analysis.n_parts > 1 else None,
    )


def _models(encoder: Encoder, summarizer: Summarizer | None) -> tuple[ModelUse, ...]:
    loaded = [(encoder.bundle, encoder.placement)]
    if summarizer is not None:
        loaded.append((summarizer.generator.bundle, summarizer.generator.placement))
    return tuple(
        ModelUse(
            bundle.manifest.name,
            bundle.manifest.precision,
            bundle.sha256,
            placement.execution_provider,
            PROVIDERS.get(placement.asked, placement.asked),
        )
        for bundle, placement in loaded
    )
