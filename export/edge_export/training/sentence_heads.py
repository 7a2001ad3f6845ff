"""The ``concept``, ``relevance`` and ``salience`` heads: what a human summary would use.

``salience`` reads the scores of the other two, so it is trained on scores that others of them gave
for documents they had not seen (stacking), or it would trust them too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edge.arrays import Float64Array
from edge.extraction.concepts import with_concepts
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

MIN_SENTENCE_WORDS = 4
MAX_SENTENCES = {"document": 250, "part": 40}
"""Sentences taken of one document, so that long ones do not outweigh the rest."""
PART_EVERY = 3
"""Of the parts of documents each third teaches ``concept``."""
CONCEPT_ROWS = 80_000
"""Most rows that teach ``concept``, about: of more some are taken."""


def fit_sentence_heads(examples: Sequence[DocumentExample], log: Log) -> list[TrainedHead]:
    """The ``concept``, ``relevance`` and ``salience`` heads.

    :param examples: Documents with vectors; those without summaries are passed over.
    :param log: Told of each step.
    """
    examples = [example for example in examples if example.document.references]
    log(f"concept, relevance: {len(examples)} documents")
    features: list[dict[str, Float64Array]] = [{}] * len(examples)
    for known, unknown in inner_folds(examples):
        training = [examples[i] for i in known]
        concept, relevance = _fit_concept(training), _fit_relevance(training)
        for i in unknown:
            features[i] = _salience_features(examples[i], concept, relevance)
    log("salience")
    salience = _fit_salience(examples, features)
    return [_fit_concept(examples), _fit_relevance(examples), salience]


def _fit_concept(examples: Sequence[DocumentExample]) -> TrainedHead:
    names = tuple(examples[0].concepts[1])
    chosen = [e for k, e in enumerate(examples) if not e.document.is_part or k % PART_EVERY == 0]
    matrices = [feature_matrix(example.concepts[1], names) for example in chosen]
    rows = well_apart(np.concatenate(matrices))
    labels = np.concatenate([example.used_stems for example in chosen])
    taken = np.random.default_rng(SEED).random(len(rows)) < min(1.0, CONCEPT_ROWS / len(rows))
    model = boosted_trees("binary", 80, 0.08, 12).fit(rows[taken], labels[taken].astype(int))
    head = TrainedHead.of("concept", names, model, rows, len(chosen))
    return replace(head, n_rows=int(taken.sum()))


def _fit_relevance(examples: Sequence[DocumentExample]) -> TrainedHead:
    from sklearn.linear_model import Ridge

    draw = np.random.default_rng(SEED)
    samples = [(example, _sample(example, draw)) for example in examples]
    vectors = np.concatenate([example.vectors[taken] for example, taken in samples])
    targets = np.concatenate([example.overlap[taken] for example, taken in samples])
    ridge = Ridge(alpha=100.0).fit(vectors, targets)
    model = linear_model(ridge.coef_, float(ridge.intercept_))
    return TrainedHead.of("relevance", ("vector",), model, vectors, len(examples))


def _fit_salience(
    examples: Sequence[DocumentExample], features: Sequence[dict[str, Float64Array]]
) -> TrainedHead:
    draw = np.random.default_rng(SEED)
    names = tuple(features[0])
    rows, targets = [], []
    for example, of_document in zip(examples, features, strict=True):
        taken = _sample(example, draw)
        rows.append(feature_matrix(of_document, names)[taken])
        targets.append(example.overlap[taken])
    matrix = well_apart(np.concatenate(rows))
    model = boosted_trees("regression", 250, 0.05, 15).fit(matrix, np.concatenate(targets))
    return TrainedHead.of("salience", names, model, matrix, len(examples))


def _salience_features(
    example: DocumentExample, concept: TrainedHead, relevance: TrainedHead
) -> dict[str, Float64Array]:
    keys, features = example.concepts
    probability = dict(zip(keys, concept.predict(features), strict=True)) if keys else {}
    score = relevance.predict({"vector": example.vectors})
    return with_concepts(example.salience, example.stems, probability, score)


def _sample(example: DocumentExample, draw: np.random.Generator) -> npt.NDArray[np.intp]:
    """Sentences long enough to be shown, at most so many of one document."""
    limit = MAX_SENTENCES["part" if example.document.is_part else "document"]
    indices = np.flatnonzero(example.salience["length"] >= MIN_SENTENCE_WORDS)
    if len(indices) > limit:
        indices = np.sort(draw.choice(indices, limit, replace=False))
    return indices
