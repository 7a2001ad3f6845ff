"""A small network on measures brought to one scale: what a head is that reads vectors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.runtime.heads import Features
from edge_export.graph.halves import stored_in_half
from edge_export.training.trained_head import SEED

VECTORS = ("vector", "context")
"""Features that are unit vectors: they keep their proportions."""
VECTOR_SCALE = 6.0
"""Unit vectors have small numbers; so much larger, they weigh as much as the other measures."""
IMPOSSIBLE = -1e4
"""Bias of a class that nobody showed."""


@dataclass(frozen=True)
class SmallNetwork:
    """Layers of weights on scaled measures, and the probabilities of classes."""

    mean: Float32Array
    scale: Float32Array
    max_deviation: float
    """A scaled measure that is further from nothing counts as if it were so far."""
    layers: tuple[tuple[Float32Array, Float32Array], ...] = ()
    """Weights, rounded to what FP16 can tell, and bias of each layer."""

    def predict_proba(self, rows: npt.NDArray[np.floating]) -> Float64Array:
        """Probabilities, shape (rows, classes).

        :param rows: Feature matrix.
        """
        values = self.scaled(rows)
        for k, (weights, bias) in enumerate(self.layers):
            values = (np.maximum(values, 0.0) if k else values) @ weights + bias
        powers = np.exp(values.astype(np.float64) - values.max(axis=1, keepdims=True))
        shares: Float64Array = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def scaled(self, rows: npt.NDArray[np.floating]) -> Float32Array:
        """Measures as the first layer reads them.

        :param rows: Feature matrix.
        """
        values = (rows.astype(np.float32) - self.mean) * self.scale
        bounded: Float32Array = np.clip(values, -self.max_deviation, self.max_deviation)
        return bounded

    def to_onnx(self) -> Any:
        """The same as an ONNX model with one input ``rows`` and one output."""
        from onnx import TensorProto, helper, numpy_helper

        limit = np.float32(self.max_deviation)
        constants = {"mean": self.mean, "scale": self.scale, "least": -limit, "most": limit}
        nodes = [
            helper.make_node("Sub", ["rows", "mean"], ["centred"]),
            helper.make_node("Mul", ["centred", "scale"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "least", "most"], ["values"]),
        ]
        values = "values"
        stored, casts = stored_in_half(
            {f"weights_{k}": weights for k, (weights, _) in enumerate(self.layers)}
        )
        nodes += casts
        for k, (_, bias) in enumerate(self.layers):
            constants[f"bias_{k}"] = bias
            if k:
                nodes.append(helper.make_node("Relu", [values], [f"active_{k}"]))
                values = f"active_{k}"
            inputs = [values, f"weights_{k}", f"bias_{k}"]
            values = f"layer_{k}"
            nodes.append(helper.make_node("Gemm", inputs, [values]))
        nodes.append(helper.make_node("Softmax", [values], ["probabilities"], axis=1))
        shape, n_classes = [None, len(self.mean)], len(self.layers[-1][1])
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info("rows", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, n_classes])],
            [
                *stored,
                *(numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()),
            ],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def scaled_network(
    rows: Float32Array, features: Features, names: Sequence[str], max_deviation: float
) -> SmallNetwork:
    """A network that only scales: each column by its mean and deviation, vectors made larger.

    :param rows: What is learned from, shape (rows, columns).
    :param features: Those of any document, for the widths of the columns.
    :param names: Of the features, in the rows' order.
    :param max_deviation: As ``SmallNetwork`` has it.
    """
    mean, scale = rows.mean(axis=0), 1.0 / np.maximum(rows.std(axis=0), 1e-3)
    column = 0
    for name in names:
        width = int(np.prod(features[name].shape[1:]))
        if name in VECTORS:
            mean[column : column + width] = 0.0
            scale[column : column + width] = VECTOR_SCALE
        column += width
    return SmallNetwork(mean.astype(np.float32), scale.astype(np.float32), max_deviation)


def fit_classes(
    blank: SmallNetwork,
    rows: Float32Array,
    classes: npt.NDArray[np.intp],
    n_classes: int,
    *,
    n_hidden: int,
    penalty: float,
    n_epochs: int,
) -> SmallNetwork:
    """A network with a hidden layer, fitted to some rows, always the same.

    :param blank: The scales.
    :param rows: Feature matrix.
    :param classes: Class of each row.
    :param n_classes: Classes in all; one that no row has is never chosen.
    :param n_hidden: Units of the hidden layer.
    :param penalty: Weight of the squares of the weights.
    :param n_epochs: How often each row is seen.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        (n_hidden,),
        alpha=penalty,
        batch_size=256,
        max_iter=n_epochs,
        n_iter_no_change=n_epochs,
        random_state=SEED,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        fitted = network.fit(blank.scaled(rows), classes)
    layers = [
        (weights.astype(np.float32), bias.astype(np.float32))
        for weights, bias in zip(fitted.coefs_, fitted.intercepts_, strict=True)
    ]
    last_weights, last_bias = layers.pop()
    weights = np.zeros((len(last_weights), n_classes), np.float32)
    bias = np.full(n_classes, IMPOSSIBLE, np.float32)
    weights[:, fitted.classes_], bias[fitted.classes_] = last_weights, last_bias
    return _layered(blank, [*layers, (weights, bias)])


def fit_chance(
    blank: SmallNetwork,
    rows: Float32Array,
    is_so: npt.NDArray[np.bool_],
    row_weights: Float64Array,
    penalty: float,
) -> SmallNetwork:
    """A logistic regression: a network without a hidden layer and with two classes.

    :param blank: The scales.
    :param rows: Feature matrix.
    :param is_so: Of each row, whether it is of the second class.
    :param row_weights: What each counts.
    :param penalty: Weight of the squares of the weights.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1.0 / penalty, max_iter=1000)
    fitted.fit(blank.scaled(rows), is_so, sample_weight=row_weights)
    column = fitted.coef_[0]
    weights = np.stack([np.zeros_like(column), column], axis=1).astype(np.float32)
    bias = np.array([0.0, fitted.intercept_[0]], np.float32)
    return _layered(blank, [(weights, bias)])


def _layered(
    blank: SmallNetwork, layers: Sequence[tuple[Float32Array, Float32Array]]
) -> SmallNetwork:
    """A network with these layers, as its file will tell them."""
    rounded = [(weights.astype(np.float16).astype(np.float32), bias) for weights, bias in layers]
    return replace(blank, layers=tuple(rounded))
