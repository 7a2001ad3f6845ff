"""What each sentence is worth in the digest's lists: by what it carries and how it reads alone.

A sentence is judged with its part of the episode; of each stay a few numbers, so that the text
of a long episode need not be taken apart again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from edge.arrays import AnyArray, Float64Array, Int32Array
from edge.english.analysis import AnalysedSentence
from edge.english.fluency import MAX_WORDS, MIN_WORDS
from edge.english.words import PRONOUNS, is_content_word, phrases, words
from edge.extraction.quotes import question_score, quote_factor
from edge.records import Sentence
from edge.transcript.sentences import is_annotation

MIN_CONTENT_WORDS = 3
MIN_SUMMARY_WORDS = 4
INDEPENDENCE_POWER = 0.25
"""How much less than in a key point it counts, in a summary, how a sentence reads alone."""
INCOMPLETE, FRAGMENT = 0.8, 0.75
"""What a sentence that could not stand alone is worth in a summary, and how much less if it has
no verb or next to no content: such only fill the budget's last words."""
BREVITY = 0.1
"""Power of a sentence's length that its worth in the summary is divided by: the budget counts
words."""
MIN_INTRODUCTION_WORDS = 5
INTRODUCTION_SHARE = 0.08
"""An episode introduces itself within this first part of its words."""

PROBABILITY_SLOPE, PROBABILITY_SHIFT = 2.23, -2.26
"""A logistic curve from salience to the chance that a human summary says the same
(reliability table in docs/quality.md)."""

_INTRODUCTION = phrases(
    r"(?:today|this week|in this episode)\b.*\b(?:talk|speak|chat|discuss|join|guest|interview)",
    r"(?:my|our) guest\b|joined by\b|currently (?:works|the|a|VP|CEO|CTO|head)\b",
    r"is (?:a|an|the) (?:\S+ ){0,3}(?:(?:co-?)?founder|professor|author|engineer|researcher)\b",
    r"is (?:a|an|the) (?:\S+ ){0,3}(?:director|scientist|expert|head|hacker|educator|writer)\b",
)


@dataclass(frozen=True)
class SentenceScores:
    """What is kept of a part's sentences; each of shape (sentences,)."""

    salience: Float64Array
    key_point: Float64Array
    """0 for a sentence that is no key point by itself."""
    summary: Float64Array
    """The same for the summary, where a sentence stands among others; 0 where not to be shown."""
    quote_factor: Float64Array
    question: Float64Array
    """As ``edge.extraction.quotes`` gives these two."""
    n_words: Int32Array
    """Of the sentence as shown."""
    n_characters: Int32Array
    """The same; none of a sentence that may not be shown at all."""
    introduction: int | None
    """Index of the sentence that says who is talking, where there is one."""
    n_opening: int
    """Sentences that belong to the episode's first part, where such a one is looked for."""


@dataclass(frozen=True)
class Ranked:
    """Every sentence of an episode, judged; arrays of shape (sentences,)."""

    salience: Float64Array
    probability: Float64Array
    """0 to 1: chance that a human summary uses at least half of the sentence's content words."""
    key_point_score: Float64Array
    """0 to 1; 0 for a sentence that is no key point by itself."""
    summary_score: Float64Array
    """The same for the summary, where a sentence stands among others; 0 where not to be shown."""
    quote_factor: Float64Array
    """How many times the key point's score it has as a quote; 0 where it is none."""
    question_score: Float64Array
    """Minus infinity for what is no question worth showing."""
    n_words: Int32Array
    """Of the sentence as shown."""
    n_characters: Int32Array
    """The same; none of a sentence that may not be shown at all."""
    introduction: int | None
    """Index of the sentence that says who is talking, where there is one."""
    n_opening: int
    """Sentences of the episode's first part, where such a sentence is looked for."""

    def among(self, indices: Sequence[int]) -> Ranked:
        """The same of some sentences.

        :param indices: Which, in spoken order; the introduction is one of them.
        """
        chosen = list(indices)
        return Ranked(
            salience=self.salience[chosen],
            probability=self.probability[chosen],
            key_point_score=self.key_point_score[chosen],
            summary_score=self.summary_score[chosen],
            quote_factor=self.quote_factor[chosen],
            question_score=self.question_score[chosen],
            n_words=self.n_words[chosen],
            n_characters=self.n_characters[chosen],
            introduction=None if self.introduction is None else chosen.index(self.introduction),
            n_opening=bisect_left(chosen, self.n_opening),
        )


def rank_sentences(sentences: Sequence[AnalysedSentence], salience: Float64Array) -> Ranked:
    """Judge every sentence of an episode that is one part.

    :param sentences: The whole episode.
    :param salience: As ``edge.extraction.salience.predict_salience`` gives it, shape (sentences,).
    """
    n_opening, punctuated = count_opening(sentences), is_punctuated(sentences)
    return rank_parts([score_sentences(sentences, salience, n_opening, punctuated)])


