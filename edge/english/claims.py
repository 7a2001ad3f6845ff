"""What a written sentence claims: its names, numbers, denials and words, and whom it speaks to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from edge.english.words import FUNCTION_WORDS, is_content_word, stem, words

DENIAL_REACH_WORDS = 4
"""Words after a denial that it can concern."""
MIN_DENIED_LETTERS = 3
"""A shorter word is none that could be denied ("it", "to")."""
MIN_VERB_LETTERS = 4
"""A shorter word that is no content word is a small one: it says nothing by itself."""
MIN_STEM_LETTERS = 3
"""Letters that must be left of a word for an ending to be cut."""
_DENIALS = frozenset("not no never nobody nothing none neither nor cannot without hardly".split())
_NUMBER_WORDS = {
    word: str(value)
    for value, names in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
    for word in (names,)
} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80",
    "ninety": "90", "hundred": "100", "thousand": "1000", "million": "1000000",
    "billion": "1000000000", "half": "0.5", "twice": "2", "once": "1", "first": "1",
    "second": "2", "third": "3", "both": "2",
}  # fmt: skip
_UNCERTAIN = frozenset(
    "want wants wanted wish hope hopes hoping try tries trying plan plans planning might may maybe "
    "perhaps possibly probably could would should if unless whether".split()
)
_ASKS = re.compile(r"\b(?:ask|asks|asked|asking|question|questions|wonders?|wondered)\b", re.I)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_GENDERED = (
    {"he": "they", "him": "them", "his": "their", "himself": "themselves"},
    {"she": "they", "her": "their", "hers": "theirs", "herself": "themselves"},
)
_VERB_AFTER = re.compile(r"\b([Hh]e|[Ss]he) (\w+)")
_ADDRESSED = re.compile(
    r"\b(?:you|your|yours|yourself|we|our|ours|us|my|me|mine)\b|\bI\b(?!/)", re.I
)


def names_in(text: str) -> list[str]:
    """Words of a text written as names: with a capital or a digit, not just begun with.

    The first word counts as one only if it has a capital or a digit inside.

    :param text: A written sentence.
    """
    names = []
    for k, word in enumerate(words(text)):
        bare = re.sub(r"['’]s?$", "", word)
        is_mixed = any(c.isupper() for c in bare[1:]) or any(c.isdigit() for c in bare)
        if not bare[:1].isalpha() or bare == "I":
            continue
        if (bare[0].isupper() and k > 0) or is_mixed:
            names.append(bare)
    return names


def numbers_in(text: str) -> list[str]:
    """Numbers of a text as digits, whether they are written in digits or in words.

    :param text: Any text.
    """
    numbers = [number.replace(",", "").rstrip(".") for number in _NUMBER.findall(text)]
    for word in words(text):
        parts = word.lower().split("-")
        numbers += [_NUMBER_WORDS[part] for part in parts if part in _NUMBER_WORDS]
    return numbers


def denied_stems(text: str) -> set[str]:
    """Stems of the content words that a denial stands before.

    :param text: Any text.
    """
    text_words = words(text)
    denied: set[str] = set()
    for k, word in enumerate(text_words):
        lowered = word.lower().replace("’", "'")
        if lowered in _DENIALS or lowered.endswith("n't"):
            following = text_words[k + 1 : k + 1 + DENIAL_REACH_WORDS]
            denied.update(bare_stem(w) for w in following if len(w) >= MIN_DENIED_LETTERS)
    return denied


def is_uncertain(text: str) -> bool:
    """Whether a sentence says what is wished, possible or the case on a condition, no fact.

    :param text: A written or a spoken sentence.
    """
    return not _UNCERTAIN.isdisjoint(word.lower() for word in words(text))


def reports_question(text: str) -> bool:
    """Whether a sentence says that something is asked.

    :param text: A written sentence.
    """
    return bool(_ASKS.search(text))


def speaks_to_reader(text: str) -> bool:
    """Whether a sentence addresses someone or speaks of itself: a summary reports.

    :param text: A written sentence.
    """
    return bool(_ADDRESSED.search(text))


def without_invented_gender(claim: str, spoken: frozenset[str]) -> str:
    """A claim without a "he" or "she" that its evidence does not say.

    A model fine-tuned on others' meetings takes a speaker for a man; the transcript of a voice
    does not tell.

    :param claim: A written sentence.
    :param spoken: Words of the evidence, in small letters.
    """
    for gendered in _GENDERED:
        if spoken.isdisjoint(gendered):
            claim = _VERB_AFTER.sub(partial(_as_they, gendered=gendered), claim)
            for word, neutral in gendered.items():
                claim = re.sub(rf"\b{word}\b", neutral, claim)
                claim = re.sub(rf"\b{word.capitalize()}\b", neutral.capitalize(), claim)
    return claim


def _as_they(match: re.Match[str], gendered: Mapping[str, str]) -> str:
    """A pronoun and its verb: "He thinks" to "The speaker thinks", "he thinks" to "they think"."""
    pronoun, verb = match.groups()
    if pronoun.lower() not in gendered:
        return match[0]
    if match.start() == 0:
        return f"The speaker {verb}"
    plural = {"was": "were", "is": "are", "has": "have", "does": "do", "goes": "go"}
    if verb in plural:
        return f"they {plural[verb]}"
    is_third_person = verb.endswith("s") and not verb.endswith(("ss", "us"))
    return f"they {verb[:-1] if is_third_person else verb}"


def long_stems(text: str) -> list[str]:
    """Stems of the words that say something: verbs, too, cut so that their forms meet.

    :param text: Any text.
    """
    return [
        bare_stem(word)
        for word in words(text)
        if is_content_word(word)
        or (len(word) >= MIN_VERB_LETTERS and word.lower() not in FUNCTION_WORDS)
    ]


def bare_stem(word: str) -> str:
    """A key under which the forms of a verb meet, too (``decide``, ``decided``, ``deciding``).

    :param word: One word.
    """
    key = stem(word)
    for ending in ("ing", "ed", "er", "ly", "e"):
        if len(key) - len(ending) >= MIN_STEM_LETTERS and key.endswith(ending):
            return key[: -len(ending)]
    return key
