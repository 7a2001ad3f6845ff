"""What was chosen of an episode, as the records of its digest."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from edge.arrays import BoolArray
from edge.extraction.episode import EpisodeAnalysis
from edge.extraction.selection import choose, contenders, to_extracted_sentence
from edge.records import Chapter, Excluded, ExtractedSentence, Sentence, Transcript
from edge.runtime.encoder import Encoder

ADVERT, COLD_OPEN = "advert", "cold_open"
MAX_CONTENDERS = 1024
"""Of an episode of several parts, so many sentences are compared with each other."""


@dataclass(frozen=True)
class Excerpts:
    """Sentences that are shown, word for word, by where."""

    introduction: ExtractedSentence | None = None
    summary: tuple[ExtractedSentence, ...] = ()
    key_points: tuple[tuple[ExtractedSentence, ...], ...] = ()
    """Of each chapter."""
    quotes: tuple[ExtractedSentence, ...] = ()
    questions: tuple[ExtractedSentence, ...] = ()


NO_EXCERPTS = Excerpts()


def choose_excerpts(
    sentences: Sequence[Sentence],
    analysis: EpisodeAnalysis,
    encoder: Encoder,
    max_words: int,
    *,
    shows_summary: bool = True,
) -> Excerpts:
    """Choose the sentences that are shown.

    :param sentences: The whole episode.
    :param analysis: What was found in it.
    :param encoder: Embeds once more what is compared of a long episode, whose vectors were not
        kept.
    :param max_words: Budget of the summary.
    :param shows_summary: As for ``choose``.
    :raises InferenceError: If onnxruntime fails.
    """
    judgements, vectors = analysis.judgements, analysis.vectors
    if judgements is None:
        return NO_EXCERPTS
    indices: Sequence[int] = range(len(sentences))
    among = judgements
    if vectors is None:
        indices = contenders(judgements, MAX_CONTENDERS)
        among = judgements.among(indices)
        vectors = encoder.encode([sentences[i].text for i in indices])
    spans = [(bisect_left(indices, a), bisect_left(indices, b)) for a, b in analysis.spans]
    n_words = sum(sentence.n_words for sentence in sentences)
    choice = choose(among, vectors, spans, max_words, n_words, shows_summary=shows_summary)

    def extracted(chosen: Sequence[int]) -> tuple[ExtractedSentence, ...]:
        return tuple(
            to_extracted_sentence(sentences[indices[k]], float(among.worth[k])) for k in chosen
        )

    introduction = [] if choice.introduction is None else [choice.introduction]
    return Excerpts(
        introduction=next(iter(extracted(introduction)), None),
        summary=extracted(choice.summary),
        key_points=tuple(map(extracted, choice.key_points)),
        quotes=extracted(choice.quotes),
        questions=extracted(choice.questions),
    )


def describe_chapters(
    transcript: Transcript,
    sentences: Sequence[Sentence],
    analysis: EpisodeAnalysis,
    key_points: Sequence[tuple[ExtractedSentence, ...]],
) -> list[Chapter]:
    """Chapters whose segments tile the transcript, repeated segments included.

    :param transcript: The episode.
    :param sentences: All of it.
    :param analysis: What was found in it.
    :param key_points: Of each chapter; none at all where none were asked for.
    """
    segments = transcript.segments
    starts = [0, *(sentences[first].first_segment for first, _ in analysis.spans[1:])]
    ends = [*(start - 1 for start in starts[1:]), len(segments) - 1]
    points_of = key_points or ((),) * len(starts)
    chapters = zip(starts, ends, analysis.titles, points_of, strict=True)
    return [
        Chapter(
            title=title or f"Part {k}",
            key_points=points,
            first_segment=start,
            last_segment=end,
            start_s=segments[start].start_s,
            end_s=_end_s(transcript, start, end),
        )
        for k, (start, end, title, points) in enumerate(chapters, 1)
    ]


def _end_s(transcript: Transcript, first: int, last: int) -> float | None:
    times = [
        time
        for segment in transcript.segments[first : last + 1]
        for time in (segment.start_s, segment.end_s)
        if time is not None
    ]
    return max(times, default=None)


def find_excluded(
    sentences: Sequence[Sentence], is_cold_open: Sequence[bool], is_advert: BoolArray
) -> Iterator[Excluded]:
    """Stretches of sentences that are kept out of the digest.

    :param sentences: The whole episode.
    :param is_cold_open: For each of them.
    :param is_advert: For each of them.
    """
    reasons = (
        COLD_OPEN if is_cold else ADVERT if is_ad else None
        for is_cold, is_ad in zip(is_cold_open, is_advert, strict=True)
    )
    for reason, group in groupby(zip(reasons, sentences, strict=True), key=lambda pair: pair[0]):
        run = [sentence for _, sentence in group]
        if reason is not None:
            yield Excluded(
                kind=reason,
                first_segment=run[0].first_segment,
                last_segment=run[-1].last_segment,
                start_s=run[0].start_s,
                end_s=run[-1].end_s,
                n_words=sum(sentence.n_words for sentence in run),
            )
