"""The KV cache: keys and values with a row a text, in the memory of what runs the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edge.arrays import AnyArray
from edge.runtime.binding import GpuArray
from edge.runtime.session import Session

Cache = dict[str, AnyArray]
"""Keys and values of each layer, "key_0" ... -> (rows, heads, capacity, head size)."""


def new_cache(session: Session, rows: int, capacity: int) -> Cache:
    """An empty cache, in the processor's memory.

    :param session: The model, whose inputs say how many heads there are, and of what type.
    :param rows: Texts.
    :param capacity: Most tokens of a text.
    """
    cache = {}
    for name, info in session.inputs.items():
        if name.startswith("past_"):
            _, heads, _, size = info.shape
            cache[name[5:]] = np.zeros((rows, heads, capacity, size), info.dtype)
    return cache


class RowArrays:
    """Named arrays with a row a text, in the memory that the model reads and writes.

    :param arrays: Their content; where the model runs on the CPU, they themselves.
    :param gpu: Number of the GPU it runs on; None for the CPU.
    """

    def __init__(self, arrays: Mapping[str, AnyArray], gpu: int | None) -> None:
        self.arrays: dict[str, AnyArray | GpuArray] = {
            name: array if gpu is None else GpuArray.of(array, gpu)
            for name, array in arrays.items()
        }
        self._gpu = gpu

    def __len__(self) -> int:
        """Rows."""
        return next((array.shape[0] for array in self.arrays.values()), 0)

    def row(self, i: int) -> RowArrays:
        """A row, in the same memory.

        :param i: Which.
        """
        row = RowArrays({}, self._gpu)
        for name, array in self.arrays.items():
            row.arrays[name] = array.row(i) if isinstance(array, GpuArray) else array[i : i + 1]
        return row

    def on_cpu(self) -> Cache:
        """The arrays; a GPU's are copied."""
        return {
            name: array.to_cpu() if isinstance(array, GpuArray) else array
            for name, array in self.arrays.items()
        }

    def edit(self, change: Callable[[AnyArray], None]) -> None:
        """Change every array; a GPU's is fetched for that and brought back.

        :param change: Changes what it is given.
        """
        for array in self.arrays.values():
            if isinstance(array, GpuArray):
                fetched = array.to_cpu()
                change(fetched)
                array.write(fetched)
            else:
                change(array)

    def select_rows(self, rows: Sequence[int]) -> RowArrays:
        """Copies of some rows.

        :param rows: Which.
        """
        selected = {name: array[list(rows)] for name, array in self.on_cpu().items()}
        return RowArrays(selected, self._gpu)
