"""Which sentences a digest shows: the best ones, each unlike those chosen before it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from edge.arrays import Float32Array
from edge.english.fillers import without_lead
from edge.extraction.greedy import Budget, less_alike, none_alike, select_greedily
from edge.extraction.ranking import Ranked
from edge.records import ExtractedSentence, Sentence

WORDS_PER_KEY_POINT = 700
MIN_KEY_POINTS, MAX_KEY_POINTS = 5, 16
MIN_KEY_POINT_SCORE = 0.3
"""A chapter without a sentence that scores so much has no key point."""
DIVERSITY = 0.35
"""Weight of the likeness to what was chosen before (maximal marginal relevance)."""
SUMMARY_DIVERSITY = 0.2
"""The same in the summary, where the word budget already keeps sentences apart."""
OPENING_SHARE = 0.5
"""Most of the summary's words that come from the part with the introduction."""
WORDS_PER_QUOTE = 1500
MAX_QUOTES = 8
SAME_QUOTE = 0.7
"""Cosine above which two quotes, or a quote and a key point, say the same."""
WORDS_PER_QUESTION = 500
MAX_QUESTIONS = 12


def contenders(ranked: Ranked, limit: int) -> list[int]:
    """The best sentences for key points and summary, in spoken order.

    :param ranked: Of the whole episode.
    :param limit: Most sentences.
    """
    score = np.maximum(ranked.key_point_score, ranked.summary_score)
    best = np.argsort(-score, kind="stable")[:limit]
    return sorted(best.tolist())


def choose_key_points(
    ranked: Ranked, vectors: Float32Array, spans: Sequence[tuple[int, int]], n_words: int
) -> list[int]:
    """Sentence indices of the key points, in spoken order.

    Each chapter's best comes first, then the best of the rest; each choice is discounted by
    its likeness to those made before.

    :param ranked: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param spans: First and one-past-last sentence of each chapter.
    :param n_words: Words that were spoken.
    """
    wanted = min(
        max(round(n_words / WORDS_PER_KEY_POINT), MIN_KEY_POINTS, len(spans)), MAX_KEY_POINTS
    )
    score = ranked.key_point_score
    worth = np.where(score >= MIN_KEY_POINT_SCORE, score, -np.inf)
    penalty = cache(less_alike(vectors, DIVERSITY))
    chosen: list[int] = []
    for span in sorted(spans, key=lambda span: -float(score[slice(*span)].max(initial=0.0))):
        within = np.full(len(worth), -np.inf)
        within[slice(*span)] = worth[slice(*span)]
        chosen += select_greedily(within, penalty, min(1, wanted - len(chosen)), taken=chosen)
    chosen += select_greedily(worth, penalty, wanted - len(chosen), taken=chosen)
    return sorted(chosen)


def choose_summary(ranked: Ranked, vectors: Float32Array, max_words: int) -> list[int]:
    """The introduction and the best sentences that fill the word budget, in spoken order.

    At least one is given, however small the budget.

    :param ranked: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param max_words: Budget.
    """
    worth = np.where(ranked.summary_score > 0, ranked.summary_score, -np.inf)
    penalty = less_alike(vectors, SUMMARY_DIVERSITY)
    budgets = [Budget(ranked.n_words, max_words)]
    if ranked.introduction is None:
        return sorted(select_greedily(worth, penalty, budgets=budgets))
    # Whoever introduces an episode praises what is to come; the rest is the episode itself.
    of_opening = ranked.n_words * (np.arange(len(worth)) < ranked.n_opening)
    budgets.append(Budget(of_opening, OPENING_SHARE * max_words))
    first = [ranked.introduction]
    return sorted(first + select_greedily(worth, penalty, taken=first, budgets=budgets))


def choose_quotes(
    ranked: Ranked, vectors: Float32Array, taken: Sequence[int], n_words: int
) -> list[int]:
    """Sentences that take a stance and read alone, in spoken order.

    :param ranked: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param taken: Sentences shown elsewhere; quotes say something else.
    :param n_words: Words that were spoken.
    """
    wanted = min(MAX_QUOTES, 1 + n_words // WORDS_PER_QUOTE)
    score = ranked.key_point_score * ranked.quote_factor
    worth = np.where(score > 0, score, -np.inf)
    return sorted(select_greedily(worth, none_alike(vectors, SAME_QUOTE), wanted, taken=taken))


def choose_questions(ranked: Ranked, n_words: int) -> list[int]:
    """The most salient and fluent questions, in spoken order; none where none is punctuated.

    :param ranked: Of the whole episode.
    :param n_words: Words that were spoken.
    """
    wanted = min(MAX_QUESTIONS, 1 + n_words // WORDS_PER_QUESTION)
    best = np.argsort(-ranked.question_score, kind="stable")[:wanted].tolist()
    return sorted(i for i in best if np.isfinite(ranked.question_score[i]))


def best_in(span: tuple[int, int], ranked: Ranked) -> int | None:
    """Index of a chapter's best sentence; its longest one if none scores.

    :param span: First and one-past-last sentence.
    :param ranked: Of the whole episode.
    """
    inside = [i for i in range(*span) if ranked.n_characters[i]]
    return max(
        inside,
        key=lambda i: (ranked.key_point_score[i], ranked.n_characters[i], -i),
        default=None,
    )


def to_extracted_sentence(sentence: Sentence, score: float) -> ExtractedSentence:
    """The record of a chosen sentence.

    :param sentence: The sentence.
    :param score: 0 to 1, as ``Ranked.probability``.
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
