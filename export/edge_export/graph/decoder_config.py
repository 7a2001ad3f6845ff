"""What a decoder-only checkpoint's configuration says, in one form for every family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge_export.errors import ExportError
from edge_export.graph.families import DECODER_FAMILIES, refuse_unknown_family

ACTIVATIONS = {"silu": "silu", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu"}


@dataclass(frozen=True)
class Rotary:
    """Cosines and sines of rotary positions."""

    cos: Float32Array
    """Shape (positions, head size / 2)."""
    sin: Float32Array
    """As ``cos``."""


@dataclass(frozen=True)
class Decoder:
    """A stack of attention and feed-forward layers that predicts the next token."""

    n_layers: int
    hidden_size: int
    n_heads: int
    n_kv_heads: int
    head_size: int
    vocabulary_size: int
    context_tokens: int
    norm_epsilon: float
    activation: str
    """One of the values of ``ACTIVATIONS``."""
    attention_scale: float
    windows: tuple[int, ...]
    """Tokens each layer looks back on, itself included; -1 for all."""
    rotaries: tuple[Rotary, ...]
    """One a layer; layers may share one."""
    embedding_scale: float
    norm_offset: float
    """Added to the norms' weights: 1 for Gemma, which stores them around 0."""
    has_output_norms: bool
    """Whether attention and feed-forward are normalized after as well as before."""
    has_head_norms: bool
    """Whether queries and keys are normalized head by head."""


def read_architecture(model: Any, max_context_tokens: int) -> Decoder:
    """The architecture of a loaded model.

    :param model: A transformers causal language model.
    :param max_context_tokens: Longest context to prepare for; the model's own may be shorter.
    :raises ExportError: If the family, or a setting of it, is not known here.
    """
    config = model.config
    refuse_unknown_family(config, "decoder-only", DECODER_FAMILIES)
    activation = getattr(config, "hidden_act", None) or config.hidden_activation
    _refuse_unknown(config, activation, model.model.rotary_emb.rope_type)
    is_gemma = config.model_type == "gemma3_text"
    head_size = (
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )
    context_tokens = min(config.max_position_embeddings, max_context_tokens)
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    return Decoder(
        n_layers=config.num_hidden_layers,
        hidden_size=config.hidden_size,
        n_heads=config.num_attention_heads,
        n_kv_heads=config.num_key_value_heads,
        head_size=head_size,
        vocabulary_size=config.vocab_size,
        context_tokens=context_tokens,
        norm_epsilon=config.rms_norm_eps,
        activation=ACTIVATIONS[activation],
        attention_scale=(config.query_pre_attn_scalar if is_gemma else head_size) ** -0.5,
        windows=tuple(
            config.sliding_window if kind.startswith("sliding") else -1 for kind in kinds
        ),
        rotaries=_rotaries(model.model, kinds, context_tokens),
        embedding_scale=config.hidden_size**0.5 if is_gemma else 1.0,
        norm_offset=1.0 if is_gemma else 0.0,
        has_output_norms=is_gemma,
        has_head_norms=config.model_type in ("qwen3", "gemma3_text"),
    )


def _refuse_unknown(config: Any, activation: str, rotary_kind: str) -> None:
    unknown = {
        "rotary positions that depend on the length": (
            rotary_kind if rotary_kind in ("dynamic", "longrope") else None
        ),
        "activation": None if activation in ACTIVATIONS else activation,
        "softcapping of logits": getattr(config, "final_logit_softcapping", None),
        "softcapping of attention": getattr(config, "attn_logit_softcapping", None),
        "attention in both directions": getattr(config, "use_bidirectional_attention", None),
    }
    for what, value in unknown.items():
        if value:
            raise ExportError(
                f"this {config.model_type} checkpoint has {what} {value!r}, which is not known",
                "Choose another checkpoint of the family.",
            )


def _rotaries(model: Any, kinds: list[str], n_positions: int) -> tuple[Rotary, ...]:
    """The model's own frequencies, scaling included, at every position."""
    tables = {"full_attention": _table(model.rotary_emb, n_positions)}
    if hasattr(model, "rotary_emb_local"):
        tables["sliding_attention"] = _table(model.rotary_emb_local, n_positions)
    return tuple(tables.get(kind, tables["full_attention"]) for kind in kinds)


def _table(rotary: Any, n_positions: int) -> Rotary:
    frequencies = rotary.inv_freq.double().numpy()
    angles = np.arange(n_positions)[:, None] * frequencies
    scale = rotary.attention_scaling
    return Rotary(
        (np.cos(angles) * scale).astype(np.float32), (np.sin(angles) * scale).astype(np.float32)
    )
