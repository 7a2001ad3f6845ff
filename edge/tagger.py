"""Parts of speech, as far as noun phrases need them, from the word, its ending and neighbours.

A linear model over hashed features, without a search over sequences: docs/adr/0007-phrases.md
tells how it compares with stop-word lists and full taggers.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.heads import Classifier, Scores
from edge.lexicon import REMEMBERED, words
from edge.records import Sentence

TAGS = ("noun", "name", "adjective", "other")
N_BUCKETS = 1 << 16
TAGGED_TOGETHER = 256
"""Sentences whose words are judged in one run: their features are many times their text."""
_CLAUSE_END = re.compile(r"[,.;:?!…—)\"”\]]+$")
_CLAUSE_START = re.compile(r"^[(\"“\[—]")


def tag_sentences(sentences: Sequence[Sentence], head: Classifier) -> list[Scores]:
    """For each sentence, its words' probabilities of ``TAGS``, shape (words, 4).

    :param sentences: The whole episode.
    :param head: The ``tagger`` head.
    :raises InferenceError: If onnxruntime fails.
    """
    tags: list[Scores] = []
    for start in range(0, len(sentences), TAGGED_TOGETHER):
        own = sentences[start : start + TAGGED_TOGETHER]
        values = [_feature_values(sentence.text.split()) for sentence in own]
        features: dict[str, npt.NDArray[Any]] = {
            name: _hashed(name, itertools.chain.from_iterable(each[name] for each in values))
            for name in values[0]
        }
        lengths = [sentence.n_words for sentence in own]
        tags += np.split(head.predict_classes(features), np.cumsum(lengths)[:-1])
    return tags


@lru_cache(REMEMBERED)
def bare_word(token: str) -> str:
    """The one word in a token without punctuation and possessive; empty if none or several.

    :param token: Text between two spaces.
    """
    found = words(token)
    return re.sub(r"['’]s$", "", found[0]) if len(found) == 1 else ""


def tag_features(tokens: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Hashed features of each token, each of shape (tokens,).

    :param tokens: A sentence, split at spaces.
    """
    return {name: _hashed(name, own) for name, own in _feature_values(tokens).items()}


def _feature_values(tokens: Sequence[str]) -> dict[str, list[str]]:
    """What is hashed: feature name -> one text a token."""
    n = len(tokens)
    found = [words(token) for token in tokens]
    lowered = [own[-1].lower().replace("’", "'") if own else "" for own in found]
    shapes = [_shape(own[-1], i == 0) if own else "" for i, own in enumerate(found)]
    padded = ["", "", *lowered, "", ""]
    closed = [ends_clause(tokens, i) for i in range(n + 1)]
    before = ["," if closed[i] else lowered[i - 1] for i in range(n)]
    after = ["," if closed[i + 1] else lowered[i + 1] for i in range(n)]
    return {
        "word": lowered,
        "ending_2": [word[-2:] for word in lowered],
        "ending_3": [word[-3:] for word in lowered],
        "ending_4": [word[-4:] for word in lowered],
        "shape": shapes,
        "before": before,
        "after": after,
        "before_2": padded[:n],
        "after_2": padded[4:],
        "before_ending": [word[-3:] for word in before],
        "after_ending": [word[-3:] for word in after],
        "before_and_word": [f"{b[-3:]} {word}" for b, word in zip(before, lowered, strict=True)],
        "word_and_after": [f"{word} {a[-3:]}" for word, a in zip(lowered, after, strict=True)],
        "shape_and_ending": [f"{s} {word[-2:]}" for s, word in zip(shapes, lowered, strict=True)],
    }


def _hashed(name: str, values: Iterable[str]) -> npt.NDArray[np.int64]:
    return np.array([_bucket(name, value) for value in values], np.int64)


@lru_cache(4 * REMEMBERED)
def _bucket(name: str, value: str) -> int:
    return zlib.crc32(f"{name} {value}".encode()) % N_BUCKETS


def ends_clause(tokens: Sequence[str], i: int) -> bool:
    """Whether a clause ends right before token i; also at both ends of the sentence.

    :param tokens: A sentence, split at spaces.
    :param i: 0 to the number of tokens.
    """
    if i in (0, len(tokens)):
        return True
    return bool(_CLAUSE_END.search(tokens[i - 1]) or _CLAUSE_START.match(tokens[i]))


def _shape(word: str, is_first: bool) -> str:
    if any(character.isdigit() for character in word):
        kind = "digit"
    elif len(word) > 1 and word.isupper():
        kind = "capitals"
    else:
        kind = "capital" if word[0].isupper() else "small"
    return f"{kind}{'-first' if is_first else ''}{'-hyphen' if '-' in word else ''}"
