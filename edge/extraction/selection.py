"""Key points: complete sentences that carry the episode, spread over its chapters."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.fluency import MAX_WORDS, MIN_WORDS, SMALL_TALK, has_verb, reads_alone
from edge.english.words import PRONOUNS, content_stems, is_content_word, phrases, words
from edge.extraction.salience import wording
from edge.records import ExtractedSentence, Sentence
from edge.transcript.sentences import is_annotation

WORDS_PER_KEY_POINT = 700
MIN_KEY_POINTS, MAX_KEY_POINTS = 5, 16
MIN_CONTENT_WORDS = 3
MIN_SUMMARY_WORDS = 4
FITNESS_POWER = 0.25
"""How much less than in a key point it counts, in a summary, how a sentence reads alone."""
INCOMPLETE, FRAGMENT = 0.8, 0.75
"""What a sentence that could not stand alone is worth in a summary, and how much less if it has
no verb or next to no content: such only fill the budget's last words."""
MIN_INTRODUCTION_WORDS = 5
DIVERSITY = 0.35
"""Weight of the likeness to what was chosen before (maximal marginal relevance)."""
SUMMARY_DIVERSITY = 0.2
"""The same in the summary, where the word budget already keeps sentences apart."""
BREVITY = 0.1
"""Power of a sentence's length that its worth in the summary is divided by: the budget counts
words."""
MIN_SCORE = 0.3
"""A chapter without a sentence this salient has no key point."""
INTRODUCTION_SHARE = 0.08
"""An episode introduces itself within this first part of its words."""
OPENING_SHARE = 0.5
"""Most of the summary's words that come from the part with the introduction."""

CARRIED_SLOPE, CARRIED_SHIFT = 2.23, -2.26
"""A logistic curve from salience to the chance that a human summary says the same
(reliability table in docs/quality.md)."""

_INTRODUCTION = phrases(
    r"(?:today|this week|in this episode)\b.*\b(?:talk|speak|chat|discuss|join|guest|interview)",
    r"(?:my|our) guest\b|joined by\b|currently (?:works|the|a|VP|CEO|CTO|head)\b",
    r"is (?:a|an|the) (?:\S+ ){0,3}(?:(?:co-?)?founder|professor|author|engineer|researcher)\b",
    r"is (?:a|an|the) (?:\S+ ){0,3}(?:director|scientist|expert|head|hacker|educator|writer)\b",
)


@dataclass(frozen=True)
class Ranked:
    """Every sentence's salience, and the texts to show."""

    scores: Float64Array
    """Shape (sentences,), 0 to 1; 0 for a sentence that is no key point by itself."""
    fillings: Float64Array
    """The same for the summary, where a sentence stands among others; 0 where not to be shown."""
    carried: Float64Array
    """Shape (sentences,), 0 to 1: chance that a human summary uses at least half of the
    sentence's content words."""
    texts: Sequence[str]
    """Sentences without their leading fillers."""
    introduction: int | None
    """Index of the sentence that says who is talking, where there is one."""
    n_opening: int
    """Sentences of the episode's first part, where such a sentence is looked for."""

    def among(self, places: Sequence[int]) -> Ranked:
        """The same of some sentences.

        :param places: Which, in spoken order; the introduction is one of them.
        """
        own = list(places)
        return Ranked(
            self.scores[own],
            self.fillings[own],
            self.carried[own],
            [self.texts[i] for i in own],
            None if self.introduction is None else own.index(self.introduction),
            bisect_left(own, self.n_opening),
        )


def contenders(ranked: Ranked, limit: int) -> list[int]:
    """The best sentences for key points and summary, in spoken order.

    :param ranked: As ``rank_sentences`` gives it.
    :param limit: Most sentences.
    """
    best = np.argsort(-np.maximum(ranked.scores, ranked.fillings), kind="stable")[:limit]
    return sorted(best.tolist())


def rank_sentences(
    sentences: Sequence[Sentence],
    texts: Sequence[str],
    usable: Sequence[bool],
    salience: Float64Array,
) -> Ranked:
    """Judge every sentence by what it carries and by how it reads on its own.

    :param sentences: The whole episode.
    :param texts: The sentences without their leading fillers.
    :param usable: For each sentence, whether it may be shown at all.
    :param salience: As ``edge.extraction.salience.predict_salience`` gives it, shape (sentences,).
    """
    is_punctuated = _is_punctuated(sentences)
    scores = np.zeros(len(sentences))
    fillings = np.zeros(len(sentences))
    for i, (sentence, text) in enumerate(zip(sentences, texts, strict=True)):
        if not usable[i] or not _says_something(sentence, text):
            continue
        fitness = reads_alone(sentence, text)
        worth = max(0.0, salience[i])
        is_complete = _is_complete(text, is_punctuated)
        scores[i] = worth * fitness if is_complete else 0.0
        fillings[i] = worth * fitness**FITNESS_POWER / len(text.split()) ** BREVITY
        if not is_complete:
            is_bare = len(set(content_stems(text))) < 2
            fillings[i] *= INCOMPLETE * FRAGMENT ** (is_bare + (not has_verb(text)))
    n_words = [sentence.n_words for sentence in sentences]
    n_opening = int(
        np.searchsorted(np.cumsum(n_words), INTRODUCTION_SHARE * sum(n_words), side="right")
    )
    introduction = _introduction(sentences[:n_opening], texts, usable)
    carried = 1.0 / (1.0 + np.exp(-CARRIED_SLOPE * salience - CARRIED_SHIFT))
    for values in (scores, fillings):
        values /= max(values.max(initial=0.0), 1e-9)
        if introduction is not None:
            values[introduction] = 1.0
    return Ranked(scores, fillings, carried, texts, introduction, n_opening)


