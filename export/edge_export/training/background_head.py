"""The ``background`` head: a hashed table of how common words are in episodes nobody annotated.

Counted in stretches of equal length, so that a word said in one long episode only stays rare.
None of these episodes is learned from in another way: a head that reads rarity reads it alike of
what it learns from and of what it is for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.arrays import Float64Array
from edge.english.words import stem, words
from edge.extraction.lexicon import HASHES, N_BUCKETS, buckets
from edge_export.training.trained_head import N_COMPARED_ROWS, TrainedHead

STRETCH_WORDS = 1000
MIN_STRETCHES = 2
"""A word of one stretch only is as good as unknown, and would crowd the table."""
N_LEVELS = 16
"""Steps of a word's logarithmic count, and of its share of capitals: half a byte each."""


@dataclass(frozen=True)
class WordTable:
    """Words' counts and capitals, hashed: a byte a place, the count in its upper half."""

    table: npt.NDArray[np.uint8]
    """Shape (hashes * N_BUCKETS,)."""

    def predict_classes(self, features: Any) -> Float64Array:
        """As the head gives it.

        :param features: As ``edge.extraction.lexicon.buckets`` gives them.
        """
        return self.predict(np.column_stack([features[name] for name in HASHES]))

    def predict(self, rows: npt.NDArray[np.floating]) -> Float64Array:
        """Rarity and share of capitals, shape (rows, 2).

        :param rows: Place of each word by each hash, shape (rows, hashes).
        """
        places = rows.astype(np.int64) + N_BUCKETS * np.arange(len(HASHES))
        packed = self.table[places].min(axis=1).astype(np.float64)
        level = np.floor(packed / N_LEVELS)
        top = N_LEVELS - 1
        return np.column_stack([1.0 - level / top, (packed - N_LEVELS * level) / top])

    def to_onnx(self) -> Any:
        """The same as an ONNX model with one input ``rows`` and one output."""
        from onnx import TensorProto, helper, numpy_helper

        top = N_LEVELS - 1
        constants = {
            "table": self.table,
            "shift": (N_BUCKETS * np.arange(len(HASHES))).astype(np.int64),
            "levels": np.float32(N_LEVELS),
            "top": np.float32(top),
        }
        nodes = [
            helper.make_node("Cast", ["rows"], ["buckets"], to=TensorProto.INT64),
            helper.make_node("Add", ["buckets", "shift"], ["places"]),
            helper.make_node("Gather", ["table", "places"], ["bytes"]),
            helper.make_node("Cast", ["bytes"], ["each"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMin", ["each"], ["packed"], axes=[1], keepdims=1),
            helper.make_node("Div", ["packed", "levels"], ["share"]),
            helper.make_node("Floor", ["share"], ["level"]),
            helper.make_node("Mul", ["level", "levels"], ["upper"]),
            helper.make_node("Sub", ["packed", "upper"], ["lower"]),
            helper.make_node("Sub", ["top", "level"], ["unsaid"]),
            helper.make_node("Concat", ["unsaid", "lower"], ["both"], axis=1),
            helper.make_node("Div", ["both", "top"], ["use"]),
        ]
        graph = helper.make_graph(
            nodes,
            "background",
            [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, len(HASHES)])],
            [helper.make_tensor_value_info("use", TensorProto.FLOAT, [None, 2])],
            [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def fit_background(texts: Iterable[Sequence[str]]) -> TrainedHead:
    """The ``background`` head.

    :param texts: Turns of each episode.
    """
    said: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    capitalised: Counter[str] = Counter()
    n_documents = n_stretches = 0
    for turns in texts:
        n_documents += 1
        for stretch in _stretches(turns):
            n_stretches += 1
            said.update({stem(word) for spoken in stretch for word in spoken})
            later = [word for spoken in stretch for word in spoken[1:]]
            inside.update(map(stem, later))
            capitalised.update(stem(word) for word in later if word[0].isupper())
    known = sorted(word for word, n in said.items() if n >= MIN_STRETCHES)
    top = N_LEVELS - 1
    scale = top / math.log1p(n_stretches)
    levels = np.rint([scale * math.log1p(said[word]) for word in known])
    names = np.rint([top * capitalised[word] / max(1, inside[word]) for word in known])
    table = np.zeros(len(HASHES) * N_BUCKETS, np.uint8)
    rows = np.column_stack(list(buckets(known).values()))
    packed = (N_LEVELS * levels + names).astype(np.uint8)
    for k in range(len(HASHES)):
        np.maximum.at(table, rows[:, k].astype(np.int64) + k * N_BUCKETS, packed)
    compared = rows[:N_COMPARED_ROWS].astype(np.float32)
    return TrainedHead("background", HASHES, WordTable(table), compared, n_documents, len(known))


def _stretches(turns: Sequence[str]) -> Iterator[list[tuple[str, ...]]]:
    """Words of each turn, the turns together about ``STRETCH_WORDS`` words."""
    stretch: list[tuple[str, ...]] = []
    n_words = 0
    for turn in turns:
        spoken = words(turn)
        stretch.append(spoken)
        n_words += len(spoken)
        if n_words >= STRETCH_WORDS:
            yield stretch
            stretch, n_words = [], 0
    if stretch:
        yield stretch
