"""The gate of a model that writes: the seed texts are as likely to it as to PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge.generation.sampling import log_softmax
from edge_export.errors import GateError
from edge_export.gates.seeds import Tokens
from edge_export.recipe import GenerationGate

Scorer = Callable[[Tokens], tuple[Float32Array, Sequence[int]]]
"""From a text to the scores of its tokens, shape (n, vocabulary), and these n tokens."""
GATE_TOKENS = 512
"""Of each seed."""


@dataclass(frozen=True)
class PerplexityReport:
    """How an exported model and its PyTorch original find the same texts."""

    n_tokens: int
    perplexity: float
    reference_perplexity: float
    max_logit_difference: float
    same_best_token: float
    """Share of the tokens before which both find the same token likeliest."""

    @property
    def increase(self) -> float:
        """Of the perplexity, as a share."""
        return self.perplexity / self.reference_perplexity - 1


def torch_scores(model: Any, token_ids: Tokens) -> tuple[Float32Array, Sequence[int]]:
    """PyTorch's scores of a text's tokens; see ``edge.generation.generator.Generator.scores``.

    :param model: Of transformers.
    :param token_ids: The text.
    :return: Shape (n, vocabulary), and the n tokens.
    """
    import torch

    with torch.inference_mode():
        if model.config.is_encoder_decoder:
            ids = torch.tensor([token_ids])
            return model(input_ids=ids, labels=ids).logits[0].numpy(), token_ids
        logits = model(torch.tensor([token_ids])).logits[0]
    return logits[:-1].numpy(), token_ids[1:]


def compare(reference: Scorer, candidate: Scorer, windows: Sequence[Tokens]) -> PerplexityReport:
    """Compare two models on texts.

    :param reference: PyTorch's.
    :param candidate: The exported model's.
    :param windows: The texts.
    """
    losses: list[Float32Array] = []
    reference_losses: list[Float32Array] = []
    differences, same = [], []
    for window in windows:
        expected, targets = reference(window)
        got, _ = candidate(window)
        rows = np.arange(len(targets))
        losses.append(-log_softmax(got)[rows, targets])
        reference_losses.append(-log_softmax(expected)[rows, targets])
        differences.append(float(np.abs(got - expected).max()))
        same.append(got.argmax(axis=1) == expected.argmax(axis=1))
    return PerplexityReport(
        n_tokens=sum(map(len, losses)),
        perplexity=round(float(np.exp(np.concatenate(losses).mean())), 4),
        reference_perplexity=round(float(np.exp(np.concatenate(reference_losses).mean())), 4),
        max_logit_difference=round(max(differences), 6),
        same_best_token=round(float(np.concatenate(same).mean()), 4),
    )


def certify(report: PerplexityReport, gate: GenerationGate, precision: str) -> Mapping[str, Any]:
    """The certificate of a bundle that passes its gate.

    :param report: What was measured.
    :param gate: What must be reached.
    :param precision: Named in the error.
    :raises GateError: If the export differs too much; the numbers are in the message.
    """
    failed = []
    if report.increase > gate.max_perplexity_increase:
        failed.append(
            f"perplexity {report.perplexity:.3f} is {report.increase:.1%} above "
            f"{report.reference_perplexity:.3f}, allowed are {gate.max_perplexity_increase:.1%}"
        )
    limit = gate.max_logit_difference
    if limit is not None and report.max_logit_difference > limit:
        failed.append(f"logits differ by {report.max_logit_difference:.2g}, allowed are {limit}")
    if failed:
        raise GateError(
            f"the {precision} export differs too much from PyTorch fp32 "
            f"(n = {report.n_tokens} tokens): {', '.join(failed)}",
            "Export a higher precision, or start from a checkpoint that is not quantized.",
        )
    return {"reference": "PyTorch fp32, seed texts", **asdict(report), "gate": asdict(gate)}
