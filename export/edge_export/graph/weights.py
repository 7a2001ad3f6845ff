"""A checkpoint's weights as graph nodes, in the precision of the export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edge.arrays import AnyArray
from edge_export.errors import ExportError
from edge_export.graph.block_quantization import BLOCK_SIZE, Blocks, quantize, stack
from edge_export.graph.builder import CONTRIB, GraphBuilder
from edge_export.graph.lora import LowRank

FLOAT = 1
"""ONNX's number for FP32."""
NBITS_ACCURACY = 4
"""MatMulNBits rounds its input to 8 bits, block by block: several times faster on any processor."""


class Weights:
    """Weights as they are, in FP32 or FP16; the base of the other ways.

    :param state: The checkpoint's tensors in FP32, by name.
    :param dtype: What flows through the graph: ``float32`` or ``float16``.
    """

    def __init__(self, state: Mapping[str, AnyArray], dtype: str = "float32") -> None:
        self.state = state
        self.dtype = dtype

    def vector(self, graph: GraphBuilder, name: str, offset: float = 0) -> str:
        """A small tensor as a constant: norms, biases, positions.

        :param graph: Gets the constant.
        :param name: Of the tensor.
        :param offset: Added to it.
        """
        return graph.weight(name, (self.state[name] + offset).astype(self.dtype))

    def embed(self, graph: GraphBuilder, ids: str, name: str, output: str) -> str:
        """Rows of a table for ids.

        :param graph: Gets the nodes.
        :param ids: Input of ids.
        :param name: Of the layer.
        :param output: Name of the rows.
        """
        table = graph.weight(name, self.state[f"{name}.weight"].astype(self.dtype))
        return graph.node("Gather", [table, ids], [output])

    def linear(self, graph: GraphBuilder, x: str, names: Sequence[str], output: str) -> str:
        """``x`` through layers side by side, their results one after the other in the last axis.

        :param graph: Gets the nodes.
        :param x: Input, (batch, sequence, width).
        :param names: Of the layers.
        :param output: Name of the result.
        """
        values = self._bias(names)
        if values is None:
            return self._multiply(graph, x, names, output)
        bias = graph.weight(f"{'+'.join(names)}.bias", values)
        return graph.node(
            "Add", [self._multiply(graph, x, names, f"{output}_product"), bias], [output]
        )

    def logits(self, graph: GraphBuilder, rows: str, name: str, output: str) -> None:
        """Scores of all tokens, in FP32.

        :param graph: Gets the nodes.
        :param rows: Input, (rows, width).
        :param name: Of the layer, which may be the embedding's.
        :param output: Name of the scores.
        """
        table = graph.weight(name, self.state[f"{name}.weight"].astype(self.dtype))
        scores = graph.node("Gemm", [rows, table], [f"{output}_own"], transB=1)
        graph.node("Cast", [scores], [output], to=FLOAT)

    def _bias(self, names: Sequence[str]) -> AnyArray | None:
        """Biases of layers side by side; zeros for those without where others have one."""
        biases = [self.state.get(f"{name}.bias") for name in names]
        if all(bias is None for bias in biases):
            return None
        sizes = [len(self.state[f"{name}.weight"]) for name in names]
        parts = [
            np.zeros(n, np.float32) if bias is None else bias
            for bias, n in zip(biases, sizes, strict=True)
        ]
        return np.concatenate(parts).astype(self.dtype)

    def _multiply(self, graph: GraphBuilder, x: str, names: Sequence[str], output: str) -> str:
        matrix = np.concatenate([self.state[f"{name}.weight"] for name in names])
        weight = graph.weight("+".join(names), matrix.T.astype(self.dtype))
        return graph.node("MatMul", [x, weight], [output])


