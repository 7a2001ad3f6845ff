"""Chapters and an episode summarized in a model's sentences, each grounded in the transcript.

Nothing a model writes is shown before it is tied to transcript sentences and judged. A chapter
about which nothing is grounded keeps its key points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edge.abstractive.context import EpisodeContext
from edge.abstractive.drafts import REVISION, GroundedSentence, Summarizer, choose_grounded
from edge.abstractive.passages import PromptContext, choose_windows, fit_passage
from edge.abstractive.requests import split_answer, summary_request, title_request
from edge.arrays import Float64Array
from edge.english.claims import long_stems
from edge.extraction.greedy import Budget, in_order, ruled_out, select_greedily
from edge.extraction.selection import choose_summary, max_summary_lines
from edge.records import Chapter, WrittenSentence

WINDOW_SUMMARY_WORDS = 20
"""Words asked for about one of a chapter's moments: one sentence."""
CHAPTER_WORDS = 70
"""Most words of a chapter's summary."""
MAX_SHARED_WORDS = 0.5
"""Share of a sentence's content words that one shown before may have, at most."""


@dataclass(frozen=True)
class WrittenChapter:
    """What a model wrote of one chapter, and what became of it."""

    index: int
    """Which of the episode's chapters."""
    title: str
    """Empty where the written one is not grounded."""
    sentences: tuple[WrittenSentence, ...]
    """As they are shown, in spoken order."""
    grounded: tuple[GroundedSentence, ...]
    """The same, the most salient first."""
    n_rejected: int
    """Written sentences that are not grounded."""
    n_words_read: int


OnChapter = Callable[[WrittenChapter], None]


def write_chapters(
    context: EpisodeContext,
    spans: Sequence[tuple[int, int]],
    summarizer: Summarizer,
    on_chapter: OnChapter = lambda chapter: None,
) -> list[WrittenChapter]:
    """Summarize each chapter in a few grounded sentences, and title it.

    :param context: The episode.
    :param spans: First and one-past-last sentence of each chapter.
    :param summarizer: Writes and judges.
    :param on_chapter: Called with each chapter as it is done, in order.
    """
    chapters = []
    for index, span in enumerate(spans):
        chapters.append(_write_chapter(index, span, context, summarizer))
        on_chapter(chapters[-1])
    return chapters


def tell_chapter(
    chapter: Chapter, written: WrittenChapter, elsewhere: Sequence[WrittenSentence] = ()
) -> Chapter:
    """A chapter as the model tells it: its title, and its sentences in place of key points.

    :param chapter: As it was without a model; what was not written stays.
    :param written: What was written of it.
    :param elsewhere: Sentences that are shown already, and not here.
    """
    shown = {sentence.text for sentence in elsewhere}
    sentences = tuple(each for each in written.sentences if each.text not in shown)
    kept = () if sentences else tuple(p for p in chapter.key_points if p.text not in shown)
    title = written.title or chapter.title
    return replace(chapter, title=title, key_points=kept, summary=sentences)


def write_episode(
    context: EpisodeContext, chapters: Sequence[WrittenChapter], n_words: int
) -> list[WrittenSentence]:
    """Summarize the whole episode: the most salient that was written of chapters.

    What fills the budget where the chapters do not is the transcript's own. The sentence with which
    the episode introduces itself has a place of its own in a digest, and is not told again.

    :param context: The episode.
    :param chapters: As ``write_chapters`` gives them.
    :param n_words: Word budget.
    """
    judgements, introduction = context.judgements, context.judgements.introduction
    if introduction is not None:
        judgements = judgements.without(introduction)
    pool = [
        sentence
        for chapter in chapters
        for sentence in chapter.grounded
        if sentence.sentence_indices[0] != introduction
    ]
    chosen = choose_grounded(_worthiest_first(pool, context), n_words)
    chosen = chosen[: max_summary_lines(n_words)]
    extracted = choose_summary(judgements, context.vectors, n_words)
    return _fill_word_budget(
        [_to_written(sentence, context) for sentence in chosen],
        [_extracted(index, context) for index in extracted],
        n_words,
    )


