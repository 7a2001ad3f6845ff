"""The summarizer for llama.cpp: its adapter as a file beside the base, and added to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
from edge_export.graph.lora import LowRank, read_adapter
from edge_export.sources.gguf import LAYER_NAMES
from gguf.quants import dequantize, quantize

ARCHITECTURE = "llama"
IN_PAIRS = ("attn_q", "attn_k")
"""Whose rows a GGUF file of this architecture holds in pairs."""


def write_summarizer(base: Path, adapter: Path, target: Path) -> None:
    """Write ``adapter.gguf``, for the base as it is, and ``merged-q8_0.gguf``.

    :param base: GGUF file of the checkpoint.
    :param adapter: Folder of the adapter.
    :param target: Folder to make.
    """
    target.mkdir()
    reader = gguf.GGUFReader(base)
    head_size = int(reader.fields["llama.rope.dimension_count"].contents())
    added = dict(_as_stored(read_adapter(adapter), head_size))
    _write_adapter(added, target / "adapter.gguf")
    _write_merged(reader, added, target / "merged-q8_0.gguf")


def _as_stored(adapter: dict[str, LowRank], head_size: int) -> Iterator[tuple[str, LowRank]]:
    """The adapter by the file's names and in the file's order of rows."""
    names = {checkpoint: stored for stored, checkpoint in LAYER_NAMES.items()}
    for name, low in adapter.items():
        _, _, layer, block, matrix = name.split(".")  # model.layers.3.self_attn.q_proj
        stored = names[f"{block}.{matrix}"]
        up = low.up
        if stored in IN_PAIRS:
            up = up.reshape(-1, 2, head_size // 2, up.shape[1]).swapaxes(1, 2).reshape(up.shape)
        yield f"blk.{layer}.{stored}.weight", LowRank(low.down, np.ascontiguousarray(up))


def _write_adapter(added: dict[str, LowRank], path: Path) -> None:
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    rank = len(next(iter(added.values())).down)
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(rank))  # the scale is in the matrices
    for name, low in added.items():
        writer.add_tensor(f"{name}.lora_a", low.down)
        writer.add_tensor(f"{name}.lora_b", low.up)
    _finish(writer)


def _write_merged(reader: gguf.GGUFReader, added: dict[str, LowRank], path: Path) -> None:
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != gguf.Keys.General.ARCHITECTURE:
            kind, *rest = field.types
            writer.add_key_value(name, field.contents(), kind, rest[0] if rest else None)
    for tensor in reader.tensors:
        weights = dequantize(tensor.data, tensor.tensor_type)
        if tensor.name in added:
            low = added[tensor.name]
            weights = weights + low.up @ low.down
        if weights.ndim == 1:
            writer.add_tensor(tensor.name, weights)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor.name, quantize(weights, kind), raw_dtype=kind)
    _finish(writer)


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
