"""Sentences as a digest shows them: without leading fillers, else word for word."""

from __future__ import annotations

import re

_LEAD = re.compile(
    r"""^(?:(?:and|so|but|yeah|yes|yep|right|okay|ok|alright|all\s+right|well|now|oh|um|uh|hmm
    |like|sure|cool|great|exactly|you\s+know|i\s+mean|i\s+guess|actually|basically|honestly
    |again|anyway)(?:,\s+|\.\.\.\s+)
    |(?:and|but|so)\s+(?!(?:that|far|much|many|long|on|forth|called)\b))+""",
    re.I | re.X,
)


def without_lead(text: str) -> str:
    """A sentence without leading fillers ("Yeah, so ..."); the rest is verbatim.

    :param text: A sentence.
    """
    rest = _LEAD.sub("", text, count=1)
    if rest == text and not text[:1].islower():
        return text  # the same string, not a second one
    return rest[:1].upper() + rest[1:] if rest else text
