"""Texts that end a generation, and what of a growing text is final before it is whole."""

from __future__ import annotations

from collections.abc import Sequence

UNFINISHED = "\ufffd"
"""What a tokenizer makes of the first bytes of a character."""


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """A text up to the first stop text in it.

    :param text: Any.
    :param stop: Stop texts.
    """
    starts = [start for start in map(text.find, stop) if start >= 0]
    return text[: min(starts)] if starts else text


def n_final(text: str, stop: Sequence[str]) -> int:
    """Characters that stay however a text goes on: no half character, no begun stop text.

    :param text: As far as it is generated.
    :param stop: Stop texts.
    """
    unfinished = len(text) - len(text.rstrip(UNFINISHED))
    begun = [n for s in stop for n in range(1, len(s)) if text.endswith(s[:n])]
    return len(text) - max([unfinished, *begun])
