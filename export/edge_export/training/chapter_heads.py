"""The ``opening`` and ``boundary`` heads: where a chapter begins.

``boundary`` reads the scores of ``opening``, so it is trained on scores that another ``opening``
gave for documents it had not seen (stacking), or it would trust them too much.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import Float64Array
from edge.extraction.boundary_features import opening_features, with_opening
from edge.runtime.heads import feature_matrix
from edge_export.log import Log
from edge_export.training.document_example import DocumentExample, inner_folds
from edge_export.training.trained_head import (
    SEED,
    TrainedHead,
    boosted_trees,
    linear_model,
    well_apart,
)

OPENING_NEGATIVES = 12
"""Places without a boundary for each place with one, where the ``opening`` head learns."""
BOUNDARY_NEGATIVE_SHARE = 0.25
"""Share of the places without a boundary the ``boundary`` head learns from, weighted up."""


def fit_chapter_heads(examples: Sequence[DocumentExample], log: Log) -> list[TrainedHead]:
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
    return [_fit_opening(examples), _fit_boundary(examples, opening)]


def _fit_opening(examples: Sequence[DocumentExample]) -> TrainedHead:
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(SEED)
    names = ("vector_before", "vector")
    rows, labels = [], []
    for example in examples:
        marks = example.is_boundary[example.candidate_starts]
        share = OPENING_NEGATIVES * max(1, int(marks.sum())) / max(1, len(marks))
        kept = marks | (draw.random(len(marks)) < share)
        features = feature_matrix(opening_features(example.vectors), names)
        rows.append(features[example.candidate_starts][kept])
        labels.append(marks[kept])
    matrix = np.concatenate(rows)
    classifier = LogisticRegression(C=0.02, class_weight="balanced", max_iter=200)
    classifier.fit(matrix, np.concatenate(labels))
    model = linear_model(classifier.coef_[0], float(classifier.intercept_[0]))  # log-odds
    return TrainedHead.of("opening", names, model, matrix, _n_documents(examples))


def _fit_boundary(
    examples: Sequence[DocumentExample], opening: Sequence[Float64Array]
) -> TrainedHead:
    draw = np.random.default_rng(SEED)
    columns: list[dict[str, Float64Array]] = []
    labels, weights = [], []
    for example, scores in zip(examples, opening, strict=True):
        features = with_opening(example.boundary, scores, example.document.sentences)
        candidates = example.candidate_starts
        marks = example.is_boundary[candidates]
        kept = marks | (draw.random(len(marks)) < BOUNDARY_NEGATIVE_SHARE)
        columns.append({name: values[candidates][kept] for name, values in features.items()})
        labels.append(marks[kept])
        weights.append(np.where(marks[kept], 1.0, 1.0 / BOUNDARY_NEGATIVE_SHARE))
    names = tuple(columns[0])
    matrices = [feature_matrix(of_document, names) for of_document in columns]
    rows = well_apart(np.concatenate(matrices))
    model = boosted_trees("binary", 400, 0.03, 12).fit(
        rows, np.concatenate(labels).astype(int), sample_weight=np.concatenate(weights)
    )
    return TrainedHead.of("boundary", names, model, rows, _n_documents(examples))


def _n_documents(examples: Sequence[DocumentExample]) -> int:
    """Documents, each cut into other sentences counted once."""
    return len({example.document.id for example in examples})
