"""Learn the heads from documents, on a processor, in minutes, always to the same bytes.

A head that reads another head's scores is trained on scores the other gave for documents it
had not seen (stacking), or it would trust them too much.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.english.words import Rarity
from edge.extraction.boundary_features import (
    boundary_features,
    opening_features,
    with_opening,
)
from edge.extraction.concepts import concept_features, with_concepts
from edge.extraction.salience import salience_features
from edge.extraction.segmentation import may_begin
from edge.runtime.heads import Features, feature_matrix
from edge_export.data.documents import Document

SEED = 0
N_INNER_FOLDS = 4
OPENING_NEGATIVES = 12
"""Places without a boundary for each place with one, where the ``opening`` head learns."""
BOUNDARY_NEGATIVE_SHARE = 0.25
"""Share of the places without a boundary the ``boundary`` head learns from, weighted up."""
MIN_SENTENCE_WORDS = 4
MAX_SENTENCES = {"meeting": 250, "part": 40}
"""Sentences taken of one document, so that long ones do not outweigh the rest."""
PAIR_WEIGHT = 2.0
"""Weight of word pairs beside single words in the overlap with a human summary."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class TrainedHead:
    """A fitted model, the features it reads, and how it was trained."""

    name: str
    features: tuple[str, ...]
    model: Any
    """A linear model or a boosted ensemble with scikit-learn's interface."""
    rows: npt.NDArray[np.float32]
    """Rows to compare the exported file on."""
    n_documents: int
    n_rows: int

    def predict(self, features: Features) -> Float64Array:
        """One score a row, as ``edge.runtime.heads.Head.predict`` gives it.

        :param features: All features of the rows.
        """
        return predict_rows(self.model, feature_matrix(features, self.features))

    def predict_classes(self, features: Features) -> Float64Array:
        """All outputs of each row, as ``edge.runtime.heads.Head.predict_classes`` gives them.

        :param features: All features of the rows.
        """
        return predict_classes(self.model, feature_matrix(features, self.features))


def predict_rows(model: Any, rows: npt.NDArray[np.float32]) -> Float64Array:
    """Probability of the last class, or the regressed value, shape (rows,).

    :param model: A fitted model.
    :param rows: Feature matrix.
    """
    return predict_classes(model, rows)[:, -1]


def predict_classes(model: Any, rows: npt.NDArray[np.float32]) -> Float64Array:
    """Probability of each class, or the regressed value, shape (rows, outputs).

    :param model: A fitted model.
    :param rows: Feature matrix.
    """
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(rows), np.float64)
    return np.asarray(model.predict(rows), np.float64).reshape(len(rows), 1)


class Example:
    """A document with its vectors; what is measured of it is measured once.

    :param document: The document.
    :param vectors: Its sentences' vectors, shape (sentences, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    """

    def __init__(self, document: Document, vectors: Float32Array, rarity: Rarity) -> None:
        self.document = document
        self.vectors = vectors
        self.rarity = rarity

    @cached_property
    def sentences(self) -> list[AnalysedSentence]:
        """The document's."""
        return [analyse_sentence(sentence) for sentence in self.document.sentences]

    @cached_property
    def stems(self) -> list[tuple[str, ...]]:
        """Content stems of each sentence."""
        return [sentence.content_stems for sentence in self.sentences]

    @cached_property
    def salience(self) -> dict[str, Float64Array]:
        """``edge.extraction.salience.salience_features``."""
        return salience_features(self.sentences, self.vectors, self.rarity)

    @cached_property
    def concepts(self) -> tuple[list[str], dict[str, Float64Array]]:
        """``edge.extraction.salience.concept_features``."""
        return concept_features(self.stems, self.salience, self.rarity)

    @cached_property
    def boundary(self) -> dict[str, Float64Array]:
        """``edge.extraction.segmentation.boundary_features``."""
        return boundary_features(self.sentences, self.vectors)

    @cached_property
    def places(self) -> npt.NDArray[np.intp]:
        """Sentences before which a chapter may begin."""
        return np.flatnonzero(may_begin(self.document.sentences))

    @cached_property
    def is_boundary(self) -> npt.NDArray[np.bool_]:
        """Whether a chapter begins with the sentence, for each sentence."""
        marks = np.zeros(len(self.document.sentences), bool)
        marks[self.document.chapter_starts] = True
        return marks

    @cached_property
    def overlap(self) -> Float64Array:
        """Share of each sentence's words and word pairs that its human summaries use."""
        texts = [sentence.shown_text for sentence in self.sentences]
        shares: Float64Array = np.mean(
            [_overlap(texts, r) for r in self.document.references], axis=0
        )
        return shares

    @cached_property
    def used_stems(self) -> npt.NDArray[np.bool_]:
        """For each of ``concepts``, whether a human summary uses it."""
        used = {word for reference in self.document.references for word in rouge_words(reference)}
        return np.array([used.issuperset(rouge_words(key)) for key in self.concepts[0]], bool)