class BlockWeights(Weights):
    """INT8 or INT4 in blocks of 32, each with its scale; embeddings always INT8.

    A block's offset is added apart, as the sum of the block's inputs times the offset: the
    operator's own zero points are whole codes, which costs a fifth of the perplexity
    (docs/adr/0011-decoder.md).

    :param state: The checkpoint's tensors in FP32, by name.
    :param bits: 4 or 8.
    :param checkpoint_blocks: Layers that were blocks in the checkpoint already, by name.
    :param adapter: What is computed beside layers and added, by name; always INT8.
    """

    def __init__(
        self,
        state: Mapping[str, AnyArray],
        bits: int,
        checkpoint_blocks: Mapping[str, Blocks] | None = None,
        adapter: Mapping[str, LowRank] | None = None,
    ) -> None:
        super().__init__(state)
        self.bits = bits
        self._adapter = adapter or {}
        self.kept_names: set[str] = set()
        """Layers written as they were in the checkpoint."""
        self._checkpoint_blocks = checkpoint_blocks or {}

    def embed(self, graph: GraphBuilder, ids: str, name: str, output: str) -> str:
        """As ``Weights.embed``; the table is the same bytes that ``logits`` reads."""
        blocks = self._blocks(name, 8)
        codes = graph.weight(name, blocks.packed)
        return graph.node(
            "GatherBlockQuantized",
            [
                graph.same_weight(f"{name}.rows", codes, [len(blocks.codes), blocks.width]),
                ids,
                graph.weight(f"{name}.scales", blocks.scales),
            ],
            [output],
            domain=CONTRIB,
            bits=blocks.bits,
            block_size=BLOCK_SIZE,
            gather_axis=0,
            quantize_axis=1,
        )

    def logits(self, graph: GraphBuilder, rows: str, name: str, output: str) -> None:
        """As ``Weights.logits``."""
        self._blockwise(graph, rows, name, self._blocks(name, 8), output)

    def _blocks(self, name: str, bits: int) -> Blocks:
        blocks = self._checkpoint_blocks.get(name)
        if blocks is not None and blocks.bits == bits:
            self.kept_names.add(name)
            return blocks
        matrix = self.state[f"{name}.weight"]
        if matrix.shape[1] % BLOCK_SIZE:
            raise ExportError(
                f"{name} is {matrix.shape[1]} wide, which is no multiple of {BLOCK_SIZE}",
                "Export this checkpoint in fp32 or fp16.",
            )
        return quantize(matrix, bits)

    def _multiply(self, graph: GraphBuilder, x: str, names: Sequence[str], output: str) -> str:
        parts = [self._blocks(name, self.bits) for name in names]
        if not self._adapter.keys() & set(names):
            return self._blockwise(graph, x, "+".join(names), stack(parts), output)
        base = self._blockwise(graph, x, "+".join(names), stack(parts), f"{output}_base")
        return graph.node("Add", [base, self._beside(graph, x, names, output)], [output])

    def _beside(self, graph: GraphBuilder, x: str, names: Sequence[str], output: str) -> str:
        """What the adapter adds to layers side by side: their thin matrices side by side, too."""
        lows = [self._adapter.get(name) for name in names]
        sizes = [len(self.state[f"{name}.weight"]) for name in names]
        rank = sum(len(low.down) for low in lows if low is not None)
        width = self.state[f"{names[0]}.weight"].shape[1]
        padded = -(-rank // BLOCK_SIZE) * BLOCK_SIZE
        down = np.zeros((padded, width), np.float32)
        up = np.zeros((sum(sizes), padded), np.float32)
        row = column = 0
        for low, size in zip(lows, sizes, strict=True):
            if low is not None:
                down[column : column + len(low.down)] = low.down
                up[row : row + size, column : column + len(low.down)] = low.up
                column += len(low.down)
            row += size
        name = f"{'+'.join(names)}.adapter"
        thin = self._blockwise(graph, x, f"{name}_down", quantize(down, 8), f"{output}_down")
        return self._blockwise(graph, thin, f"{name}_up", quantize(up, 8), f"{output}_up")

    def _blockwise(
        self, graph: GraphBuilder, x: str, name: str, blocks: Blocks, output: str
    ) -> str:
        codes = output if blocks.offsets is None else f"{output}_codes"
        graph.node(
            "MatMulNBits",
            [x, graph.weight(name, blocks.packed), graph.weight(f"{name}.scales", blocks.scales)],
            [codes],
            domain=CONTRIB,
            K=blocks.width,
            N=len(blocks.codes),
            bits=blocks.bits,
            block_size=BLOCK_SIZE,
            accuracy_level=NBITS_ACCURACY,
        )
        if blocks.offsets is None:
            return codes
        offsets = graph.weight(f"{name}.offsets", blocks.offsets.T)
        sums = _block_sums(graph, x, blocks.offsets.shape[1])
        return graph.node(
            "Add", [codes, graph.node("MatMul", [sums, offsets], [f"{output}_offsets"])], [output]
        )


class DynamicWeights(BlockWeights):
    """INT8 a column, inputs rounded as they come: the fastest way for many tokens at once.

    :param state: The checkpoint's tensors in FP32, by name.
    :param kept: Layers whose inputs reach too far to be rounded together; they stay in blocks.
    """

    def __init__(self, state: Mapping[str, AnyArray], kept: frozenset[str]) -> None:
        super().__init__(state, 8)
        self._kept = kept

    def _multiply(self, graph: GraphBuilder, x: str, names: Sequence[str], output: str) -> str:
        if self._kept & set(names):
            return super()._multiply(graph, x, names, output)
        matrix = np.concatenate([self.state[f"{name}.weight"] for name in names])
        scales = np.maximum(np.abs(matrix).max(axis=1), np.finfo(np.float32).tiny) / 127
        codes = np.round(matrix / scales[:, None]).astype(np.int8)
        name = "+".join(names)
        inputs = [
            x,
            graph.weight(name, codes.T),
            graph.weight(f"{name}.scales", scales),
            # Optional, but onnxruntime 1.23 to 1.29 ends the process without it where it makes
            # signed weights unsigned (docs/adr/0019-x86-without-vnni.md).
            graph.weight(f"{name}.zero", np.zeros((), np.int8)),
        ]
        return graph.node("DynamicQuantizeMatMul", inputs, [output], domain=CONTRIB)


def _block_sums(graph: GraphBuilder, x: str, n_blocks: int) -> str:
    """Sums of an input's blocks of 32; made once for all layers that read it."""
    name = f"{x}_sums"
    if graph.has_node(name):
        return name
    shape = graph.weight(f"blocks_{n_blocks}", np.array([0, 0, n_blocks, BLOCK_SIZE]))
    last = graph.weight("last_axis", np.array([3]))
    parts = graph.node("Reshape", [x, shape], [f"{x}_blocks"])
    return graph.node("ReduceSum", [parts, last], [name], keepdims=0)
