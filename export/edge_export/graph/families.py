"""Families of models whose checkpoints are understood, by ``model_type`` of their configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge_export.errors import ExportError

DECODER_FAMILIES = ("llama", "qwen2", "qwen3", "gemma3_text")
SEQ2SEQ_FAMILIES = ("t5", "bart", "pegasus")


def refuse_unknown_family(config: Any, kind: str, families: Sequence[str]) -> None:
    """Refuse a checkpoint that no graph can be written of.

    :param config: The checkpoint's configuration, of transformers.
    :param kind: What the families have in common, as the error says it.
    :param families: Those that are known.
    :raises ExportError: If it is of another one.
    """
    if config.model_type not in families:
        raise ExportError(
            f"models of type {config.model_type!r} cannot be exported",
            f"Known {kind} families are: {', '.join(families)}.",
        )
