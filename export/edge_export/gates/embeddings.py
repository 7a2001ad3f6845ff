"""The gate of a sentence encoder: its vectors lie where PyTorch's lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge_export.errors import GateError
from edge_export.recipe import Gate

N_NEIGHBOURS = 10
BATCH_SIZE = 16


@dataclass(frozen=True)
class ParityReport:
    """Agreement of an exported model with its PyTorch original."""

    n_sentences: int
    mean_cosine: float
    min_cosine: float
    top10_agreement: float
    """Mean share of each sentence's ten nearest that are PyTorch's ten nearest too."""


def torch_embeddings(checkpoint: Path, texts: Sequence[str], max_tokens: int) -> Float32Array:
    """Unit-length, mean-pooled sentence vectors from PyTorch, tokenized by transformers.

    :param checkpoint: Folder with config, weights and tokenizer.
    :param texts: Sentences.
    :param max_tokens: Longer sentences are cut.
    :return: Shape (texts, dimension).
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModel.from_pretrained(checkpoint).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors: list[Float32Array] = [np.empty(0, np.float32)] * len(texts)
    for start in range(0, len(order), BATCH_SIZE):
        batch = order[start : start + BATCH_SIZE]
        inputs = tokenizer(
            [texts[i] for i in batch],
            padding=True,
            truncation=True,
            max_length=max_tokens,
            return_tensors="pt",
        )
        with torch.inference_mode():
            hidden = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        unit = torch.nn.functional.normalize(pooled, dim=1).numpy()
        for row, i in enumerate(batch):
            vectors[i] = unit[row]
    return np.stack(vectors)


def compare(reference: Float32Array, candidate: Float32Array) -> ParityReport:
    """Compare two sets of unit vectors row by row.

    :param reference: PyTorch's, shape (n, dimension).
    :param candidate: The exported model's, same shape.
    """
    cosines = (reference * candidate).sum(axis=1)
    pairs = zip(_nearest(reference), _nearest(candidate), strict=True)
    shared = [len(set(a) & set(b)) / len(a) for a, b in pairs]
    return ParityReport(
        n_sentences=len(reference),
        mean_cosine=round(float(cosines.mean()), 6),
        min_cosine=round(float(cosines.min()), 6),
        top10_agreement=round(float(np.mean(shared)), 6),
    )


def _nearest(vectors: Float32Array) -> list[list[int]]:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argsort(-similarity, axis=1)[:, : min(N_NEIGHBOURS, len(vectors) - 1)]
    result: list[list[int]] = nearest.tolist()
    return result


def certify(report: ParityReport, gate: Gate, precision: str, reference: str) -> Mapping[str, Any]:
    """The certificate of a bundle that passes its gate.

    :param report: What was measured.
    :param gate: What must be reached.
    :param precision: Named in the error.
    :param reference: What it was compared with, and on what.
    :raises GateError: If the export differs too much; the numbers are in the message.
    """
    limits = (
        ("mean cosine", report.mean_cosine, gate.min_mean_cosine),
        ("top-10 agreement", report.top10_agreement, gate.min_top10_agreement),
    )
    failed = [f"{name} {got:.4f} < {least}" for name, got, least in limits if got < least]
    if failed:
        raise GateError(
            f"the {precision} export differs too much from {reference} "
            f"(n = {report.n_sentences}): {', '.join(failed)}",
            "Change the quantization in the recipe (per-channel weights, for example).",
        )
    return {"reference": reference, **asdict(report), "gate": asdict(gate)}