def rouge_words(text: str) -> list[str]:
    """Lower-case words, stemmed as ROUGE does.

    :param text: Any text.
    """
    from rouge_score.tokenize import tokenize

    words: list[str] = tokenize(text, _stemmer())
    return words


def stem_word(word: str) -> str:
    """A word's Porter stem.

    :param word: In small letters.
    """
    stem: str = _stemmer().stem(word)
    return stem


@cache
def _stemmer() -> Any:
    """A Porter stemmer that stems a word once: stemming took most of the training's time."""
    from nltk.stem.porter import PorterStemmer

    stemmer = PorterStemmer()
    stemmer.stem = cache(stemmer.stem)
    return stemmer


def _overlap(texts: Sequence[str], reference: str) -> Float64Array:
    words = rouge_words(reference)
    known, pairs = set(words), set(itertools.pairwise(words))
    shares = []
    for text in texts:
        own = rouge_words(text)
        own_pairs = list(itertools.pairwise(own))
        single = sum(word in known for word in own) / max(1, len(own))
        double = sum(pair in pairs for pair in own_pairs) / max(1, len(own_pairs))
        shares.append(single + PAIR_WEIGHT * double)
    return np.array(shares)


def inner_folds(examples: Sequence[Example]) -> Iterator[tuple[list[int], list[int]]]:
    """(training, held-out) indices; parts of one document stay together.

    :param examples: Documents.
    """
    owners = sorted({example.document.episode for example in examples})
    order = np.random.default_rng(SEED).permutation(len(owners))
    fold = {owner: int(k) % N_INNER_FOLDS for owner, k in zip(owners, order, strict=True)}
    of = [fold[example.document.episode] for example in examples]
    for k in range(N_INNER_FOLDS):
        yield [i for i, f in enumerate(of) if f != k], [i for i, f in enumerate(of) if f == k]


def fit_chapter_heads(examples: Sequence[Example], log: Log) -> list[TrainedHead]:
    """The ``opening`` and ``boundary`` heads.

    :param examples: Documents with vectors, each also cut into other sentences or not; those
        without boundaries are passed over.
    :param log: Told of each step.
    """
    examples = [example for example in examples if example.document.boundaries is not None]
    log(f"opening: {len(examples)} documents")
    opening: list[Float64Array] = [np.zeros(0)] * len(examples)
    for known, unknown in inner_folds(examples):
        head = _fit_opening([examples[i] for i in known])
        for i in unknown:
            opening[i] = head.predict(opening_features(examples[i].vectors))
    log("boundary")
    draw = np.random.default_rng(SEED)
    columns: list[dict[str, Float64Array]] = []
    labels, weights = [], []
    for example, scores in zip(examples, opening, strict=True):
        features = with_opening(example.boundary, scores, example.document.sentences)
        marks = example.is_boundary[example.places]
        kept = marks | (draw.random(len(marks)) < BOUNDARY_NEGATIVE_SHARE)
        columns.append({name: values[example.places][kept] for name, values in features.items()})
        labels.append(marks[kept])
        weights.append(np.where(marks[kept], 1.0, 1.0 / BOUNDARY_NEGATIVE_SHARE))
    names = tuple(columns[0])
    rows = np.concatenate([feature_matrix(own, names) for own in columns])
    model = boosted_trees("binary", 400, 0.03, 12).fit(
        rows, np.concatenate(labels).astype(int), sample_weight=np.concatenate(weights)
    )
    n_documents = len({example.document.id for example in examples})
    boundary = TrainedHead("boundary", names, model, rows[:2000], n_documents, len(rows))
    return [_fit_opening(examples), boundary]


def _fit_opening(examples: Sequence[Example]) -> TrainedHead:
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(SEED)
    names = ("vector_before", "vector")
    rows, labels = [], []
    for example in examples:
        marks = example.is_boundary[example.places]
        share = OPENING_NEGATIVES * max(1, int(marks.sum())) / max(1, len(marks))
        kept = marks | (draw.random(len(marks)) < share)
        rows.append(feature_matrix(opening_features(example.vectors), names)[example.places][kept])
        labels.append(marks[kept])
    matrix = np.concatenate(rows)
    classifier = LogisticRegression(C=0.02, class_weight="balanced", max_iter=200)
    classifier.fit(matrix, np.concatenate(labels))
    model = _linear(classifier.coef_[0], float(classifier.intercept_[0]))  # log-odds
    n_documents = len({example.document.id for example in examples})
    return TrainedHead("opening", names, model, matrix[:2000], n_documents, len(matrix))


