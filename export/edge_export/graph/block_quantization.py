"""Weights in blocks of 32 inputs, each with its scale: what MatMulNBits multiplies with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array

BLOCK_SIZE = 32


@dataclass(frozen=True)
class Blocks:
    """A weight matrix of ``scale * (code - middle) + offset``, block by block.

    The middle of the codes is 2 ** (bits - 1): what the operator takes without zero points.
    """

    bits: int
    codes: npt.NDArray[np.uint8]
    """Shape (rows, blocks, 32), one code a byte."""
    scales: Float32Array
    """Shape (rows, blocks)."""
    offsets: Float32Array | None = None
    """Shape (rows, blocks); None where all are 0."""

    @property
    def packed(self) -> npt.NDArray[np.uint8]:
        """Codes as they are stored, shape (rows, blocks, 4 * bits): low half of a byte first."""
        if self.bits == 8:
            return self.codes
        high = np.left_shift(self.codes[..., 1::2], 4, dtype=np.uint8)
        return np.bitwise_or(self.codes[..., ::2], high)

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return int(self.codes.shape[1]) * BLOCK_SIZE

    def dequantized(self) -> Float32Array:
        """The matrix, shape (rows, 32 * blocks)."""
        values = (self.codes.astype(np.float32) - 2 ** (self.bits - 1)) * self.scales[..., None]
        if self.offsets is not None:
            values += self.offsets[..., None]
        flat: Float32Array = values.reshape(len(values), -1)
        return flat

    def take_rows(self, order: npt.NDArray[np.intp]) -> Blocks:
        """The rows in another order.

        :param order: Row numbers.
        """
        offsets = None if self.offsets is None else self.offsets[order]
        return Blocks(self.bits, self.codes[order], self.scales[order], offsets)


def stack(parts: list[Blocks]) -> Blocks:
    """Several matrices of one width as one.

    :param parts: All of as many bits.
    """
    offsets = None
    if any(part.offsets is not None for part in parts):
        offsets = np.concatenate(
            [np.zeros_like(p.scales) if p.offsets is None else p.offsets for p in parts]
        )
    codes = np.concatenate([part.codes for part in parts])
    return Blocks(parts[0].bits, codes, np.concatenate([p.scales for p in parts]), offsets)


def quantize(matrix: Float32Array, bits: int) -> Blocks:
    """Round a matrix: 8 bits around 0, 4 bits between each block's least and greatest value.

    :param matrix: Shape (rows, columns), columns a multiple of 32.
    :param bits: 4 or 8.
    """
    blocks = matrix.reshape(len(matrix), -1, BLOCK_SIZE).astype(np.float32)
    middle, top = 2 ** (bits - 1), 2**bits - 1
    if bits == 8:
        scales = np.abs(blocks).max(axis=2) / (middle - 1)
        offsets = None
        centred = blocks
    else:
        least, greatest = blocks.min(axis=2), blocks.max(axis=2)
        scales = (greatest - least) / top
        offsets = least + middle * scales
        centred = blocks - offsets[..., None]
    steps = centred / np.maximum(scales, np.finfo(np.float32).tiny)[..., None]
    codes = np.clip(np.round(steps) + middle, 0, top).astype(np.uint8)
    return Blocks(bits, codes, scales, offsets)


def read_gguf_blocks(file: Path) -> Mapping[str, Blocks]:
    """The quantized matrices of a GGUF file, by the file's names, codes and scales as they are.

    Of the file's ways to quantize, Q4_0, Q4_1 and Q8_0 have blocks that the operator can hold.

    :param file: The GGUF file.
    """
    from gguf import GGMLQuantizationType as Kind
    from gguf import GGUFReader

    readers = {Kind.Q4_0: _q4_0, Kind.Q4_1: _q4_1, Kind.Q8_0: _q8_0}
    return {
        tensor.name: readers[tensor.tensor_type](np.asarray(tensor.data))
        for tensor in GGUFReader(file).tensors
        if tensor.tensor_type in readers
    }


def _split(raw: npt.NDArray[np.uint8], size_bytes: int) -> npt.NDArray[np.uint8]:
    """Raw rows as (rows, blocks, bytes of a block)."""
    return raw.reshape(len(raw), -1, size_bytes)


def _float16(raw: npt.NDArray[np.uint8]) -> Float32Array:
    values: Float32Array = np.ascontiguousarray(raw).view(np.float16)[..., 0].astype(np.float32)
    return values


def _nibbles(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The first 16 codes are the low halves of the bytes, the last 16 the high halves."""
    return np.concatenate([raw & 15, raw >> 4], axis=2)


def _q4_0(raw: npt.NDArray[np.uint8]) -> Blocks:
    blocks = _split(raw, 18)
    return Blocks(4, _nibbles(blocks[..., 2:]), _float16(blocks[..., :2]))


def _q4_1(raw: npt.NDArray[np.uint8]) -> Blocks:
    blocks = _split(raw, 20)
    scales, least = _float16(blocks[..., :2]), _float16(blocks[..., 2:4])
    return Blocks(4, _nibbles(blocks[..., 4:]), scales, least + 8 * scales)


def _q8_0(raw: npt.NDArray[np.uint8]) -> Blocks:
    blocks = _split(raw, 34)
    codes = (blocks[..., 2:].view(np.int8).astype(np.int16) + 128).astype(np.uint8)
    return Blocks(8, codes, _float16(blocks[..., :2]))
