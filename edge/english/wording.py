"""What of a sentence's wording tells how much it says, and how fluently: counted once."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from edge.english.words import FILLERS, PRONOUNS, phrases

_FILLER_PHRASE = phrases(r"(?:you know|i mean|kind of|sort of|i guess|or whatever|and stuff)\b")
_FALSE_START = re.compile(r"(?:\.\.\.|…|—|--|-)(?:\s|$)")
_SMALL_TALK = phrases(
    r"thank(?:s| you)|pleasure|welcome|appreciate (?:it|you|your)|see you\b|bye\b|hello\b",
    r"nice to (?:meet|see|have)|great to (?:meet|see|have|talk)|happy to be",
    r"excited to (?:talk|have|be)|good (?:morning|afternoon|evening)",
    r"(?:great|good|interesting|fair|excellent) (?:question|point)\b",
    r"my (?:first|next|last|final) question|does that (?:make sense|answer)",
)
_NUMBER = phrases(r"(?:one|two|three|four|five|ten|hundred|thousand|million|percent)\b|\d")
_DECISION = phrases(r"(?:should|need to|have to|must|will|going to|want to|decided?|agree)\b")
_REASON = phrases(r"(?:because|therefore|so that|which means|in order|means that|reason)\b")
_WEIGHT = phrases(
    r"(?:important|main|problem|idea|key|goal|point|issue|basically|essentially|propos(?:e|al))\b"
)
_WE = frozenset(["we", "our", "us", "we'll", "we've"])
_I = frozenset(["i", "i'm", "i've", "i'd"])
_YOU = frozenset(["you", "your"])
_GLUE = frozenset(["the", "of", "to", "and", "a", "in"])

_STUTTER = re.compile(
    r"\b(\w+(?:['’]\w+)?(?: \w+){0,3}),?(?: you know,| like,| uh,| um,)? \1\b", re.I
)
_STUTTER_TOKENS = 7
"""From a word to its repetition: four words, one of them with an apostrophe, and "you know"."""
_TOKEN = re.compile(r"\w+")


class WordingCounts(NamedTuple):
    """How often a sentence has each of these."""

    words: int
    names: int
    """Words with a capital, but for the first and "I"."""
    commas: int
    numbers: int
    fillers: int
    filler_phrases: int
    """Such as "you know"."""
    stutters: int
    false_starts: int
    small_talk: int
    """Greetings, thanks and what else is said out of politeness."""
    pronouns: int
    glue: int
    """The six commonest words of English."""
    we: int
    i: int
    you: int
    cue_decision: int
    cue_reason: int
    cue_weight: int


def count_wording(text: str, lowered: Sequence[str]) -> WordingCounts:
    """What a sentence's wording tells.

    :param text: The sentence as it would be shown.
    :param lowered: Its words in small letters.
    """
    return WordingCounts(
        words=len(lowered),
        names=_count_names(text),
        commas=text.count(","),
        numbers=len(_NUMBER.findall(text)),
        fillers=_count_of(FILLERS, lowered),
        filler_phrases=len(_FILLER_PHRASE.findall(text)),
        stutters=_count_stutters(text),
        false_starts=len(_FALSE_START.findall(text)),
        small_talk=len(_SMALL_TALK.findall(text)),
        pronouns=_count_of(PRONOUNS, lowered),
        glue=_count_of(_GLUE, lowered),
        we=_count_of(_WE, lowered),
        i=_count_of(_I, lowered),
        you=_count_of(_YOU, lowered),
        cue_decision=len(_DECISION.findall(text)),
        cue_reason=len(_REASON.findall(text)),
        cue_weight=len(_WEIGHT.findall(text)),
    )


def _count_names(text: str) -> int:
    return sum(
        word[:1].isupper() and word.lower() != "i" and not word.startswith(("I'", "I’"))
        for word in text.split()[1:]
    )


def _count_of(group: Collection[str], lowered: Sequence[str]) -> int:
    return sum(word in group for word in lowered)


def _count_stutters(text: str) -> int:
    """How often one to four words are said twice in a row."""
    last: dict[str, int] = {}
    for k, token in enumerate(_TOKEN.findall(text.lower())):
        if k - last.get(token, -_STUTTER_TOKENS - 1) <= _STUTTER_TOKENS:
            return len(_STUTTER.findall(text))  # slow: only where a word comes again soon
        last[token] = k
    return 0
