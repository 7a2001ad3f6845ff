"""The gate of a model that writes: the seed texts are as likely to it as to PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge.generation.sampling import log_softmax
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.errors import ExportError, GateError
from edge_export.recipe import GenerationGate

Tokens = list[int]
Scores = Callable[[Tokens], tuple[Float32Array, Sequence[int]]]
"""From a text to the scores of its tokens, shape (n, vocabulary), and these n tokens."""


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


def seed_windows(tokenizer: Any, seeds: Path, n_tokens: int, first: int = 0) -> list[Tokens]:
    """The same stretch of each seed's spoken text, without times, as tokens.

    :param tokenizer: Of transformers.
    :param seeds: Folder of transcripts.
    :param n_tokens: Length of a stretch.
    :param first: Where it begins.
    :raises ExportError: If there are no seeds.
    """
    paths = sorted(seeds.glob("*.txt"))
    if not paths:
        raise ExportError(
            f"no seed transcripts (*.txt) in {seeds}",
            "Run from a clone of the project, or give a folder of transcripts with --seeds.",
        )
    windows = []
    for path in paths:
        text = " ".join(s.text for s in rebuild_sentences(read_transcript(path)))
        ids: Tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        windows.append(ids[first : first + n_tokens])
    return [window for window in windows if len(window) > 1]


def compare(reference: Scores, candidate: Scores, windows: Sequence[Tokens]) -> PerplexityReport:
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
