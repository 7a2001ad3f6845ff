"""Whether this device computes what the workstation did: a bundle's golden sample, run again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edge.generation.generator import Generator
    from edge.runtime.encoder import Encoder

GOLDEN_COSINE = "golden_cosine"
"""Metric of an encoder: lowest cosine between the golden vectors and this device's; 1 is best."""
GOLDEN_NLL_ERROR = "golden_nats_off"
"""Metric of a generator: how far its mean NLL of the golden text is off, in nats a token."""


@dataclass(frozen=True)
class GoldenAgreement:
    """How the golden sample came out, beside what still counts as right."""

    metric: str
    """``golden_cosine`` or ``golden_nats_off``."""
    value: float
    limit: float
    """The least cosine, or the most nats; from the manifest."""

    @property
    def is_right(self) -> bool:
        """Whether the model is run right; a value that is no number is not."""
        if self.metric == GOLDEN_COSINE:
            return self.value >= self.limit
        return self.value <= self.limit


def encoder_agreement(encoder: Encoder) -> GoldenAgreement:
    """Embed the golden texts and compare the vectors.

    :param encoder: A loaded bundle.
    :raises InferenceError: If onnxruntime fails.
    """
    golden = encoder.bundle.manifest.golden
    assert golden is not None  # the manifest of every encoder has one
    expected = np.asarray(golden.embeddings, np.float32)  # (texts, dimension)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    cosine = float((encoder.encode(golden.texts) * expected).sum(axis=1).min())
    return GoldenAgreement(GOLDEN_COSINE, cosine, golden.min_cosine)


def generator_agreement(generator: Generator) -> GoldenAgreement:
    """Score the golden text and compare its mean negative log likelihood.

    :param generator: A loaded bundle.
    :raises InferenceError: If onnxruntime fails.
    """
    golden = generator.spec.golden
    nll_error = abs(generator.mean_nll(golden.text) - golden.nats_per_token)
    return GoldenAgreement(GOLDEN_NLL_ERROR, nll_error, golden.max_difference)
