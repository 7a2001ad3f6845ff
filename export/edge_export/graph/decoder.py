"""A decoder-only model as a graph of onnxruntime's fused operators.

Ten nodes a layer where a traced export has more than two hundred: attention with rotary positions
and its cache in one, norms with the additions before them in one. docs/adr/0011-decoder.md
compares the ways to make such a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge_export.graph.builder import CONTRIB, GraphBuilder, WeightFile
from edge_export.graph.decoder_config import Decoder
from edge_export.graph.weights import Weights

EMBEDDING, HEAD = "model.embed_tokens", "lm_head"
LAST_END = np.iinfo(np.int64).max


def write_decoder(
    architecture: Decoder,
    weights: Weights,
    folder: Path,
    cache_scales: Sequence[CacheScales] | None = None,
) -> None:
    """Write ``model.onnx`` and its weights.

    Inputs: ``input_ids`` (batch, new), ``lengths`` (batch,) int32, tokens of each row with the
    new ones less one, ``total_length`` int32, the greatest of them plus one,
    ``first_logits`` (1,), the first new position that logits are wanted of (-1 for the last
    alone), and the cache, ``past_key_0`` ... (batch, key heads, capacity, head size).
    Outputs: ``logits`` (batch x wanted positions, vocabulary) and the cache, ``present_...``.

    :param architecture: The model's sizes.
    :param weights: Its weights in the wanted precision.
    :param folder: Folder to write to.
    :param cache_scales: Of each layer, for a cache in INT8; None for the precision of the graph.
    """
    with WeightFile(folder) as file:
        _write_graph(GraphBuilder(file), architecture, weights, cache_scales, folder / "model.onnx")


def _write_graph(
    graph: GraphBuilder,
    architecture: Decoder,
    weights: Weights,
    cache_scales: Sequence[CacheScales] | None,
    path: Path,
) -> None:
    graph.input("input_ids", "int64", ["batch", "new"])
    graph.input("lengths", "int32", ["batch"])
    graph.input("total_length", "int32", [])
    graph.input("first_logits", "int64", [1])
    graph.output("logits", "float32", ["wanted", architecture.vocabulary_size])
    layers = _Layers(graph, architecture, weights, cache_scales)
    residual = weights.embed(graph, "input_ids", EMBEDDING, "embedded")
    if architecture.embedding_scale != 1:
        factor = graph.weight("scale", np.array(architecture.embedding_scale, weights.dtype))
        residual = graph.node("Mul", [residual, factor], ["embedded_scaled"])
    hidden = layers.norm(residual, "model.layers.0.input_layernorm", "hidden_0")
    for i in range(architecture.n_layers):
        hidden, residual = layers.attend(i, hidden, residual)
        hidden, residual = layers.feed_forward(i, hidden, residual)
    ends = [graph.weight(f"logits_{k}", np.array([v])) for k, v in (("end", LAST_END), ("axis", 1))]
    wanted = graph.node("Slice", [hidden, "first_logits", *ends], ["wanted"])
    flat = graph.weight("flat_shape", np.array([-1, architecture.hidden_size]))
    rows = graph.node("Reshape", [wanted, flat], ["wanted_rows"])
    head = HEAD if f"{HEAD}.weight" in weights.state else EMBEDDING
    weights.logits(graph, rows, head, "logits")
    graph.save(path)


@dataclass(frozen=True)
class CacheScales:
    """Steps of a layer's cache in INT8, one a channel."""

    keys: Float32Array
    """Shape (key heads x head size,)."""
    values: Float32Array
    """As ``keys``."""


