"""How one English sentence reads: fluently, and on its own."""

from __future__ import annotations

import re
from functools import lru_cache

from edge.english.words import FILLERS, FINITE_VERBS, PRONOUNS, REMEMBERED, phrases, words
from edge.records import Sentence

MIN_WORDS, IDEAL_WORDS, MAX_WORDS = 7, (12, 34), 60
"""Of a sentence that reads well on its own."""

FILLED = phrases(r"(?:you know|i mean|kind of|sort of|i guess|or whatever|and stuff)\b")
FALSE_START = re.compile(r"(?:\.\.\.|…|—|--|-)(?:\s|$)")
SMALL_TALK = phrases(
    r"thank(?:s| you)|pleasure|welcome|appreciate (?:it|you|your)|see you\b|bye\b|hello\b",
    r"nice to (?:meet|see|have)|great to (?:meet|see|have|talk)|happy to be",
    r"excited to (?:talk|have|be)|good (?:morning|afternoon|evening)",
    r"(?:great|good|interesting|fair|excellent) (?:question|point)\b",
    r"my (?:first|next|last|final) question|does that (?:make sense|answer)",
)
_STUTTER = re.compile(
    r"\b(\w+(?:['’]\w+)?(?: \w+){0,3}),?(?: you know,| like,| uh,| um,)? \1\b", re.I
)
_STUTTER_TOKENS = 7
"""From a word to its repetition: four words, one of them with an apostrophe, and "you know"."""
_TOKEN = re.compile(r"\w+")
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


def reads_alone(sentence: Sentence, text: str) -> float:
    """0 to 1: how well a sentence reads on its own.

    :param sentence: The sentence.
    :param text: It without its leading fillers.
    """
    return _fitness(text, sentence.text.endswith(("right?", "right.")))


@lru_cache(REMEMBERED)
def _fitness(text: str, asks_right: bool) -> float:
    bare = _bare(text)
    if not bare:
        return 0.0
    fitness = _length_fitness(len(bare))
    if bare[0] in PRONOUNS:
        fitness *= 0.6
    elif any(word in PRONOUNS for word in bare[1:4]):
        fitness *= 0.85
    if _ADDRESSED.match(text) or text[:1].islower():
        fitness *= 0.6
    if _UNSURE.search(text):
        fitness *= 0.7
    if _CONNECTIVE.match(text):
        fitness *= 0.8
    if _SPEECH_IN_SPEECH.search(text) or asks_right:
        fitness *= 0.5
    if not has_verb(text):
        fitness *= 0.6
    return fitness * fluency(text)


def _length_fitness(n_words: int) -> float:
    """1 for a sentence of usual length, less for shorter and longer ones, never below 0."""
    shortest, longest = IDEAL_WORDS
    too_short = max(0, shortest - n_words) / (shortest - MIN_WORDS)
    too_long = max(0, n_words - longest) / (MAX_WORDS - longest)
    return max(0.0, 1.0 - 0.5 * (too_short + too_long))


def has_verb(text: str) -> bool:
    """Whether a sentence has a form of a verb that can carry it.

    :param text: A sentence.
    """
    return bool(_FINITE.search(text)) or not FINITE_VERBS.isdisjoint(_bare(text))


def _bare(text: str) -> list[str]:
    """Words in small letters, without what follows an apostrophe."""
    return [re.split("['’]", word.lower())[0] for word in words(text)]


def fluency(text: str) -> float:
    """0.3 to 1: fewer fillers, stutters and false starts are better.

    :param text: A sentence.
    """
    fillers = len(FILLED.findall(text)) + sum(word.lower() in FILLERS for word in words(text))
    fillers += 3 * count_stutters(text) + 3 * len(_REPEATED.findall(text))
    fillers += 2 * (len(FALSE_START.findall(text)) + len(_RESTART.findall(text)))
    return max(0.3, 1.0 - 0.15 * fillers)


@lru_cache(REMEMBERED)
def count_stutters(text: str) -> int:
    """How often one to four words are said twice in a row.

    :param text: A sentence.
    """
    last: dict[str, int] = {}
    for place, token in enumerate(_TOKEN.findall(text.lower())):
        if place - last.get(token, -_STUTTER_TOKENS - 1) <= _STUTTER_TOKENS:
            return len(_STUTTER.findall(text))  # slow: only where a word comes again soon
        last[token] = place
    return 0