def fit_sentence_heads(examples: Sequence[Example], log: Log) -> list[TrainedHead]:
    """The ``concept``, ``relevance`` and ``salience`` heads.

    :param examples: Documents with vectors; those without summaries are passed over.
    :param log: Told of each step.
    """
    examples = [example for example in examples if example.document.references]
    log(f"concept, relevance: {len(examples)} documents")
    extra: list[dict[str, Float64Array]] = [{}] * len(examples)
    for known, unknown in inner_folds(examples):
        concept, relevance = _fit_helpers([examples[i] for i in known])
        for i in unknown:
            extra[i] = _with_helpers(examples[i], concept, relevance)
    log("salience")
    draw = np.random.default_rng(SEED)
    names = tuple(extra[0])
    rows, targets = [], []
    for example, features in zip(examples, extra, strict=True):
        taken = _sample(example, draw)
        rows.append(feature_matrix(features, names)[taken])
        targets.append(example.overlap[taken])
    matrix = np.concatenate(rows)
    model = boosted_trees("regression", 250, 0.05, 15).fit(matrix, np.concatenate(targets))
    salience = TrainedHead("salience", names, model, matrix[:2000], len(examples), len(matrix))
    return [*_fit_helpers(examples), salience]


def _fit_helpers(examples: Sequence[Example]) -> tuple[TrainedHead, TrainedHead]:
    """The ``concept`` and ``relevance`` heads."""
    from sklearn.linear_model import Ridge

    names = tuple(examples[0].concepts[1])
    whole = [e for k, e in enumerate(examples) if "#" not in e.document.id or k % 3 == 0]
    rows = np.concatenate([feature_matrix(example.concepts[1], names) for example in whole])
    labels = np.concatenate([example.used_stems for example in whole])
    taken = np.random.default_rng(SEED).random(len(rows)) < min(1.0, 80_000 / len(rows))
    model = boosted_trees("binary", 80, 0.08, 12).fit(rows[taken], labels[taken].astype(int))
    concept = TrainedHead("concept", names, model, rows[:2000], len(whole), int(taken.sum()))
    draw = np.random.default_rng(SEED)
    samples = [_sample(example, draw) for example in examples]
    vectors = np.concatenate([e.vectors[own] for e, own in zip(examples, samples, strict=True)])
    targets = np.concatenate([e.overlap[own] for e, own in zip(examples, samples, strict=True)])
    ridge = Ridge(alpha=100.0).fit(vectors, targets)
    linear = _linear(ridge.coef_, float(ridge.intercept_))
    relevance = TrainedHead(
        "relevance", ("vector",), linear, vectors[:2000], len(examples), len(vectors)
    )
    return concept, relevance


def _with_helpers(
    example: Example, concept: TrainedHead, relevance: TrainedHead
) -> dict[str, Float64Array]:
    keys, features = example.concepts
    probability = dict(zip(keys, concept.predict(features), strict=True)) if keys else {}
    score = relevance.predict({"vector": example.vectors})
    return with_concepts(example.salience, example.stems, probability, score)


def _sample(example: Example, draw: np.random.Generator) -> npt.NDArray[np.intp]:
    """Sentences long enough to be shown, at most so many of one document."""
    limit = MAX_SENTENCES["part" if "#" in example.document.id else "meeting"]
    places = np.flatnonzero(example.salience["length"] >= MIN_SENTENCE_WORDS)
    if len(places) > limit:
        places = np.sort(draw.choice(places, limit, replace=False))
    return places


def _linear(weights: npt.NDArray[np.floating], intercept: float) -> Any:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression()
    model.coef_ = np.asarray(weights, np.float32)
    model.intercept_ = np.float32(intercept)
    model.n_features_in_ = len(weights)
    return model


def boosted_trees(objective: str, n_trees: int, learning_rate: float, n_leaves: int) -> Any:
    """Boosted trees; one thread, so that the same data gives the same trees."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if objective == "binary" else LGBMRegressor
    return kind(
        n_estimators=n_trees,
        learning_rate=learning_rate,
        num_leaves=n_leaves,
        min_child_samples=40,
        reg_lambda=5.0,
        colsample_bytree=0.5,
        random_state=SEED,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