class _Layers:
    """The repeated parts of the graph."""

    def __init__(
        self,
        graph: GraphBuilder,
        architecture: Decoder,
        weights: Weights,
        cache_scales: Sequence[CacheScales] | None,
    ) -> None:
        self.cache_scales = cache_scales
        self.graph = graph
        self.sizes = architecture
        self.weights = weights

    def norm(self, x: str, name: str, output: str) -> str:
        """Root-mean-square norm."""
        return self.graph.node(
            "SimplifiedLayerNormalization",
            [x, self._gamma(name)],
            [output],
            epsilon=self.sizes.norm_epsilon,
            axis=-1,
            stash_type=1,
        )

    def add_and_norm(self, residual: str, x: str, name: str, output: str) -> tuple[str, str]:
        """Sum of two and its norm: (norm, sum)."""
        total = f"{output}_sum"
        self.graph.node(
            "SkipSimplifiedLayerNormalization",
            [residual, x, self._gamma(name)],
            [output, "", "", total],
            domain=CONTRIB,
            epsilon=self.sizes.norm_epsilon,
        )
        return output, total

    def attend(self, i: int, hidden: str, residual: str) -> tuple[str, str]:
        """Self-attention of layer ``i``: (normalized input of what follows, residual)."""
        prefix = f"model.layers.{i}"
        x = self._attention(i, self._queries_keys_values(i, hidden))
        x = self.weights.linear(self.graph, x, [f"{prefix}.self_attn.o_proj"], f"attention_out_{i}")
        if self.sizes.has_output_norms:
            x = self.norm(x, f"{prefix}.post_attention_layernorm", f"attention_norm_{i}")
            return self.add_and_norm(
                residual, x, f"{prefix}.pre_feedforward_layernorm", f"middle_{i}"
            )
        return self.add_and_norm(residual, x, f"{prefix}.post_attention_layernorm", f"middle_{i}")

    def feed_forward(self, i: int, hidden: str, residual: str) -> tuple[str, str]:
        """Gated feed-forward of layer ``i``: (normalized input of what follows, residual)."""
        prefix, graph = f"model.layers.{i}", self.graph
        gate = self.weights.linear(graph, hidden, [f"{prefix}.mlp.gate_proj"], f"gate_{i}")
        up = self.weights.linear(graph, hidden, [f"{prefix}.mlp.up_proj"], f"up_{i}")
        activated = self._activate(gate, f"activated_{i}")
        product = graph.node("Mul", [activated, up], [f"gated_{i}"])
        x = self.weights.linear(graph, product, [f"{prefix}.mlp.down_proj"], f"feed_forward_{i}")
        if self.sizes.has_output_norms:
            x = self.norm(x, f"{prefix}.post_feedforward_layernorm", f"feed_forward_norm_{i}")
        following = f"model.layers.{i + 1}.input_layernorm"
        if i + 1 == self.sizes.n_layers:
            following = "model.norm"
        return self.add_and_norm(residual, x, following, f"hidden_{i + 1}")

    def _gamma(self, name: str) -> str:
        return self.weights.vector(self.graph, f"{name}.weight", self.sizes.norm_offset)

    def _queries_keys_values(self, i: int, hidden: str) -> list[str]:
        """Inputs of the attention: one packed, or three where heads are normalized apart."""
        names = [f"model.layers.{i}.self_attn.{part}_proj" for part in "qkv"]
        packed = self.weights.linear(self.graph, hidden, names, f"qkv_{i}")
        if not self.sizes.has_head_norms:
            return [packed, "", ""]
        heads = (self.sizes.n_heads, self.sizes.n_kv_heads, self.sizes.n_kv_heads)
        widths = self.graph.weight("qkv_widths", np.array(heads, np.int64) * self.sizes.head_size)
        parts = [f"{part}_{i}" for part in "qkv"]
        self.graph.node("Split", [packed, widths], parts, axis=-1)
        normed = [self._head_norm(i, parts[k], "qk"[k], heads[k]) for k in (0, 1)]
        return [*normed, parts[2]]

    def _head_norm(self, i: int, x: str, part: str, n_heads: int) -> str:
        size, graph = self.sizes.head_size, self.graph
        apart = graph.weight(f"{part}_heads", np.array([0, 0, n_heads, size]))
        flat = graph.weight(f"{part}_flat", np.array([0, 0, n_heads * size]))
        heads = graph.node("Reshape", [x, apart], [f"{x}_heads"])
        normed = self.norm(heads, f"model.layers.{i}.self_attn.{part}_norm", f"{x}_normed")
        return graph.node("Reshape", [normed, flat], [f"{x}_flat"])

    def _attention(self, i: int, queries_keys_values: list[str]) -> str:
        graph, sizes = self.graph, self.sizes
        shape: list[str | int] = ["batch", sizes.n_kv_heads, "capacity", sizes.head_size]
        dtype = self.weights.dtype
        scales: list[str] = []
        quantization: dict[str, Any] = {}
        if self.cache_scales is not None:
            steps = self.cache_scales[i]
            scales = [
                *["", "", ""],  # no positions, bias or sink
                graph.weight(f"key_scales_{i}", steps.keys),
                graph.weight(f"value_scales_{i}", steps.values),
            ]
            quantization = {"k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL"}
            quantization["kv_cache_bit_width"] = 8
        cache_dtype = "int8" if scales else dtype
        past = [graph.input(f"past_{part}_{i}", cache_dtype, shape) for part in ("key", "value")]
        present = [f"present_{part}_{i}" for part in ("key", "value")]
        for name in present:
            graph.output(name, cache_dtype, shape)
        rotary = sizes.rotaries[i]
        table = next(k for k, known in enumerate(sizes.rotaries) if known is rotary)
        tables = [
            graph.weight(f"cos_{table}", rotary.cos.astype(dtype)),
            graph.weight(f"sin_{table}", rotary.sin.astype(dtype)),
        ]
        return graph.node(
            "GroupQueryAttention",
            [*queries_keys_values, *past, "lengths", "total_length", *tables, *scales],
            [f"attention_{i}", *present],
            domain=CONTRIB,
            num_heads=sizes.n_heads,
            kv_num_heads=sizes.n_kv_heads,
            scale=sizes.attention_scale,
            do_rotary=1,
            local_window_size=sizes.windows[i],
            **quantization,
        )

    def _activate(self, x: str, output: str) -> str:
        kind = self.sizes.activation
        if kind == "silu":  # x * sigmoid(1 * x)
            return self.graph.node("QuickGelu", [x], [output], domain=CONTRIB, alpha=1.0)
        op = {"gelu_tanh": "FastGelu", "gelu": "Gelu"}[kind]
        return self.graph.node(op, [x], [output], domain=CONTRIB)
