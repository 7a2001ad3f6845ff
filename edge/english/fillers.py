"""Sentences as a digest shows them: without leading fillers, else word for word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import overload

from edge.english.words import REMEMBERED
from edge.records import Sentence

_LEAD = re.compile(
    r"""^(?:(?:and|so|but|yeah|yes|yep|right|okay|ok|alright|all\s+right|well|now|oh|um|uh|hmm
    |like|sure|cool|great|exactly|you\s+know|i\s+mean|i\s+guess|actually|basically|honestly
    |again|anyway)(?:,\s+|\.\.\.\s+)
    |(?:and|but|so)\s+(?!(?:that|far|much|many|long|on|forth|called)\b))+""",
    re.I | re.X,
)


@lru_cache(REMEMBERED)
def without_lead(text: str) -> str:
    """A sentence without leading fillers ("Yeah, so ..."); the rest is verbatim.

    :param text: A sentence.
    """
    rest = _LEAD.sub("", text, count=1)
    if rest == text and not text[:1].islower():
        return text  # the same string, not a second one
    return rest[:1].upper() + rest[1:] if rest else text


class ShownTexts(Sequence[str]):
    """Sentences without their leading fillers, made when asked: of a long episode, most once.

    :param sentences: The whole episode.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._sentences = sentences

    def __len__(self) -> int:
        return len(self._sentences)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return ShownTexts(self._sentences[place])
        return without_lead(self._sentences[place].text)
