"""Which sentences a digest shows, and where: each stands once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.fillers import without_lead
from edge.extraction.greedy import Budget, Penalty, less_alike, none_alike, select_greedily
from edge.extraction.judgements import Judgements
from edge.records import ExtractedSentence, Sentence

MAX_KEY_POINTS = 3
"""Of a chapter, what the summary tells of it included."""
MIN_WORTH = 0.3
"""Least chance that a reader would choose a chapter's best: below it the title says more."""
MIN_FURTHER_WORTH = 0.5
"""Least chance that a reader would choose what is shown beside a chapter's best."""
WORDS_PER_KEY_POINT = 800
MIN_SUMMARY_SHARE = 0.3
"""Least share of the best line's chance that a line of the summary has: the budget's last words are
rather left than filled with a line that says nothing."""
DIVERSITY = 0.15
"""Weight of the likeness to what was chosen before (maximal marginal relevance)."""
WORDS_PER_LINE, MIN_SUMMARY_LINES = 20, 3
WORDS_PER_QUOTE = 1500
MAX_QUOTES = 8
SAME_QUOTE = 0.7
"""Cosine above which two quotes, or a quote and a key point, say the same."""
MIN_QUESTION = 0.1
WORDS_PER_QUESTION = 700
MAX_QUESTIONS = 12


@dataclass(frozen=True)
class Choice:
    """Indices of the sentences that are shown, each list in spoken order."""

    key_points: list[list[int]]
    """Of each chapter."""
    introduction: int | None = None
    summary: Sequence[int] = ()
    quotes: Sequence[int] = ()
    questions: Sequence[int] = ()


def contenders(judgements: Judgements, limit: int) -> list[int]:
    """The sentences most likely shown anywhere, in spoken order.

    :param judgements: Of the whole episode.
    :param limit: Most sentences; the introduction may come to them.
    """
    score = np.maximum(judgements.worth, judgements.question)
    best = set(np.argsort(-score, kind="stable")[:limit].tolist())
    introduction = judgements.introduction
    return sorted(best if introduction is None else best | {introduction})


def choose(
    judgements: Judgements,
    vectors: Float32Array,
    spans: Sequence[tuple[int, int]],
    max_words: int,
    n_words: int,
    *,
    shows_summary: bool = True,
) -> Choice:
    """Choose what is shown.

    :param judgements: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param spans: First and one-past-last sentence of each chapter.
    :param max_words: Budget of the summary.
    :param n_words: Words that were spoken.
    :param shows_summary: Whether the summary's lines stand in the digest, where they are not to be
        shown again; a model's own may stand in their place.
    """
    introduction = judgements.introduction
    if introduction is not None:
        judgements = judgements.without(introduction)
    summary = choose_summary(judgements, vectors, max_words)
    told = summary if shows_summary else []
    key_points = choose_key_points(judgements, vectors, spans, n_words, told)
    taken = [*told, *(i for chapter in key_points for i in chapter)]
    return Choice(
        key_points,
        introduction,
        summary,
        choose_quotes(judgements, vectors, taken, n_words),
        choose_questions(judgements, n_words),
    )


def max_summary_lines(max_words: int) -> int:
    """Most sentences of a summary, so that each can be one that says something.

    :param max_words: Budget.
    """
    return max(MIN_SUMMARY_LINES, max_words // WORDS_PER_LINE)


def choose_summary(judgements: Judgements, vectors: Float32Array, max_words: int) -> list[int]:
    """The sentences a reader would sum the episode up with, within a budget, in spoken order.

    At least one is given, however small the budget. A sentence that leans on the one before it is
    no line of a summary.

    :param judgements: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param max_words: Budget.
    """
    chance = np.where(judgements.leans, 0.0, judgements.summary)
    worth = _worth(np.where(chance >= MIN_SUMMARY_SHARE * chance.max(initial=0.0), chance, 0.0))
    chosen = select_greedily(
        worth,
        less_alike(vectors, DIVERSITY),
        max_summary_lines(max_words),
        budgets=[Budget(judgements.n_words, max_words)],
    )
    return sorted(chosen)


def choose_key_points(
    judgements: Judgements,
    vectors: Float32Array,
    spans: Sequence[tuple[int, int]],
    n_words: int,
    told: Sequence[int] = (),
) -> list[list[int]]:
    """The sentences of each chapter that a reader would likeliest choose, in spoken order.

    One of each chapter of which the summary tells nothing; then the best of all that are as good as
    readers' choices mostly are.

    :param judgements: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param spans: First and one-past-last sentence of each chapter.
    :param n_words: Words that were spoken.
    :param told: The summary's sentences.
    """
    penalty = cache(less_alike(vectors, DIVERSITY))
    worth = np.where(judgements.worth >= MIN_WORTH, judgements.worth, -np.inf)
    chosen: list[int] = []
    for span in spans:
        if not any(span[0] <= i < span[1] for i in told):
            inside = np.full(len(worth), -np.inf)
            inside[slice(*span)] = worth[slice(*span)]
            chosen += select_greedily(inside, penalty, 1, taken=[*told, *chosen])
    good = np.where(worth >= MIN_FURTHER_WORTH, worth, -np.inf)
    n_further = max(0, round(n_words / WORDS_PER_KEY_POINT) - len(chosen))
    places = np.arange(len(worth))
    of_chapters = [
        Budget(((places >= first) & (places < end)).astype(np.int32), MAX_KEY_POINTS)
        for first, end in spans
    ]
    shown = [*told, *chosen]
    chosen += select_greedily(good, penalty, n_further, taken=shown, budgets=of_chapters)
    return [sorted(i for i in chosen if first <= i < end) for first, end in spans]


def choose_quotes(
    judgements: Judgements, vectors: Float32Array, taken: Sequence[int], n_words: int
) -> list[int]:
    """The sentences a reader would quote, in spoken order.

    :param judgements: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param taken: Sentences shown elsewhere; quotes say something else.
    :param n_words: Words that were spoken.
    """
    wanted = min(MAX_QUOTES, 1 + n_words // WORDS_PER_QUOTE)
    alike: Penalty = none_alike(vectors, SAME_QUOTE)
    return sorted(select_greedily(_worth(judgements.quote), alike, wanted, taken=taken))


def choose_questions(judgements: Judgements, n_words: int) -> list[int]:
    """The questions that chapters answer, in spoken order.

    :param judgements: Of the sentences to choose from.
    :param n_words: Words that were spoken.
    """
    wanted = min(MAX_QUESTIONS, 1 + n_words // WORDS_PER_QUESTION)
    best = np.argsort(-judgements.question, kind="stable")[:wanted].tolist()
    return sorted(i for i in best if judgements.question[i] >= MIN_QUESTION)


def to_extracted_sentence(sentence: Sentence, score: float) -> ExtractedSentence:
    """The record of a chosen sentence.

    :param sentence: The sentence.
    :param score: 0 to 1, as ``Judgements.worth``.
    """
    text = without_lead(sentence.text)
    dropped = sentence.n_words - len(text.split())
    return ExtractedSentence(
        text=text,
        first_segment=sentence.word_segments[dropped],
        last_segment=sentence.last_segment,
        start_s=sentence.word_starts_s[dropped],
        end_s=sentence.end_s,
        speaker=sentence.speaker,
        score=round(score, 4),
    )


def _worth(chance: Float64Array) -> Float64Array:
    """What may be shown is worth its chance."""
    return np.where(chance > 0, chance, -np.inf)
