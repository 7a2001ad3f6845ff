"""A low-rank adapter: two thin matrices beside each of a checkpoint's own.

Added to the weights where those are kept finely. To weights of 4 bits it stays beside: what was
learned is smaller than their steps and would be rounded away (docs/adr/0013-summarizer.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import AnyArray
from edge.bundles.manifest import file_sha256
from edge_export.errors import RecipeError

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
_PREFIX, _DOWN, _UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True)
class LowRank:
    """What is added to one layer: ``up @ (down @ x)``."""

    down: AnyArray
    """Shape (rank, inputs)."""
    up: AnyArray
    """Shape (outputs, rank), the adapter's scale included."""


def read_adapter(folder: Path) -> dict[str, LowRank]:
    """The adapter's matrices by the checkpoint's names of the layers, in FP32.

    :param folder: As peft's ``save_pretrained`` writes it.
    :raises RecipeError: If it is not there or not a plain LoRA adapter.
    """
    from safetensors.numpy import load_file

    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS_FILE)
        scale = config["lora_alpha"] / config["r"]
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"cannot read the adapter in {folder}: {error}",
            "It is part of a checkout of the project; build there, or train it again.",
        ) from error
    if config.get("use_dora") or config.get("use_rslora") or config.get("bias") != "none":
        raise RecipeError(
            f"the adapter in {folder} is no plain LoRA adapter", "Train one without DoRA or biases."
        )
    return {
        name.removeprefix(_PREFIX).removesuffix(_DOWN): LowRank(
            tensor.astype(np.float32),
            tensors[name.removesuffix(_DOWN) + _UP].astype(np.float32) * np.float32(scale),
        )
        for name, tensor in tensors.items()
        if name.endswith(_DOWN)
    }


def add_adapter(model: Any, adapter: Mapping[str, LowRank]) -> None:
    """Add an adapter to a model's own weights.

    :param model: Of transformers, the checkpoint the adapter was trained on.
    :param adapter: As ``read_adapter`` gives it.
    """
    import torch

    with torch.no_grad():
        for name, low in adapter.items():
            weight = model.get_submodule(name).weight
            weight += torch.from_numpy(low.up) @ torch.from_numpy(low.down)


def adapter_origin(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, for the record.

    :param folder: Of the adapter.
    """
    return {name: file_sha256(folder / name) for name in (CONFIG_FILE, WEIGHTS_FILE)}
