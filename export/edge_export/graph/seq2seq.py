"""An encoder-decoder model as two graphs of onnxruntime's fused operators on one file of weights.

The encoder reads one text and gives the keys and values of every layer that will attend to it, so
nothing of it is computed twice. The decoder writes one token a row; the rows of a prompt (beams)
are one batch entry of the attention to the text, which is read once for all of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_export.graph.builder import CONTRIB, GraphBuilder, WeightFile
from edge_export.graph.seq2seq_config import AttentionNames, Seq2Seq
from edge_export.graph.seq2seq_stack import Stack
from edge_export.graph.weights import Weights


def write_seq2seq(
    architecture: Seq2Seq, encoder_weights: Weights, decoder_weights: Weights, folder: Path
) -> None:
    """Write ``encoder.onnx``, ``model.onnx`` and their weights.

    Encoder: ``input_ids`` (1, source) -> ``cross_key_0`` ... (1, heads, source, head size).
    Decoder: ``input_ids`` (rows, 1), ``lengths`` (rows,) int32, tokens written before,
    ``total_length`` int32, one more than the greatest of them, ``source_mask`` (prompts, source)
    int32, the ``cross_...`` of all prompts and the cache, ``past_key_0`` ... (rows, heads,
    capacity, head size) -> ``logits`` (rows, vocabulary) and the cache, ``present_...``.

    :param architecture: The model's sizes and names.
    :param encoder_weights: Weights in the precision of the encoder.
    :param decoder_weights: Weights in the precision of the decoder.
    :param folder: Folder to write to.
    """
    with WeightFile(folder) as file:
        _Encoder(GraphBuilder(file), architecture, encoder_weights).write(folder / "encoder.onnx")
        _Decoder(GraphBuilder(file), architecture, decoder_weights).write(folder / "model.onnx")


class _Encoder(Stack):
    """Reads one text."""

    def __init__(self, graph: GraphBuilder, sizes: Seq2Seq, weights: Weights) -> None:
        super().__init__(graph, sizes, weights, sizes.encoder)

    def write(self, path: Path) -> None:
        """Write the graph."""
        graph = self.graph
        graph.input("input_ids", "int64", [1, "source"])
        graph.node("Shape", ["input_ids"], ["length"], start=1, end=2)
        hidden, residual = self.begin(self.embedded(self._positions()))
        bias = self._distance_bias()
        for i, attention in enumerate(self.side.self_attention):
            attended = self._attend(attention, hidden, bias, str(i))
            hidden, residual = self.add(residual, attended, 2 * i + 1)
            fed = self.feed_forward(self.side.feed_forward[i], hidden, str(i))
            hidden, residual = self.add(residual, fed, 2 * i + 2)
        for i, names in enumerate(self.sizes.decoder.cross_attention):
            self._keys_and_values(i, names, hidden)
        graph.save(path)

    def _positions(self) -> str | None:
        if self.side.positions is None:
            return None
        table = self.side.positions.astype(self.weights.dtype)
        name = self.graph.weight("encoder_positions", table)
        axis = self.graph.weight("axis_0", np.array([0]))
        return self.graph.node("Slice", [name, axis, "length", axis], ["positions"])

    def _distance_bias(self) -> str:
        """(1, heads, source, source), by the key's place less the query's."""
        if self.side.distance_bias is None:
            return ""
        graph = self.graph
        table = self.side.distance_bias.astype(self.weights.dtype)
        middle = graph.weight("middle", np.array(len(table) // 2))
        axes = [graph.weight(f"axis_{k}", np.array([k])) for k in (0, 1)]
        ends = [graph.weight(f"place_{k}", np.array(k)) for k in (0, 1)]
        length = graph.node("Squeeze", ["length"], ["last_place"])
        positions = graph.node("Range", [ends[0], length, ends[1]], ["places"])
        rows = graph.node("Unsqueeze", [positions, axes[1]], ["query_places"])
        columns = graph.node("Unsqueeze", [positions, axes[0]], ["key_places"])
        distances = graph.node("Sub", [columns, rows], ["distances"])
        index = graph.node("Add", [distances, middle], ["distance_index"])
        bias = graph.weight("encoder_distance_bias", table)
        by_position = graph.node("Gather", [bias, index], ["bias_by_place"])
        heads_first = graph.node("Transpose", [by_position], ["bias_by_head"], perm=[2, 0, 1])
        return graph.node("Unsqueeze", [heads_first, axes[0]], ["attention_bias"])

    def _attend(self, names: AttentionNames, x: str, bias: str, tag: str) -> str:
        parts = self.split_linear(x, [names.query, names.key, names.value], tag)
        attended = self.graph.node(
            "MultiHeadAttention",
            [*parts, "", "", bias],
            [f"attended_{tag}"],
            domain=CONTRIB,
            num_heads=self.sizes.n_heads,
            scale=self.sizes.attention_scale,
        )
        return self.weights.linear(self.graph, attended, [names.output], f"attention_{tag}")

    def _keys_and_values(self, i: int, names: AttentionNames, hidden: str) -> None:
        graph, sizes = self.graph, self.sizes
        heads = graph.weight("heads_apart", np.array([0, 0, sizes.n_heads, sizes.head_size]))
        parts = self.split_linear(hidden, [names.key, names.value], f"cross_{i}")
        for part, kind in zip(parts, ("key", "value"), strict=True):
            apart = graph.node("Reshape", [part, heads], [f"{part}_heads"])
            output = f"cross_{kind}_{i}"
            graph.node("Transpose", [apart], [output], perm=[0, 2, 1, 3])
            shape: list[str | int] = [1, sizes.n_heads, "source", sizes.head_size]
            graph.output(output, self.weights.dtype, shape)


class _Decoder(Stack):
    """Writes one token a row."""

    def __init__(self, graph: GraphBuilder, sizes: Seq2Seq, weights: Weights) -> None:
        super().__init__(graph, sizes, weights, sizes.decoder)

    def write(self, path: Path) -> None:
        """Write the graph."""
        graph = self.graph
        graph.input("input_ids", "int64", ["rows", 1])
        graph.input("lengths", "int32", ["rows"])
        graph.input("total_length", "int32", [])
        graph.input("source_mask", "int32", ["prompts", "source"])
        graph.output("logits", "float32", ["rows", self.sizes.vocabulary_size])
        hidden, residual = self.begin(self.embedded(self._positions()))
        bias = self._distance_bias()
        by_prompt = self._by_prompt()
        for i, attention in enumerate(self.side.self_attention):
            attended = self._attend(i, attention, hidden, bias)
            hidden, residual = self.add(residual, attended, 3 * i + 1)
            crossed = self._cross(i, self.side.cross_attention[i], hidden, by_prompt)
            hidden, residual = self.add(residual, crossed, 3 * i + 2)
            fed = self.feed_forward(self.side.feed_forward[i], hidden, str(i))
            hidden, residual = self.add(residual, fed, 3 * i + 3)
        flat = graph.weight("flat", np.array([-1, self.sizes.width]))
        rows = graph.node("Reshape", [hidden, flat], ["wanted_rows"])
        self._logits(self.scaled(rows, self.sizes.head_scale))
        graph.save(path)

    def _logits(self, rows: str) -> None:
        bias = self.sizes.head_bias
        if bias is None:
            self.weights.logits(self.graph, rows, self.sizes.head, "logits")
            return
        self.weights.logits(self.graph, rows, self.sizes.head, "logits_unbiased")
        name = self.graph.weight("head_bias", bias.astype(np.float32))
        self.graph.node("Add", ["logits_unbiased", name], ["logits"])

    def _positions(self) -> str | None:
        if self.side.positions is None:
            return None
        table = self.side.positions.astype(self.weights.dtype)
        name = self.graph.weight("decoder_positions", table)
        flat = self.graph.node("Gather", [name, "lengths"], ["positions_flat"])
        axis = self.graph.weight("axis_1", np.array([1]))
        return self.graph.node("Unsqueeze", [flat, axis], ["positions"])

    def _distance_bias(self) -> str:
        """(1, heads, 1, total): all rows are at the same place, so the last of the table."""
        if self.side.distance_bias is None:
            return ""
        graph = self.graph
        table = self.side.distance_bias.T.astype(self.weights.dtype)  # (heads, distances)
        name = graph.weight("decoder_distance_bias", table[None, :, None])
        axis = [graph.weight(f"axis_{k}", np.array([k])) for k in (0, 3)]
        total = graph.node("Unsqueeze", ["total_length", axis[0]], ["total"])
        start = graph.node("Neg", [total], ["bias_start"])
        end = graph.weight("bias_end", np.array([np.iinfo(np.int32).max], np.int32))
        last = graph.weight("bias_axis", np.array([3], np.int32))
        return graph.node("Slice", [name, start, end, last], ["attention_bias"])

    def _by_prompt(self) -> str:
        """Shape of the queries with the rows of a prompt side by side."""
        graph = self.graph
        shape = graph.node("Shape", ["source_mask"], ["prompts"], start=0, end=1)
        rest = graph.weight("rest", np.array([-1, self.sizes.n_heads * self.sizes.head_size]))
        return graph.node("Concat", [shape, rest], ["by_prompt"], axis=0)

    def _attend(self, i: int, names: AttentionNames, x: str, bias: str) -> str:
        graph, sizes = self.graph, self.sizes
        packed = self.weights.linear(graph, x, [names.query, names.key, names.value], f"qkv_{i}")
        shape: list[str | int] = ["rows", sizes.n_heads, "capacity", sizes.head_size]
        dtype = self.weights.dtype
        past = [graph.input(f"past_{kind}_{i}", dtype, shape) for kind in ("key", "value")]
        present = [f"present_{kind}_{i}" for kind in ("key", "value")]
        for name in present:
            graph.output(name, dtype, shape)
        unused = ["", "", ""]  # tables and positions of rotary embeddings
        attended = graph.node(
            "GroupQueryAttention",
            [packed, "", "", *past, "lengths", "total_length", *([*unused, bias] if bias else [])],
            [f"attended_{i}", *present],
            domain=CONTRIB,
            num_heads=sizes.n_heads,
            kv_num_heads=sizes.n_heads,
            scale=sizes.attention_scale,
        )
        return self.weights.linear(graph, attended, [names.output], f"attention_{i}")

    def _cross(self, i: int, names: AttentionNames, x: str, by_prompt: str) -> str:
        graph, sizes = self.graph, self.sizes
        shape: list[str | int] = ["prompts", sizes.n_heads, "source", sizes.head_size]
        inputs = [
            graph.input(f"cross_{kind}_{i}", self.weights.dtype, shape) for kind in ("key", "value")
        ]
        query = self.weights.linear(graph, x, [names.query], f"query_{i}")
        query = graph.node("Reshape", [query, by_prompt], [f"query_{i}_by_prompt"])
        attended = graph.node(
            "MultiHeadAttention",
            [query, *inputs, "", "source_mask"],
            [f"crossed_{i}_by_prompt"],
            domain=CONTRIB,
            num_heads=sizes.n_heads,
            scale=sizes.attention_scale,
        )
        by_row = graph.weight("by_row", np.array([-1, 1, sizes.n_heads * sizes.head_size]))
        attended = graph.node("Reshape", [attended, by_row], [f"crossed_{i}"])
        return self.weights.linear(graph, attended, [names.output], f"cross_{i}")
