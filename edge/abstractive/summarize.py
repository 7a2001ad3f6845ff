"""Chapters and an episode told in a model's own sentences, each checked against what was said.

Nothing a model writes is shown before it is tied to transcript sentences and judged. Of a chapter
nothing of which holds, the key point stands in its place, word for word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edge.abstractive.drafts import REVISION, GroundedSentence, Summarizer, choose_grounded
from edge.abstractive.passages import EpisodeContext, PromptContext, choose_windows, read_passage
from edge.abstractive.requests import split_answer, summary_request, title_request
from edge.english.claims import long_stems
from edge.extraction.greedy import Budget, in_order, ruled_out, select_greedily
from edge.extraction.selection import best_in, choose_summary
from edge.records import WrittenSentence

WINDOW_ASKED = 20
"""Words asked for about one of a chapter's moments."""
CHAPTER_WORDS = 70
"""Most words a chapter is told in."""
Told = Callable[["WrittenChapter"], None]


@dataclass(frozen=True)
class WrittenChapter:
    """One chapter as it is told."""

    place: int
    """Which of the episode's chapters."""
    title: str
    """Empty where the written one did not hold."""
    sentences: tuple[WrittenSentence, ...]
    held: tuple[GroundedSentence, ...]
    """Those of the sentences that a model wrote, as they were judged."""
    n_rejected: int
    """Sentences written that do not hold."""
    n_words_read: int


def write_chapters(
    material: EpisodeContext,
    spans: Sequence[tuple[int, int]],
    writer: Summarizer,
    told: Told = lambda chapter: None,
) -> list[WrittenChapter]:
    """Tell each chapter in a few sentences that hold, and title it.

    :param material: The episode.
    :param spans: First and one-past-last sentence of each chapter.
    :param writer: Writes and judges.
    :param told: Told of each chapter as it is done, in order.
    """
    chapters = []
    for place, span in enumerate(spans):
        chapters.append(_write_chapter(place, span, material, writer))
        told(chapters[-1])
    return chapters


def write_episode(
    material: EpisodeContext, chapters: Sequence[WrittenChapter], n_words: int
) -> list[WrittenSentence]:
    """Tell the whole episode: who talks, and the most salient of what was told of its chapters.

    The sentence that introduces them is the transcript's own, and so is what fills the budget
    where the chapters do not.

    :param material: The episode.
    :param chapters: As ``write_chapters`` gives them.
    :param n_words: Word budget.
    """
    pool = [held for chapter in chapters for held in chapter.held]
    introduction = material.ranked.introduction
    opening = []
    if introduction is not None and all(introduction != held.places[0] for held in pool):
        opening = [introduction]
    chosen = choose_grounded(_by_salience(pool, material), n_words - material.n_words(opening))
    spoken = choose_summary(material.ranked, material.vectors, n_words)
    return _filled(
        [
            *(_key_point(place, material) for place in opening),
            *(_sentence(held, material) for held in chosen),
        ],
        [_key_point(place, material) for place in spoken],
        n_words,
    )


def _write_chapter(
    place: int, span: tuple[int, int], material: EpisodeContext, writer: Summarizer
) -> WrittenChapter:
    """A chapter and its title, written at once."""
    windows = choose_windows(material, material.inside(span))
    ask = partial(summary_request, n_words=WINDOW_ASKED)
    found = [read_passage(material, window, ask, writer.fits) for window in windows]
    readings = [reading for reading in found if reading is not None]
    kept = sorted({i for reading in readings for i in reading.kept})
    whole = read_passage(material, kept, title_request, writer.fits)
    held: list[GroundedSentence] = []
    title, n_rejected = "", 0
    if whole is not None:
        *answers, named = writer.write([*(r.request for r in readings), whole.request])
        held, n_rejected = _judged(readings, answers, "written", material, writer)
        own_title = " ".join(split_answer(named)).strip()
        if writer.is_title_said(own_title, writer.prepare(material, whole.kept)):
            title = own_title
    chosen = choose_grounded(_by_salience(held, material), CHAPTER_WORDS)
    sentences = sorted((_sentence(one, material) for one in chosen), key=_place)
    if not sentences and (best := best_in(span, material.ranked)) is not None:
        sentences = [_key_point(best, material)]
    return WrittenChapter(
        place, title, tuple(sentences), tuple(chosen), n_rejected, material.n_words(kept)
    )


def _judged(
    readings: Sequence[PromptContext],
    answers: Sequence[str],
    source: str,
    material: EpisodeContext,
    writer: Summarizer,
) -> tuple[list[GroundedSentence], int]:
    """What holds of the answers about moments, and how many sentences do not.

    A moment of which nothing holds is told once more.
    """
    held: list[GroundedSentence] = []
    unsure = []
    n_rejected = 0
    for reading, answer in zip(readings, answers, strict=True):
        said = writer.prepare(material, reading.kept)
        own, n_wrong = writer.judge(answer, said, reading.kept, source)
        held += own
        n_rejected += n_wrong
        if not own:
            unsure.append(reading)
    if unsure and source == "written":
        again = writer.write([reading.request for reading in unsure], REVISION)
        more, n_wrong = _judged(unsure, again, "rewritten", material, writer)
        return [*held, *more], n_rejected + n_wrong
    return held, n_rejected


def _by_salience(
    pool: Sequence[GroundedSentence], material: EpisodeContext
) -> list[GroundedSentence]:
    return sorted(pool, key=lambda held: -float(material.salience[held.places[0]]))


def _filled(
    written: Sequence[WrittenSentence], spoken: Sequence[WrittenSentence], n_words: int
) -> list[WrittenSentence]:
    """Written sentences and, in the room that is left, others, in spoken order."""
    pool = [*written, *spoken]
    stems = [set(long_stems(sentence.text)) for sentence in pool]
    lengths = np.array([len(sentence.text.split()) for sentence in pool], int)
    added = select_greedily(
        in_order(len(pool)),
        lambda k: ruled_out([len(own & stems[k]) > 0.5 * len(own) for own in stems]),
        taken=range(len(written)),
        budgets=[Budget(lengths, n_words)],
    )
    return sorted([*written, *(pool[k] for k in added)], key=_place)


def _place(sentence: WrittenSentence) -> int:
    return sentence.evidence[0]


def _key_point(place: int, material: EpisodeContext) -> WrittenSentence:
    return _tied(material.texts[place], [place], 1.0, "key_point", material)


def _sentence(held: GroundedSentence, material: EpisodeContext) -> WrittenSentence:
    return _tied(held.text, held.places, held.support, held.source, material)


def _tied(
    text: str, places: Sequence[int], support: float, source: str, material: EpisodeContext
) -> WrittenSentence:
    best = material.sentences[places[0]]
    evidence = {i for place in places for i in material.sentences[place].word_segments}
    return WrittenSentence(
        text=text,
        evidence=tuple(sorted(evidence)),
        start_s=best.start_s,
        end_s=best.end_s,
        support=round(min(1.0, max(0.0, support)), 4),
        source=source,
    )
