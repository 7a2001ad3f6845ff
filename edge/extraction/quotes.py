"""Notable quotes and the questions asked: what a reader would repeat or want answered."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.fluency import SMALL_TALK, fluency, reads_alone
from edge.english.words import content_stems, phrases
from edge.extraction.selection import Ranked
from edge.records import Sentence

QUOTE_WORDS = (15, 45)
MIN_FITNESS = 0.6
"""A quote has no context to lean on: it must read well alone."""
WORDS_PER_QUOTE = 1500
MAX_QUOTES = 8
SAME_QUOTE = 0.7
"""Cosine above which two quotes, or a quote and a key point, say the same."""
STANCE_WEIGHT = 0.25
"""What each sign of a stance adds to a sentence's salience."""
MAX_STANCES = 3
QUESTION_WORDS = (6, 45)
"""What is longer is a story that ends in a question mark."""
MIN_QUESTION_STEMS = 2
MAX_QUESTIONS = 12
WORDS_PER_QUESTION = 500

_STANCE = phrases(
    r"I (?:really |truly |strongly )?(?:think|believe|feel|love|hate|hope|wish|realized)\b",
    r"(?:should|must|never|always|nobody|everybody|everyone|nothing|everything)\b",
    r"(?:most|best|worst|biggest|hardest|easiest|only) \w+",
    r"(?:not|\w+n['’]t) (?:just |only |really )?[^.]{3,40}\b(?:but|rather|it['’]s)\b",
    r"(?:important|matters?|problem|mistake|beautiful|amazing|terrible|crazy|surpris)",
    r"(?:if you|the (?:point|truth|reality|reason|key|idea|trick|thing) is|the more)\b",
)
_CHECKS = phrases(
    r"(?:right|correct|okay|ok|yeah|huh|you know|isn['’]t it|does(?:n['’]t)? that make sense)\?$",
    r"(?:how are you|how['’]s it going|can you hear|are you (?:there|ready)|make sense\?)",
)


def choose_quotes(
    sentences: Sequence[Sentence],
    ranked: Ranked,
    vectors: Float32Array,
    taken: Collection[int],
) -> list[int]:
    """Sentences of 15 to 45 words that take a stance and read alone, in spoken order.

    :param sentences: The whole episode.
    :param ranked: As ``rank_sentences`` gives it.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param taken: Sentences shown elsewhere; quotes say something else.
    """
    wanted = min(MAX_QUOTES, 1 + sum(s.n_words for s in sentences) // WORDS_PER_QUOTE)
    shortest, longest = QUOTE_WORDS
    gain = np.full(len(sentences), -np.inf)
    for i, text in enumerate(ranked.texts):
        fits = shortest <= len(text.split()) <= longest and ranked.scores[i] > 0
        if fits and i not in taken and reads_alone(sentences[i], text) >= MIN_FITNESS:
            stances = min(MAX_STANCES, len(_STANCE.findall(text)))
            gain[i] = ranked.scores[i] * (1.0 + STANCE_WEIGHT * stances)
    shown = list(taken)
    chosen: list[int] = []
    for i in np.argsort(-gain, kind="stable"):
        if len(chosen) == wanted or not np.isfinite(gain[i]):
            break
        if not shown or float((vectors[shown] @ vectors[i]).max()) < SAME_QUOTE:
            chosen.append(int(i))
            shown.append(int(i))
    return sorted(chosen)


def choose_questions(
    sentences: Sequence[Sentence],
    texts: Sequence[str],
    usable: Sequence[bool],
    salience: Float64Array,
) -> list[int]:
    """The most salient and fluent questions, in spoken order; none where none is punctuated.

    :param sentences: The whole episode.
    :param texts: The sentences without their leading fillers.
    :param usable: For each sentence, whether it may be shown at all.
    :param salience: As ``edge.extraction.salience.predict_salience`` gives it, shape (sentences,).
    """
    asked = [
        i
        for i, (sentence, text) in enumerate(zip(sentences, texts, strict=True))
        if usable[i]
        and sentence.is_question
        and QUESTION_WORDS[0] <= len(text.split()) <= QUESTION_WORDS[1]
        and len(set(content_stems(text))) >= MIN_QUESTION_STEMS
        and not _CHECKS.search(text)
        and not SMALL_TALK.search(text)
        and text.count('"') % 2 == 0
    ]
    n_words = sum(sentence.n_words for sentence in sentences)
    wanted = min(MAX_QUESTIONS, 1 + n_words // WORDS_PER_QUESTION)
    asked.sort(key=lambda i: (-max(0.0, float(salience[i])) * math.sqrt(fluency(texts[i])), i))
    return sorted(asked[:wanted])
