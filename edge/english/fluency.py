"""How one English sentence reads: fluently, and on its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge.english.wording import WordingCounts
from edge.english.words import FINITE_VERBS, PRONOUNS, phrases

MIN_WORDS, IDEAL_WORDS, MAX_WORDS = 7, (12, 34), 60
"""Of a sentence that reads well on its own."""

_SPEECH_IN_SPEECH = phrases(r"(?:was|were|is|be|i['’]m|it['’]s) like,")
_ADDRESSED = re.compile(
    r"^(?:your\b|(?:\w+, )?you(?:['’]ve|['’]re"
    r"| (?:went|were|did|said|mentioned|worked|started|had|told))\b)",
    re.I,
)
_REPEATED = re.compile(r"\b(\w+ \w+(?: \w+)?),.{0,20}\b\1\b", re.I)
_RESTART = re.compile(
    r"\b(?:of|the|an?|my|your|our|their|(?:I|you|we|they)['’](?:ve|re|m)|it['’]s|there['’]s),\s",
    re.I,
)
"""A comma where no sentence has one: the speaker began again ("a lot of, there have been")."""
_FINITE = phrases(
    r"(?:am|is|are|was|were|has|have|had|do|does|did|can|could|will|would|shall|should|may|might"
    r"|must|cannot|\w+n['’]t|\w+['’](?:s|re|ve|m|ll|d))\b"
)
_UNSURE = phrases(r"i don['’]t know|(?:i['’]m )?not sure (?:if|whether|what|how)")
_CONNECTIVE = re.compile(
    r"^(?:then|therefore|also|because|which|or|like|otherwise|instead)\b", re.I
)


def fluency(text: str, wording: WordingCounts) -> float:
    """0.3 to 1: fewer fillers, stutters and false starts are better.

    :param text: A sentence as it would be shown.
    :param wording: Counted in it.
    """
    n_fillers = wording.fillers + wording.filler_phrases
    n_repeats = wording.stutters + len(_REPEATED.findall(text))
    n_restarts = wording.false_starts + len(_RESTART.findall(text))
    return max(0.3, 1.0 - 0.15 * (n_fillers + 3 * n_repeats + 2 * n_restarts))


def has_verb(text: str, lowered: Sequence[str]) -> bool:
    """Whether a sentence has a form of a verb that can carry it.

    :param text: A sentence.
    :param lowered: Its words in small letters.
    """
    return bool(_FINITE.search(text)) or not FINITE_VERBS.isdisjoint(map(_without_clitic, lowered))


def independence(text: str, lowered: Sequence[str], is_verbal: bool, asks_assent: bool) -> float:
    """0 to 1: how little a sentence leans on what was said before it, by its length and wording.

    :param text: A sentence as it would be shown.
    :param lowered: Its words in small letters.
    :param is_verbal: Whether it has a verb.
    :param asks_assent: Whether it ends in "right?".
    """
    if not lowered:
        return 0.0
    factor = _length_fitness(len(lowered))
    bare = [_without_clitic(word) for word in lowered[:4]]
    if bare[0] in PRONOUNS:
        factor *= 0.6
    elif any(word in PRONOUNS for word in bare[1:]):
        factor *= 0.85
    if _ADDRESSED.match(text) or text[:1].islower():
        factor *= 0.6
    if _UNSURE.search(text):
        factor *= 0.7
    if _CONNECTIVE.match(text):
        factor *= 0.8
    if _SPEECH_IN_SPEECH.search(text) or asks_assent:
        factor *= 0.5
    if not is_verbal:
        factor *= 0.6
    return factor


def _length_fitness(n_words: int) -> float:
    """1 for a sentence of usual length, less for shorter and longer ones, never below 0."""
    shortest, longest = IDEAL_WORDS
    too_short = max(0, shortest - n_words) / (shortest - MIN_WORDS)
    too_long = max(0, n_words - longest) / (MAX_WORDS - longest)
    return max(0.0, 1.0 - 0.5 * (too_short + too_long))


def _without_clitic(word: str) -> str:
    """What stands before an apostrophe: "he" of "he's"."""
    return word.replace("’", "'").partition("'")[0]
