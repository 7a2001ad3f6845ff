"""Parts of speech, as far as noun phrases need them, from the word, its ending and neighbours.

A linear model over hashed features, without a search over sequences: docs/adr/0007-phrases.md
tells how it compares with stop-word lists and full taggers.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.arrays import Float64Array
from edge.english.words import words
from edge.records import Sentence
from edge.runtime.heads import Classifier

TAGS = ("noun", "name", "adjective", "other")
N_BUCKETS = 1 << 16
N_REMEMBERED = 1000
"""Words whose hashes are kept, and tokens: a few words make up most of any text. Without, hashing
takes three times as long, and taking tokens apart twice. Stems, shapes and whether a word has
content cost less than to look them up."""
TAGGED_TOGETHER = 256
"""Sentences whose words are judged in one run: their features are many times their text."""
_CLAUSE_END = re.compile(r"[,.;:?!…—)\"”\]]+$")
_CLAUSE_START = re.compile(r"^[(\"“\[—]")


def tag_sentences(sentences: Sequence[Sentence], head: Classifier) -> list[Float64Array]:
    """For each sentence, its words' probabilities of ``TAGS``, shape (words, 4).

    :param sentences: The whole episode.
    :param head: The ``tagger`` head.
    :raises InferenceError: If onnxruntime fails.
    """
    tags: list[Float64Array] = []
    for start in range(0, len(sentences), TAGGED_TOGETHER):
        some = sentences[start : start + TAGGED_TOGETHER]
        rows = map(_feature_rows, (sentence.text.split() for sentence in some))
        features: dict[str, npt.NDArray[Any]] = dict(_columns(itertools.chain.from_iterable(rows)))
        lengths = [sentence.n_words for sentence in some]
        tags += np.split(head.predict_classes(features), np.cumsum(lengths)[:-1])
    return tags


@lru_cache(N_REMEMBERED)
def bare_word(token: str) -> str:
    """The one word in a token without punctuation and possessive; empty if none or several.

    :param token: Text between two spaces.
    """
    inside = words(token)
    return re.sub(r"['’]s$", "", inside[0]) if len(inside) == 1 else ""


def tag_features(tokens: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Hashed features of each token, each of shape (tokens,).

    :param tokens: A sentence, split at spaces.
    """
    return _columns(_feature_rows(tokens))


_WORD_FEATURES = (
    "word", "ending_2", "ending_3", "ending_4", "before", "after", "before_2", "after_2",
    "before_ending", "after_ending",
)  # fmt: skip
_OTHER_FEATURES = ("shape", "shape_and_ending", "before_and_word", "word_and_after")


def _columns(rows: Iterable[tuple[int, ...]]) -> dict[str, npt.NDArray[np.int64]]:
    table = np.array(list(rows), np.int64).reshape(-1, len(_WORD_FEATURES + _OTHER_FEATURES))
    return dict(zip(_WORD_FEATURES + _OTHER_FEATURES, table.T, strict=True))


def _feature_rows(tokens: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """Hashes of each token, in the order of ``_WORD_FEATURES`` and ``_OTHER_FEATURES``."""
    last_words = [(words(token) or ("",))[-1] for token in tokens]
    lowered = [word.lower().replace("’", "'") for word in last_words]
    padded = ["", "", *lowered, "", ""]
    closed = [ends_clause(tokens, i) for i in range(len(tokens) + 1)]
    for i, word in enumerate(lowered):
        shape = _shape(last_words[i], i == 0) if word else ""
        before = "," if closed[i] else lowered[i - 1]
        after = "," if closed[i + 1] else lowered[i + 1]
        here, left, right = _word_hashes(word), _word_hashes(before), _word_hashes(after)
        yield (
            *here[:4],
            left[4],
            right[5],
            _word_hashes(padded[i])[6],
            _word_hashes(padded[i + 4])[7],
            left[8],
            right[9],
            _bucket("shape", shape),
            _bucket("shape_and_ending", f"{shape} {word[-2:]}"),
            _bucket("before_and_word", f"{before[-3:]} {word}"),
            _bucket("word_and_after", f"{word} {after[-3:]}"),
        )


@lru_cache(N_REMEMBERED)
def _word_hashes(word: str) -> tuple[int, ...]:
    """A word's hash in each of ``_WORD_FEATURES``."""
    values = (word, word[-2:], word[-3:], word[-4:], word, word, word, word, word[-3:], word[-3:])
    return tuple(_bucket(*pair) for pair in zip(_WORD_FEATURES, values, strict=True))


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