def _introduction(
    opening: Sequence[Sentence], texts: Sequence[str], usable: Sequence[bool]
) -> int | None:
    """The first sentence that says who is talking, if the episode begins with one."""
    for i, sentence in enumerate(opening):
        bare = words(texts[i])
        is_named = any(word[:1].isupper() and is_content_word(word) for word in bare)
        is_whole = MIN_INTRODUCTION_WORDS <= len(bare) <= MAX_WORDS
        is_statement = not sentence.is_question and bare and bare[0].lower() not in PRONOUNS
        if usable[i] and is_named and is_whole and is_statement and _INTRODUCTION.search(texts[i]):
            return i
    return None


def _is_punctuated(sentences: Sequence[Sentence]) -> bool:
    ended = sum(1 for s in sentences if s.text.rstrip("\"')”’").endswith((".", "?", "!")))
    return ended >= 0.5 * len(sentences)


def _says_something(sentence: Sentence, text: str) -> bool:
    """Whether a sentence is more than a question, a greeting or a note of the recogniser."""
    return (
        len(text.split()) >= MIN_SUMMARY_WORDS
        and not sentence.is_question
        and not is_annotation(text)
        and not SMALL_TALK.search(text)
    )


def _is_complete(text: str, is_punctuated: bool) -> bool:
    """Whether a sentence can stand alone: long enough, with content, and whole."""
    whole = not is_punctuated or text.rstrip("\"')”’").endswith((".", "!"))
    return (
        MIN_WORDS <= len(text.split()) <= MAX_WORDS
        and len(set(content_stems(text))) >= MIN_CONTENT_WORDS
        and whole
        and text.count('"') % 2 == 0
    )


def look_at(sentence: Sentence, text: str) -> None:
    """What is asked of a sentence later, so that it is remembered then.

    :param sentence: The sentence.
    :param text: It without its leading fillers.
    """
    wording(text)
    content_stems(text)
    reads_alone(sentence, text)


def choose_key_points(
    sentences: Sequence[Sentence],
    ranked: Ranked,
    vectors: Float32Array,
    spans: Sequence[tuple[int, int]],
) -> list[int]:
    """Sentence indices of the key points, in spoken order.

    Each chapter's best comes first, then the best of the rest; each choice is discounted by
    its likeness to those made before.

    :param sentences: The whole episode.
    :param ranked: As ``rank_sentences`` gives it.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param spans: First and one-past-last sentence of each chapter.
    """
    n_words = sum(sentence.n_words for sentence in sentences)
    wanted = min(
        max(round(n_words / WORDS_PER_KEY_POINT), MIN_KEY_POINTS, len(spans)), MAX_KEY_POINTS
    )
    chosen: list[int] = []
    likeness = np.zeros(len(sentences))
    by_weight = sorted(spans, key=lambda span: -float(ranked.scores[slice(*span)].max(initial=0.0)))
    for first, last in [*by_weight, *[(0, len(sentences))] * wanted]:
        if len(chosen) == wanted:
            break
        gain = ranked.scores[first:last] - DIVERSITY * np.maximum(0.0, likeness[first:last])
        gain[ranked.scores[first:last] < MIN_SCORE] = -np.inf
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

    :param ranked: As ``rank_sentences`` gives it.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param max_words: Budget.
    """
    lengths = np.array([len(text.split()) for text in ranked.texts])
    gain = np.where(ranked.fillings > 0, ranked.fillings, -np.inf)
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


def best_in(span: tuple[int, int], ranked: Ranked, usable: Sequence[bool]) -> int | None:
    """Index of a chapter's most salient sentence; its longest usable one if none scores.

    :param span: First and one-past-last sentence.
    :param ranked: As ``rank_sentences`` gives it.
    :param usable: For each sentence, whether it may be shown at all.
    """
    inside = [i for i in range(*span) if usable[i]]
    return max(inside, key=lambda i: (ranked.scores[i], len(ranked.texts[i]), -i), default=None)


def to_extracted_sentence(sentence: Sentence, text: str, score: float) -> ExtractedSentence:
    """The record of a chosen sentence.

    :param sentence: The sentence.
    :param text: It without its leading fillers.
    :param score: 0 to 1, as ``Ranked.carried``.
    """
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
