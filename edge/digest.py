"""The pipeline: a transcript in, a digest out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edge import boilerplate, chapters, keyphrases, keypoints, quotes
from edge.boundaries import find_boundaries
from edge.domain import find_warnings
from edge.encoder import Encoder, Progress
from edge.heads import require_heads
from edge.phrases import find_phrases
from edge.records import (
    Chapter,
    DomainWarning,
    Excluded,
    Keyphrase,
    KeyPoint,
    Sentence,
    Transcript,
    WrittenSentence,
)
from edge.salience import predict_salience
from edge.sentences import is_annotation, rebuild_sentences
from edge.stages import stage, stopwatch
from edge.tagger import tag_sentences

if TYPE_CHECKING:  # what writes is loaded only where it is asked
    from edge.abstractive import WrittenChapter
    from edge.passages import Material
    from edge.writer import Writer

FloatArray = npt.NDArray[np.float32]
DEFAULT_SUMMARY_WORDS = 120
N_KEYPHRASES = 15
ALL_PARTS = frozenset({"summary", "keyphrases", "chapters"})


@dataclass(frozen=True)
class ModelUse:
    """Which model made a digest, and how it ran."""

    name: str
    precision: str
    bundle_sha256: str
    execution_provider: str


@dataclass(frozen=True)
class Coverage:
    """What of the input was read."""

    words_read: int
    words_total: int
    segments_skipped: tuple[int, ...]
    """Segments whose words were not read: repeats from a recogniser's loop."""
    excluded: tuple[Excluded, ...]
    """Read, but kept out of the digest: adverts and cold opens."""

    @property
    def truncated(self) -> bool:
        """Whether any word was not read."""
        return self.words_read < self.words_total


@dataclass(frozen=True)
class Digest:
    """Everything found in one episode. ``edge.render`` knows its JSON shape."""

    transcript: Transcript
    title: str
    source_path: str
    models: tuple[ModelUse, ...]
    summary: tuple[KeyPoint, ...]
    key_points: tuple[KeyPoint, ...]
    quotes: tuple[KeyPoint, ...]
    """Sentences of 15 to 45 words worth repeating; none is a key point too."""
    questions: tuple[KeyPoint, ...]
    keyphrases: tuple[Keyphrase, ...]
    chapters: tuple[Chapter, ...]
    coverage: Coverage
    warnings: tuple[DomainWarning, ...]
    """Signs that this is not the English speech the models know."""
    timings_s: dict[str, float]
    """Stage -> seconds."""
    written: Written | None = None
    """The summary in a model's own sentences, where one was asked."""
    summary_reason: str = ""
    """Why the summary is of the transcript's own sentences, where that was left to the program."""


@dataclass(frozen=True)
class Written:
    """What a model wrote of an episode, and what became of it."""

    sentences: tuple[WrittenSentence, ...]
    n_rejected: int
    """Sentences of the chapters' first writing that did not hold and are not shown."""
    words_read: int
    """Of the transcript, by the model: sentences with content, of long chapters the most
    salient."""


