"""A fitted head and the models that heads are made of, always to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.runtime.heads import Features, feature_matrix

SEED = 0
N_COMPARED_ROWS = 2000
"""Rows that an exported head is compared with its model on."""


@dataclass(frozen=True)
class TrainedHead:
    """A fitted model, the features it reads, and how it was trained."""

    name: str
    features: tuple[str, ...]
    model: Any
    """A linear model or a boosted ensemble with scikit-learn's interface."""
    rows: Float32Array
    """Rows to compare the exported file on."""
    n_documents: int
    n_rows: int

    @classmethod
    def of(
        cls, name: str, features: tuple[str, ...], model: Any, rows: Float32Array, n_documents: int
    ) -> TrainedHead:
        """A head that was just fitted.

        :param name: Of the head.
        :param features: What it reads, in the rows' order.
        :param model: The fitted model.
        :param rows: What it learned from, shape (rows, columns).
        :param n_documents: That the rows are from.
        """
        return cls(name, features, model, rows[:N_COMPARED_ROWS], n_documents, len(rows))

    def predict(self, features: Features) -> Float64Array:
        """Probability of the last class, or the regressed value, as ``Head.predict`` gives it.

        :param features: All features of the rows.
        :return: Shape (rows,).
        """
        return self.predict_classes(features)[:, -1]

    def predict_classes(self, features: Features) -> Float64Array:
        """All outputs of each row, as ``edge.runtime.heads.Head.predict_classes`` gives them.

        :param features: All features of the rows.
        """
        return predict_classes(self.model, feature_matrix(features, self.features))


def predict_classes(model: Any, rows: Float32Array) -> Float64Array:
    """Probability of each class, or the regressed value, shape (rows, outputs).

    :param model: A fitted model.
    :param rows: Feature matrix.
    """
    if hasattr(model, "predict_roles"):
        return np.asarray(model.predict_roles(rows), np.float64)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(rows), np.float64)
    return np.asarray(model.predict(rows), np.float64).reshape(len(rows), -1)


def linear_model(weights: npt.NDArray[np.floating], intercept: float) -> Any:
    """A linear model of scikit-learn with these weights.

    :param weights: Shape (columns,).
    :param intercept: Added to the sum.
    """
    from sklearn.linear_model import LinearRegression

    model = LinearRegression()
    model.coef_ = np.asarray(weights, np.float32)
    model.intercept_ = np.float32(intercept)
    model.n_features_in_ = len(weights)
    return model


def well_apart(rows: Float32Array) -> Float32Array:
    """Rows for trees to learn from, each value in twelve bits of its mantissa.

    A threshold lies between two values that were learned from. Where those differ in their last
    bit only, it is lost in the 32 bits of ONNX, and the exported tree takes the other branch.

    :param rows: Feature matrix.
    """
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32)
    rounded: Float32Array = ((bits + np.uint32(0x400)) & np.uint32(0xFFFFF800)).view(np.float32)
    return rounded


def boosted_trees(objective: str, n_trees: int, learning_rate: float, n_leaves: int) -> Any:
    """Boosted trees of LightGBM; one thread, so that the same data gives the same trees.

    :param objective: ``binary`` or ``regression``.
    :param n_trees: How many.
    :param learning_rate: What each adds.
    :param n_leaves: Most leaves of a tree.
    """
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
