"""The ``support`` head: whether a passage bears a sentence that was written about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.abstractive.grounding import source_passage
from edge.abstractive.support import support_features
from edge.arrays import Float64Array
from edge.english.fillers import without_lead
from edge.runtime.encoder import Encoder
from edge.runtime.heads import feature_matrix
from edge_export.data.claims import Claims
from edge_export.training.trained_head import TrainedHead, boosted_trees, well_apart


@dataclass(frozen=True)
class SupportRows:
    """All claims, measured."""

    features: dict[str, Float64Array]
    kinds: tuple[str, ...]
    """Of each, as in ``Claims``."""
    shows: tuple[str, ...]
    """Show or kind of meeting that each is about."""


def measure_claims(claims: Sequence[Claims], encoder: Encoder) -> SupportRows:
    """What the head reads of all claims.

    :param claims: As ``read_claims`` gives them.
    :param encoder: The model.
    """
    columns: dict[str, list[Float64Array]] = defaultdict(list)
    kinds: list[str] = []
    shows: list[str] = []
    for of_document in claims:
        document = of_document.document
        texts = [without_lead(sentence.text) for sentence in document.sentences]
        speakers = [sentence.speaker for sentence in document.sentences]
        vectors = encoder.encode([*texts, *of_document.texts])
        passage = source_passage(texts, vectors[: len(texts)], speakers)
        rows = support_features(of_document.texts, vectors[len(texts) :], passage, encoder.rarity)
        for name, values in rows.items():
            columns[name].append(values)
        kinds += of_document.kinds
        shows += [document.group] * len(of_document.texts)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return SupportRows(joined, tuple(kinds), tuple(shows))


def fit_support_head(rows: SupportRows, n_documents: int) -> TrainedHead:
    """The ``support`` head.

    :param rows: As ``measure_claims`` gives them.
    :param n_documents: Passages they are about, for the record.
    """
    names = tuple(rows.features)
    matrix = well_apart(feature_matrix(rows.features, names))
    labels = np.array([kind == "" for kind in rows.kinds], int)
    # As many supported as spoilt: what is written is mostly supported, and is not to be dropped.
    weights = np.where(labels == 1, (labels == 0).sum() / max(1, labels.sum()), 1.0)
    model = boosted_trees("binary", 150, 0.05, 12).fit(matrix, labels, sample_weight=weights)
    return TrainedHead.of("support", names, model, matrix, n_documents)


def held_out_scores(rows: SupportRows) -> Float64Array:
    """Each claim's support by a head that saw no claim of its show.

    :param rows: As ``measure_claims`` gives them.
    """
    shows = np.array(rows.shows)
    scores = np.zeros(len(shows))
    for show in sorted(set(rows.shows)):
        inside = shows == show
        head = fit_support_head(_select(rows, ~inside), 0)
        scores[inside] = head.predict(_select(rows, inside).features)
    return scores


def area_under_curve(scores: Float64Array, kinds: Sequence[str], kind: str | None = None) -> float:
    """Chance that a supported sentence scores above a spoilt one.

    :param scores: Of each claim.
    :param kinds: Of each claim.
    :param kind: Only spoilt sentences of this kind; None for all.
    """
    from sklearn.metrics import roc_auc_score

    compared = [k for k, claim_kind in enumerate(kinds) if kind is None or claim_kind in ("", kind)]
    labels = [kinds[k] == "" for k in compared]
    return float(roc_auc_score(labels, scores[compared]))


def _select(rows: SupportRows, mask: npt.NDArray[np.bool_]) -> SupportRows:
    indices = np.flatnonzero(mask)
    return SupportRows(
        {name: values[indices] for name, values in rows.features.items()},
        tuple(rows.kinds[i] for i in indices),
        tuple(rows.shows[i] for i in indices),
    )
