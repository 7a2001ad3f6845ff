"""Which sentences a digest shows: the best ones, each unlike those chosen before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from edge.arrays import Float32Array
from edge.english.fillers import without_lead
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
    scores = ranked.key_point_score
    chosen: list[int] = []
    likeness = np.zeros(len(scores))
    by_weight = sorted(spans, key=lambda span: -float(scores[slice(*span)].max(initial=0.0)))
    for first, last in [*by_weight, *[(0, len(scores))] * wanted]:
        if len(chosen) == wanted:
            break
        gain = scores[first:last] - DIVERSITY * np.maximum(0.0, likeness[first:last])
        gain[scores[first:last] < MIN_KEY_POINT_SCORE] = -np.inf
        gain[[i - first for i in chosen if first <= i < last]] = -np.inf
        best = int(gain.argmax())
        if not np.isfinite(gain[best]):
            continue
        chosen.append(first + best)
        likeness = np.maximum(likeness, vectors @ vectors[first + best])
    return sorted(chosen)


def choose_summary(ranked: Ranked, vectors: Float32Array, max_words: int) -> list[int]:
    """The introduction and the best sentences that fill the word budget, in spoken order.

    At least one is given, however small the budget.

    :param ranked: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param max_words: Budget.
    """
    lengths = ranked.n_words
    gain = np.where(ranked.summary_score > 0, ranked.summary_score, -np.inf)
    likeness = np.zeros(len(gain))
    chosen: list[int] = []
    left = max_words
    # Whoever introduces an episode praises what is to come; the rest is the episode itself.
    opening_left = max_words if ranked.introduction is None else OPENING_SHARE * max_words
    best = int(gain.argmax()) if ranked.introduction is None else ranked.introduction
    while np.isfinite(gain[best]):
        chosen.append(best)
        left -= int(lengths[best])
        gain[best] = -np.inf
        gain[lengths > left] = -np.inf
        opening_left -= int(lengths[best]) * (best < ranked.n_opening)
        gain[: ranked.n_opening][lengths[: ranked.n_opening] > opening_left] = -np.inf
        likeness = np.maximum(likeness, vectors @ vectors[best])
        best = int((gain - SUMMARY_DIVERSITY * likeness).argmax())
    return sorted(chosen)


def choose_quotes(
    ranked: Ranked, vectors: Float32Array, taken: Collection[int], n_words: int
) -> list[int]:
    """Sentences that take a stance and read alone, in spoken order.

    :param ranked: Of the sentences to choose from.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param taken: Sentences shown elsewhere; quotes say something else.
    :param n_words: Words that were spoken.
    """
    wanted = min(MAX_QUOTES, 1 + n_words // WORDS_PER_QUOTE)
    score = ranked.key_point_score * ranked.quote_factor
    gain = np.where(score > 0, score, -np.inf)
    gain[list(taken)] = -np.inf
    shown = list(taken)
    chosen: list[int] = []
    for i in np.argsort(-gain, kind="stable"):
        if len(chosen) == wanted or not np.isfinite(gain[i]):
            break
        if not shown or float((vectors[shown] @ vectors[i]).max()) < SAME_QUOTE:
            chosen.append(int(i))
            shown.append(int(i))
    return sorted(chosen)


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
