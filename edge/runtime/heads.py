"""Learned heads: small ONNX models that judge sentences by their features.

A head names the features it wants, so the code that measures and the model that judges
cannot drift apart unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from edge.arrays import Float32Array, Float64Array, FloatArray
from edge.bundles.files import external_data_paths
from edge.bundles.manifest import Bundle
from edge.bundles.specs import HeadSpec
from edge.errors import BundleError
from edge.runtime.session import Session

Features = Mapping[str, FloatArray]
"""Feature name -> one value a row, shape (rows,); or a matrix, shape (rows, columns)."""

HEAD_NAMES = (
    "reader", "tagger", "background", "phrase", "subject", "entity", "syntax", "span", "title",
)  # fmt: skip


def feature_matrix(features: Features, names: tuple[str, ...]) -> Float32Array:
    """Named features side by side, shape (rows, columns).

    :param features: All that was measured.
    :param names: Which are wanted, in order.
    :raises KeyError: If one was not measured.
    """
    return np.column_stack([features[name] for name in names]).astype(np.float32)


class Classifier(Protocol):
    """Whatever gives probabilities of classes: a head, or the model it will be made of."""

    def predict_classes(self, features: Features) -> Float64Array:
        """All outputs of each row, shape (rows, outputs).

        :param features: All features of the rows.
        """
        ...


class Head:
    """One head, loaded.

    :param bundle: The bundle it belongs to; its files were verified.
    :param spec: What the manifest says of it.
    :raises BundleError: If it refers to files outside the bundle.
    :raises InferenceError: If onnxruntime cannot load it.
    """

    def __init__(self, bundle: Bundle, spec: HeadSpec) -> None:
        self.spec = spec
        model = bundle.path(spec.file)
        if external_data_paths(model):
            raise BundleError(f"{model} refers to other files", "Build the bundle again.")
        self._session = Session(model, 1)

    def predict(self, features: Features) -> Float64Array:
        """One score a row: the last class's probability, or the regressed value.

        :param features: All features of the rows.
        :raises BundleError: If the head wants a feature this program does not measure.
        :raises InferenceError: If onnxruntime fails.
        """
        scores: Float64Array = self.predict_classes(features)[:, -1]
        return scores

    def predict_classes(self, features: Features) -> Float64Array:
        """All outputs of each row, shape (rows, outputs).

        :param features: All features of the rows.
        :raises BundleError: If the head wants a feature this program does not measure.
        :raises InferenceError: If onnxruntime fails.
        """
        try:
            rows = feature_matrix(features, self.spec.features)
        except KeyError as error:
            raise BundleError(
                f"head {self.spec.name!r} wants the feature {error}, unknown to this program",
                "Update edge-insights, or build the bundle with its version.",
            ) from error
        if not len(rows):
            return np.zeros((0, 1))
        output = self._session.run({name: rows for name in self._session.inputs})
        return output.reshape(len(rows), -1).astype(np.float64)


def load_heads(bundle: Bundle) -> dict[str, Head]:
    """The bundle's heads by name; empty for a bundle that has none.

    :param bundle: A bundle whose files were verified.
    :raises BundleError: If a head is not self-contained.
    :raises InferenceError: If onnxruntime cannot load one.
    """
    return {spec.name: Head(bundle, spec) for spec in bundle.manifest.heads}


def require_heads(bundle: Bundle) -> None:
    """Check that a bundle can make a digest.

    :param bundle: Any bundle.
    :raises BundleError: If a head is missing.
    """
    missing = sorted(set(HEAD_NAMES) - {spec.name for spec in bundle.manifest.heads})
    if missing:
        raise BundleError(
            f"bundle {bundle.id} lacks the heads {', '.join(missing)}",
            "Train them with 'edge-export train', or use the default model.",
        )
