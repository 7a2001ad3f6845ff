"""How common words are elsewhere: what tells a subject from the words everybody uses.

The ``background`` head is a table of hashed words: in how many stretches of other episodes a word
is said, and how often it is written with a capital. It costs no time to load.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from edge.arrays import Float64Array
from edge.english.words import Rarity
from edge.runtime.heads import Classifier

N_BUCKETS = 1 << 17
HASHES = ("first", "second")
"""A word stands in the table twice. Of its two places the one that others share less is right."""


class WordUse(NamedTuple):
    """How a word is used in episodes that are not this one."""

    rarity: float
    """0 for a word said everywhere, 1 for one that is never said."""
    capitalised: float
    """Share of its uses inside sentences that begin with a capital."""


def buckets(stems: Sequence[str]) -> dict[str, Float64Array]:
    """Where words stand in the table, by hash, each of shape (words,).

    :param stems: As ``edge.english.words.stem`` gives them.
    """
    return {
        name: np.array([zlib.crc32(f"{name} {stem}".encode()) % N_BUCKETS for stem in stems], float)
        for name in HASHES
    }


class Lexicon:
    """What is known of words outside of the episode, asked of the head once a word.

    :param head: The ``background`` head.
    :param rarity: Word to 0 (common in English) to 1 (rare), as the tokenizer tells it.
    """

    def __init__(self, head: Classifier, rarity: Rarity) -> None:
        self.rarity = rarity
        self._head = head
        self._known: dict[str, WordUse] = {}

    def learn(self, stems: Iterable[str]) -> None:
        """Look up many words at once, which is faster than one by one.

        :param stems: As ``edge.english.words.stem`` gives them.
        :raises InferenceError: If onnxruntime fails.
        """
        new = sorted(set(stems) - self._known.keys())
        if new:
            rows = self._head.predict_classes(buckets(new)).tolist()
            self._known.update((stem, WordUse(*row)) for stem, row in zip(new, rows, strict=True))

    def uses(self, stems: Sequence[str]) -> list[WordUse]:
        """How some words are used.

        :param stems: As ``edge.english.words.stem`` gives them.
        :raises InferenceError: If onnxruntime fails.
        """
        self.learn(stems)
        return [self._known[stem] for stem in stems]

    def use(self, stem: str) -> WordUse:
        """How a word is used.

        :param stem: As ``edge.english.words.stem`` gives it.
        :raises InferenceError: If onnxruntime fails.
        """
        if stem not in self._known:
            self.learn([stem])
        return self._known[stem]