def _write_chapter(
    index: int, span: tuple[int, int], context: EpisodeContext, summarizer: Summarizer
) -> WrittenChapter:
    """A chapter's summary and its title, written at once."""
    windows = choose_windows(context, context.candidates_in(span))
    ask = partial(summary_request, n_words=WINDOW_SUMMARY_WORDS)
    fitted = [fit_passage(context, window, ask, summarizer.fits) for window in windows]
    prompts = [prompt for prompt in fitted if prompt is not None]
    read = sorted({i for prompt in prompts for i in prompt.sentence_indices})
    title_prompt = fit_passage(context, read, title_request, summarizer.fits)
    grounded: list[GroundedSentence] = []
    title, n_rejected = "", 0
    if title_prompt is not None:
        requests = [prompt.request for prompt in (*prompts, title_prompt)]
        *answers, title_answer = summarizer.write(requests)
        grounded, n_rejected = _ground_answers(prompts, answers, context, summarizer)
        title = _ground_title(title_prompt, title_answer, context, summarizer)
    chosen = choose_grounded(_worthiest_first(grounded, context), CHAPTER_WORDS)
    sentences = sorted((_to_written(s, context) for s in chosen), key=_first_segment)
    return WrittenChapter(
        index, title, tuple(sentences), tuple(chosen), n_rejected, context.n_words(read)
    )


def _ground_answers(
    prompts: Sequence[PromptContext],
    answers: Sequence[str],
    context: EpisodeContext,
    summarizer: Summarizer,
) -> tuple[list[GroundedSentence], int]:
    """What is grounded of the answers about moments, and how many sentences are not.

    About a moment of which nothing is, the model writes once more.
    """
    grounded, n_rejected, failed = _ground_once(prompts, answers, "written", context, summarizer)
    if not failed:
        return grounded, n_rejected
    revisions = summarizer.write([prompt.request for prompt in failed], REVISION)
    more, n_more, _ = _ground_once(failed, revisions, "rewritten", context, summarizer)
    return [*grounded, *more], n_rejected + n_more


def _ground_once(
    prompts: Sequence[PromptContext],
    answers: Sequence[str],
    source: str,
    context: EpisodeContext,
    summarizer: Summarizer,
) -> tuple[list[GroundedSentence], int, list[PromptContext]]:
    """Grounded sentences, how many others, and the prompts whose answers have none grounded."""
    grounded: list[GroundedSentence] = []
    failed: list[PromptContext] = []
    n_rejected = 0
    for prompt, answer in zip(prompts, answers, strict=True):
        indices = prompt.sentence_indices
        sentences, n_others = summarizer.ground(answer, context.passage(indices), indices, source)
        grounded += sentences
        n_rejected += n_others
        if not sentences:
            failed.append(prompt)
    return grounded, n_rejected, failed


def _ground_title(
    prompt: PromptContext, answer: str, context: EpisodeContext, summarizer: Summarizer
) -> str:
    """The title in an answer; empty where it says what its chapter does not."""
    title = " ".join(split_answer(answer)).strip()
    passage = context.passage(prompt.sentence_indices)
    return title if summarizer.is_title_grounded(title, passage) else ""


def _worthiest_first(
    pool: Sequence[GroundedSentence], context: EpisodeContext
) -> list[GroundedSentence]:
    return sorted(pool, key=lambda s: -float(context.judgements.worth[s.sentence_indices[0]]))


def _fill_word_budget(
    written: Sequence[WrittenSentence], extracted: Sequence[WrittenSentence], n_words: int
) -> list[WrittenSentence]:
    """Written sentences and, in the room that is left, extracted ones, in spoken order."""
    sentences = [*written, *extracted]
    stems = [set(long_stems(sentence.text)) for sentence in sentences]

    def repeats(index: int) -> Float64Array:
        return ruled_out([len(s & stems[index]) > MAX_SHARED_WORDS * len(s) for s in stems])

    lengths = np.array([len(sentence.text.split()) for sentence in sentences], int)
    fillers = select_greedily(
        in_order(len(sentences)),
        repeats,
        max_summary_lines(n_words) - len(written),
        taken=range(len(written)),
        budgets=[Budget(lengths, n_words)],
    )
    return sorted([*written, *(sentences[index] for index in fillers)], key=_first_segment)


def _first_segment(sentence: WrittenSentence) -> int:
    return sentence.evidence[0]


def _extracted(index: int, context: EpisodeContext) -> WrittenSentence:
    return _with_evidence(context.sentences[index].shown_text, [index], 1.0, "extracted", context)


def _to_written(sentence: GroundedSentence, context: EpisodeContext) -> WrittenSentence:
    return _with_evidence(
        sentence.text, sentence.sentence_indices, sentence.support, sentence.source, context
    )


def _with_evidence(
    text: str,
    sentence_indices: Sequence[int],
    support: float,
    source: str,
    context: EpisodeContext,
) -> WrittenSentence:
    """A sentence with the segments and the time at which it was said."""
    best = context.sentences[sentence_indices[0]]
    segments = {s for i in sentence_indices for s in context.sentences[i].word_segments}
    return WrittenSentence(
        text=text,
        evidence=tuple(sorted(segments)),
        start_s=best.start_s,
        end_s=best.end_s,
        support=round(min(1.0, max(0.0, support)), 4),
        source=source,
    )
