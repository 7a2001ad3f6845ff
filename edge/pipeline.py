"""The pipeline: a transcript in, a digest out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edge.extraction.entities import list_entities, short_names
from edge.extraction.episode import EpisodeAnalysis, all_mentions, read_episode
from edge.extraction.excerpts import (
    NO_EXCERPTS,
    Excerpts,
    choose_excerpts,
    describe_chapters,
    find_excluded,
)
from edge.extraction.keyphrases import rank_keyphrases
from edge.options import DigestOptions, Observer
from edge.records import (
    Chapter,
    Coverage,
    Digest,
    DomainWarning,
    Keyphrase,
    ModelUse,
    NamedEntity,
    Sentence,
    Transcript,
    Written,
)
from edge.runtime.encoder import Encoder, LoadingEncoder
from edge.runtime.providers import PROVIDERS
from edge.stages import stage, stopwatch
from edge.transcript.cold_open import find_cold_open
from edge.transcript.language import find_warnings
from edge.transcript.sentences import is_annotation, rebuild_sentences

if TYPE_CHECKING:  # what writes is loaded only where it is asked
    from edge.abstractive.drafts import Summarizer
    from edge.abstractive.summarize import WrittenChapter

DEFAULT_OPTIONS = DigestOptions()
SILENT = Observer()
UNTITLED = "Untitled episode"
N_KEYPHRASES = 15


@dataclass(frozen=True)
class _Episode:
    """An episode that was read, and what it was read with."""

    transcript: Transcript
    sentences: Sequence[Sentence]
    is_cold_open: Sequence[bool]
    """For each sentence."""
    analysis: EpisodeAnalysis
    encoder: Encoder


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
        with stage("check"):
            warnings = find_warnings(transcript) if warnings is None else warnings
        episode = _read(transcript, encoder, options, summarizer, observer)
        with stage("rank"):
            excerpts = _excerpts(episode, options, summarizer is not None)
        with stage("chapters"):
            chapters = _chapters(episode, excerpts) if _needs_chapters(options, summarizer) else []
        written = None
        if summarizer is not None and chapters and "summary" in options.parts:
            with stage("write"):
                chapters, written = _write(episode, chapters, summarizer, options, observer)
        with stage("keyphrases"):
            keyphrases, entities = _keyphrases(episode, options)
        return Digest(
            transcript=transcript,
            title=transcript.title or UNTITLED,
            source_path=transcript.source_path,
            models=_models(episode.encoder, summarizer),
            introduction=excerpts.introduction,
            summary_sentences=excerpts.summary,
            quotes=excerpts.quotes,
            questions=excerpts.questions,
            keyphrases=tuple(keyphrases),
            chapters=tuple(chapters) if "chapters" in options.parts else (),
            coverage=_coverage(episode),
            warnings=warnings,
            timings_s=watch.seconds(),
            written=written,
            entities=entities,
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
        is_cold_open = find_cold_open(sentences)
        is_candidate = [
            not (is_cold or is_annotation(sentence.text))
            for is_cold, sentence in zip(is_cold_open, sentences, strict=True)
        ]
    analysis = read_episode(
        sentences,
        is_candidate,
        encoder,
        titles=_needs_chapters(options, summarizer),
        keep_vectors=summarizer is not None,
        progress=observer.on_progress,
    )
    return _Episode(transcript, sentences, is_cold_open, analysis, encoder.ready())


def _needs_chapters(options: DigestOptions, summarizer: Summarizer | None) -> bool:
    """A model tells an episode by its chapters, also where those are not shown."""
    return "chapters" in options.parts or summarizer is not None


def _coverage(episode: _Episode) -> Coverage:
    return Coverage(
        words_read=sum(sentence.n_words for sentence in episode.sentences),
        words_total=episode.transcript.n_words,
        segments_skipped=tuple(sorted(episode.transcript.repeated)),
        excluded=tuple(
            find_excluded(episode.sentences, episode.is_cold_open, episode.analysis.is_advert)
        ),
    )


def _excerpts(episode: _Episode, options: DigestOptions, has_writer: bool) -> Excerpts:
    """What is shown word for word; of chapters alone, only their key points."""
    if options.parts.isdisjoint(("summary", "chapters")):
        return NO_EXCERPTS
    shows_summary = "summary" in options.parts and not has_writer
    excerpts = choose_excerpts(
        episode.sentences,
        episode.analysis,
        episode.encoder,
        options.words,
        shows_summary=shows_summary,
    )
    return excerpts if "summary" in options.parts else Excerpts(key_points=excerpts.key_points)


def _chapters(episode: _Episode, excerpts: Excerpts) -> list[Chapter]:
    return describe_chapters(
        episode.transcript, episode.sentences, episode.analysis, excerpts.key_points
    )


def _write(
    episode: _Episode,
    extracted: Sequence[Chapter],
    summarizer: Summarizer,
    options: DigestOptions,
    observer: Observer,
) -> tuple[list[Chapter], Written]:
    """Chapters with what a model wrote of them, and the episode's summary."""
    from edge.abstractive.context import EpisodeContext
    from edge.abstractive.summarize import tell_chapter, write_chapters, write_episode

    analysis = episode.analysis
    # Kept for this.
    assert analysis.sentences is not None and analysis.vectors is not None
    assert analysis.judgements is not None
    context = EpisodeContext(analysis.sentences, analysis.vectors, analysis.judgements)

    def on_chapter(draft: WrittenChapter) -> None:
        observer.on_chapter(tell_chapter(extracted[draft.index], draft))

    drafts = write_chapters(context, analysis.spans, summarizer, on_chapter)
    summary = write_episode(context, drafts, options.words)
    written = Written(
        sentences=tuple(summary),
        n_rejected=sum(draft.n_rejected for draft in drafts),
        words_read=sum(draft.n_words_read for draft in drafts),
    )
    pairs = zip(extracted, drafts, strict=True)
    return [tell_chapter(chapter, draft, summary) for chapter, draft in pairs], written


def _keyphrases(
    episode: _Episode, options: DigestOptions
) -> tuple[list[Keyphrase], tuple[NamedEntity, ...]]:
    """What the episode is about, and whom and what it names."""
    analysis, encoder = episode.analysis, episode.encoder
    if "keyphrases" not in options.parts or analysis.centre is None or analysis.judgements is None:
        return [], ()
    entities = list_entities(analysis.names, episode.sentences, encoder)
    mentions = partial(
        all_mentions,
        sentences=episode.sentences,
        is_candidate=analysis.judgements.is_candidate.tolist(),
        encoder=encoder,
    )
    # "Ann" beside "Ann Lee" names no subject.
    speakers = {sentence.speaker for sentence in episode.sentences if sentence.speaker}
    short = short_names(entities, speakers)
    keyphrases = rank_keyphrases(
        {key: phrase for key, phrase in analysis.phrases.items() if key not in short},
        episode.sentences,
        analysis.centre,
        encoder,
        N_KEYPHRASES,
        mentions if analysis.n_parts > 1 else None,
    )
    return keyphrases, entities


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