def rank_parts(parts: Sequence[SentenceScores]) -> Ranked:
    """Put the parts of an episode beside each other, on one scale.

    :param parts: Of all its sentences.
    """
    salience = _joined([part.salience for part in parts])
    introduction = _first_introduction(parts)
    return Ranked(
        salience=salience,
        probability=1.0 / (1.0 + np.exp(-PROBABILITY_SLOPE * salience - PROBABILITY_SHIFT)),
        key_point_score=_scaled([part.key_point for part in parts], introduction),
        summary_score=_scaled([part.summary for part in parts], introduction),
        quote_factor=_joined([part.quote_factor for part in parts]),
        question_score=_joined([part.question for part in parts]),
        n_words=_joined([part.n_words for part in parts]),
        n_characters=_joined([part.n_characters for part in parts]),
        introduction=introduction,
        n_opening=sum(part.n_opening for part in parts),
    )


def _first_introduction(parts: Sequence[SentenceScores]) -> int | None:
    firsts = accumulate((len(part.salience) for part in parts), initial=0)
    for first, part in zip(firsts, parts, strict=False):
        if part.introduction is not None:
            return first + part.introduction
    return None


def _joined(columns: Sequence[AnyArray]) -> AnyArray:
    return np.concatenate(columns) if columns else np.zeros(0)


def _scaled(columns: Sequence[Float64Array], introduction: int | None) -> Float64Array:
    """Scores from 0 to 1; the introduction is worth as much as the best."""
    scores: Float64Array = _joined(columns)
    scores = scores / max(float(scores.max(initial=0.0)), 1e-9)
    if introduction is not None:
        scores[introduction] = 1.0
    return scores


def score_sentences(
    sentences: Sequence[AnalysedSentence], salience: Float64Array, n_opening: int, punctuated: bool
) -> SentenceScores:
    """Judge the sentences of a part by what they carry and by how they read on their own.

    :param sentences: The part's.
    :param salience: As ``edge.extraction.salience.predict_salience`` gives it, shape (sentences,).
    :param n_opening: How many of them are of the episode's first part, where it introduces itself.
    :param punctuated: As ``is_punctuated`` tells of the episode.
    """
    key_point, summary = np.zeros(len(sentences)), np.zeros(len(sentences))
    for i, sentence in enumerate(sentences):
        if not sentence.is_candidate or not _says_something(sentence):
            continue
        worth, alone = max(0.0, salience[i]), sentence.reads_alone
        summary[i] = worth * alone**INDEPENDENCE_POWER / sentence.n_shown_words**BREVITY
        if _is_complete(sentence, punctuated):
            key_point[i] = worth * alone
        else:
            is_bare = len(set(sentence.content_stems)) < 2
            summary[i] *= INCOMPLETE * FRAGMENT ** (is_bare + (not sentence.has_verb))
    pairs = zip(sentences, salience.tolist(), strict=True)
    return SentenceScores(
        salience=salience,
        key_point=key_point,
        summary=summary,
        quote_factor=np.array([quote_factor(sentence) for sentence in sentences], float),
        question=np.array([question_score(sentence, value) for sentence, value in pairs], float),
        n_words=np.array([sentence.n_shown_words for sentence in sentences], np.int32),
        n_characters=np.array([len(s.shown_text) * s.is_candidate for s in sentences], np.int32),
        introduction=_find_introduction(sentences[:n_opening]),
        n_opening=n_opening,
    )


def _says_something(sentence: AnalysedSentence) -> bool:
    """Whether a sentence is more than a question, a greeting or a note of the recogniser."""
    return (
        sentence.n_shown_words >= MIN_SUMMARY_WORDS
        and not sentence.is_question
        and not is_annotation(sentence.shown_text)
        and not sentence.wording.small_talk
    )


def _is_complete(sentence: AnalysedSentence, punctuated: bool) -> bool:
    """Whether a sentence can stand alone: long enough, with content, and whole."""
    text = sentence.shown_text
    is_whole = not punctuated or text.rstrip("\"')”’").endswith((".", "!"))
    return (
        MIN_WORDS <= sentence.n_shown_words <= MAX_WORDS
        and len(set(sentence.content_stems)) >= MIN_CONTENT_WORDS
        and is_whole
        and text.count('"') % 2 == 0
    )


def _find_introduction(opening: Sequence[AnalysedSentence]) -> int | None:
    return next((i for i, sentence in enumerate(opening) if _introduces(sentence)), None)


def _introduces(sentence: AnalysedSentence) -> bool:
    spoken = words(sentence.shown_text)
    is_named = any(word[:1].isupper() and is_content_word(word) for word in spoken)
    is_whole = MIN_INTRODUCTION_WORDS <= len(spoken) <= MAX_WORDS
    return (
        sentence.is_candidate
        and is_named
        and is_whole
        and not sentence.is_question
        and spoken[0].lower() not in PRONOUNS
        and _INTRODUCTION.search(sentence.shown_text) is not None
    )


def is_punctuated(sentences: Sequence[Sentence]) -> bool:
    """Whether an episode's sentences end in marks, so that one without is cut off.

    :param sentences: The whole episode.
    """
    ended = sum(s.text.rstrip("\"')”’").endswith((".", "?", "!")) for s in sentences)
    return ended >= 0.5 * len(sentences)


def count_opening(sentences: Sequence[Sentence]) -> int:
    """Sentences of the first part of an episode, in which it introduces itself.

    :param sentences: The whole episode.
    """
    n_words = [sentence.n_words for sentence in sentences]
    limit = INTRODUCTION_SHARE * sum(n_words)
    return int(np.searchsorted(np.cumsum(n_words), limit, side="right"))