def digest_transcript(
    transcript: Transcript,
    encoder: Encoder,
    *,
    source_path: str,
    fallback_title: str,
    summary_words: int = DEFAULT_SUMMARY_WORDS,
    parts: frozenset[str] = ALL_PARTS,
    progress: Progress | None = None,
    writer: Writer | None = None,
    summary_reason: str = "",
    told: Callable[[Chapter], None] = lambda chapter: None,
) -> Digest:
    """Digest one episode. The same input, bundles and thread count give the same digest.

    :param transcript: A repaired transcript.
    :param encoder: The sentence encoder.
    :param source_path: Where the transcript came from, for the record.
    :param fallback_title: Title where the transcript names none.
    :param summary_words: Word budget of the summary; at least one sentence is given.
    :param parts: Which of ``summary``, ``keyphrases`` and ``chapters`` to make.
    :param progress: Told of the encoder's progress.
    :param writer: Tells the chapters and the episode in sentences of its own; None for a
        summary of the transcript's sentences.
    :param summary_reason: Why there is no writer, where that was left to the program.
    :param told: Told of each chapter that the writer is done with.
    :raises BundleError: If the bundle has no heads.
    :raises InferenceError: If the model fails.
    """
    require_heads(encoder.bundle)
    with stopwatch() as watch:
        with stage("check"):
            warnings = find_warnings(transcript)
        with stage("sentences"):
            sentences = rebuild_sentences(transcript)
            reasons = boilerplate.find_boilerplate(sentences)
            usable = [
                reason is None and not is_annotation(sentence.text)
                for reason, sentence in zip(reasons, sentences, strict=True)
            ]
        vectors = encoder.encode([sentence.text for sentence in sentences], progress)
        with stage("chapters"):
            kept = np.flatnonzero(usable)  # an advert is no change of subject
            found = find_boundaries([sentences[i] for i in kept], vectors[kept], encoder.heads)
            spans = list(itertools.pairwise([0, *kept[found].tolist(), len(sentences)]))
        with stage("tag"):
            tags = tag_sentences(sentences, encoder.heads["tagger"])
        found_phrases: list[Keyphrase] = []
        found_chapters: list[Chapter] = []
        shown: dict[str, list[int]] = {
            "summary": [],
            "key_points": [],
            "quotes": [],
            "questions": [],
        }
        with stage("rank"):
            texts = [keypoints.without_lead(sentence.text) for sentence in sentences]
            salience = predict_salience(sentences, texts, vectors, encoder.heads, encoder.rarity)
            ranked = keypoints.rank_sentences(sentences, texts, usable, salience)
            if "summary" in parts:
                points = keypoints.choose_key_points(sentences, ranked, vectors, spans)
                shown = {
                    "key_points": points,
                    "summary": keypoints.choose_summary(ranked, vectors, summary_words),
                    "quotes": quotes.choose_quotes(sentences, ranked, vectors, points),
                    "questions": quotes.choose_questions(sentences, texts, usable, salience),
                }
        if "chapters" in parts:
            with stage("chapters"):
                titles = chapters.title_chapters(spans, sentences, usable, tags, vectors, encoder)
                gists = [
                    "" if i is None else ranked.texts[i]
                    for i in (keypoints.best_in(span, ranked, usable) for span in spans)
                ]
                found_chapters = _chapters(transcript, sentences, spans, titles, gists)
        written = None
        if writer is not None and found_chapters and "summary" in parts:
            from edge.passages import Material

            with stage("write"):
                material = Material(sentences, texts, usable, vectors, salience, ranked)
                found_chapters, written = _write(
                    material, spans, found_chapters, writer, summary_words, told
                )
        if "keyphrases" in parts:
            with stage("keyphrases"):
                candidates = find_phrases(sentences, usable, tags)
                found_phrases = keyphrases.rank_keyphrases(
                    candidates, sentences, vectors, encoder, N_KEYPHRASES
                )
        bundles = [(encoder.bundle, encoder.execution_provider)]
        if writer is not None:
            bundles.append((writer.generator.bundle, encoder.execution_provider))
        return Digest(
            transcript=transcript,
            title=transcript.title or fallback_title,
            source_path=source_path,
            models=tuple(
                ModelUse(bundle.manifest.name, bundle.manifest.precision, bundle.sha256, provider)
                for bundle, provider in bundles
            ),
            **{
                name: tuple(
                    keypoints.to_key_point(sentences[i], texts[i], float(ranked.carried[i]))
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
    material: Material,
    spans: Sequence[tuple[int, int]],
    found: Sequence[Chapter],
    writer: Writer,
    summary_words: int,
    told: Callable[[Chapter], None],
) -> tuple[list[Chapter], Written]:
    """Chapters with what a model wrote of them, and the episode's summary."""
    from edge.abstractive import write_chapters, write_episode

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


def _chapters(
    transcript: Transcript,
    sentences: Sequence[Sentence],
    spans: Sequence[tuple[int, int]],
    titles: Sequence[str],
    gists: Sequence[str],
) -> list[Chapter]:
    """Chapters whose segments tile the transcript, repeated segments included."""
    starts = [0, *(sentences[first].first_segment for first, _ in spans[1:])]
    ends = [*(start - 1 for start in starts[1:]), len(transcript.segments) - 1]
    found = []
    for k, title in enumerate(titles):
        found.append(
            Chapter(
                title=title or (f"Part {k + 1}" if gists[k] else "Adverts and notices"),
                gist=gists[k],
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
