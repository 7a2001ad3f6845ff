"""Cold opens: a show's first words that are cut from what is said later, to tease."""

from __future__ import annotations

from collections.abc import Sequence

from edge.english.words import words
from edge.records import Sentence

COLD_OPEN_SHARE = 0.05
"""A cold open lies in this first part of the words."""
_SHINGLE = 5
_MIN_SHARED = 0.5
"""Share of a sentence's five-word shingles said again later."""
_MIN_COLD_OPEN_WORDS = 8


def find_cold_open(sentences: Sequence[Sentence]) -> list[bool]:
    """For each sentence, whether it is of the opening and said again later.

    :param sentences: The whole episode.
    """
    flags = [False] * len(sentences)
    total = sum(s.n_words for s in sentences)
    opening: list[int] = []
    seen = 0
    for i, sentence in enumerate(sentences):
        seen += sentence.n_words
        if seen > max(COLD_OPEN_SHARE * total, 60):
            break
        opening.append(i)
    if not opening or len(opening) == len(sentences):
        return flags
    of_opening = {shingle for i in opening for shingle in _shingles(sentences[i].text)}
    again: set[tuple[str, ...]] = set()
    for sentence in sentences[opening[-1] + 1 :]:
        again |= of_opening.intersection(_shingles(sentence.text))
    for i in opening:
        shingles = _shingles(sentences[i].text)
        if shingles and sum(s in again for s in shingles) >= _MIN_SHARED * len(shingles):
            flags[i] = sentences[i].n_words >= _MIN_COLD_OPEN_WORDS
    last = max((i for i in opening if flags[i]), default=-1)
    first = next((i for i in opening if flags[i]), 0)
    if first <= 2:  # short sentences between the repeated ones belong to the same cut
        flags[: last + 1] = [True] * (last + 1)
    return flags


def _shingles(text: str) -> list[tuple[str, ...]]:
    lowered = [word.lower() for word in words(text)]
    return [tuple(lowered[i : i + _SHINGLE]) for i in range(len(lowered) - _SHINGLE + 1)]
