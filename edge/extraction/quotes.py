"""What makes a sentence a quote or a question that a reader would repeat or want answered."""

from __future__ import annotations

import math

from edge.english.analysis import AnalysedSentence
from edge.english.words import phrases

QUOTE_WORDS = (15, 45)
MIN_READS_ALONE = 0.6
"""A quote has no context to lean on: it must read well alone."""
STANCE_WEIGHT = 0.25
"""What each sign of a stance adds to a sentence's score."""
MAX_STANCES = 3
QUESTION_WORDS = (6, 45)
"""What is longer is a story that ends in a question mark."""
MIN_QUESTION_STEMS = 2

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


def quote_factor(sentence: AnalysedSentence) -> float:
    """How many times its score as a key point a sentence counts as a quote; 0 if it is none.

    A quote has 15 to 45 words and reads alone; it counts the more, the more of a stance it takes.

    :param sentence: Any sentence.
    """
    shortest, longest = QUOTE_WORDS
    fits = shortest <= sentence.n_shown_words <= longest
    if not fits or sentence.reads_alone < MIN_READS_ALONE:
        return 0.0
    return 1.0 + STANCE_WEIGHT * min(MAX_STANCES, len(_STANCE.findall(sentence.shown_text)))


def question_score(sentence: AnalysedSentence, salience: float) -> float:
    """What a sentence is worth as a question; minus infinity for what is none worth showing.

    :param sentence: Any sentence.
    :param salience: Its salience.
    """
    shortest, longest = QUESTION_WORDS
    is_shown = (
        sentence.is_candidate
        and sentence.is_question
        and shortest <= sentence.n_shown_words <= longest
        and len(set(sentence.content_stems)) >= MIN_QUESTION_STEMS
        and not _CHECKS.search(sentence.shown_text)
        and not sentence.wording.small_talk
        and sentence.shown_text.count('"') % 2 == 0
    )
    return max(0.0, salience) * math.sqrt(sentence.fluency) if is_shown else -math.inf
