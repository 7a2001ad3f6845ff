"""Tokens of many texts as batches for an encoder: windows of its length, grouped to pad little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Int64Array
from edge.bundles.specs import EncoderSpec


@dataclass(frozen=True)
class Windows:
    """Texts cut into inputs no longer than the model allows."""

    token_ids: list[list[int]]
    """Of each window, with the markers around it."""
    text_indices: list[int]
    """The text each window is of."""


def cut_windows(token_ids: Sequence[Sequence[int]], spec: EncoderSpec) -> Windows:
    """Cut texts into windows; a text without tokens is a window of markers alone.

    :param token_ids: Of each text, without markers.
    :param spec: The model's length and markers.
    """
    windows = Windows([], [])
    n_tokens = spec.max_tokens - 2
    for i, ids in enumerate(token_ids):
        for start in range(0, max(1, len(ids)), n_tokens):
            part = ids[start : start + n_tokens]
            windows.token_ids.append([spec.cls_token_id, *part, spec.sep_token_id])
            windows.text_indices.append(i)
    return windows


def batches_by_length(windows: Windows, batch_tokens: int) -> Iterator[list[int]]:
    """Indices of windows of like lengths; longest first bounds memory early.

    The groups do not depend on the threads: company changes an INT8 vector a little.

    :param windows: All windows.
    :param batch_tokens: Most tokens of a batch, padding included.
    """
    lengths = [len(ids) for ids in windows.token_ids]
    batch: list[int] = []
    longest = 0
    for k in sorted(range(len(lengths)), key=lambda k: (-lengths[k], k)):
        longest = longest or lengths[k]
        if batch and (len(batch) + 1) * longest > batch_tokens:
            yield batch
            batch, longest = [], lengths[k]
        batch.append(k)
    if batch:
        yield batch


def pad(token_ids: Sequence[Sequence[int]], pad_token_id: int) -> tuple[Int64Array, Int64Array]:
    """One array of windows, and 1 where there are tokens; both of shape (windows, longest).

    :param token_ids: Of each window.
    :param pad_token_id: Fills up the shorter ones.
    """
    shape = (len(token_ids), max(map(len, token_ids)))
    input_ids = np.full(shape, pad_token_id, np.int64)
    attention_mask = np.zeros(shape, np.int64)
    for row, ids in enumerate(token_ids):
        input_ids[row, : len(ids)] = ids
        attention_mask[row, : len(ids)] = 1
    return input_ids, attention_mask
