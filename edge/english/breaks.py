"""Breaks that a show announces: from the words that lead into one to those that lead back."""

from __future__ import annotations

from collections.abc import Sequence

from edge.english.words import phrases

MAX_BREAK = 40
"""Longest break, in sentences."""

_LEADS_IN = phrases(
    r"take a (?:quick )?(?:moment|minute|second) to (?:tell|talk|mention|thank)",
    r"(?:quick|short|brief) (?:break|word|message|note) (?:from|before|about)",
    r"(?:word|message) from (?:our|the|today['’]s) sponsors?|take a (?:quick|short) break",
    r"brought to you by",
)
_LEADS_BACK = phrases(
    r"(?:back|on|onto|over) to (?:the|our|today['’]s) (?:episode|show|interview|conversation)",
)


def find_breaks(texts: Sequence[str]) -> list[bool]:
    """For each sentence, whether it is of a break that is announced and ended in words.

    :param texts: Sentences in spoken order.
    """
    is_break = [False] * len(texts)
    start: int | None = None
    for i, text in enumerate(texts):
        if _LEADS_IN.search(text):
            start = i
        if _LEADS_BACK.search(text):
            if start is not None and i - start <= MAX_BREAK:
                is_break[start : i + 1] = [True] * (i + 1 - start)
            start = None
    return is_break
