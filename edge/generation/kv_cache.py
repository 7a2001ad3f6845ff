"""Texts that grow by a token at a time on a cache that the model reads and writes in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edge.arrays import AnyArray, Float32Array, Int32Array, Int64Array
from edge.runtime.binding import GpuArray
from edge.runtime.session import Session
from edge.stages import stage

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
        own = RowArrays({}, self._gpu)
        for name, array in self.arrays.items():
            own.arrays[name] = array.row(i) if isinstance(array, GpuArray) else array[i : i + 1]
        return own

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

    def select(self, rows: Sequence[int]) -> RowArrays:
        """Copies of some rows.

        :param rows: Which.
        """
        chosen = {name: array[list(rows)] for name, array in self.on_cpu().items()}
        return RowArrays(chosen, self._gpu)


class Step:
    """One run of the model, prepared: tokens and lengths are written into its arrays.

    :param session: The model.
    :param cache: Read and written in place.
    :param token_ids: Shape (rows, new tokens).
    :param constants: Its other inputs.
    :param n_wanted: Tokens of each row that scores are given after.
    """

    def __init__(
        self,
        session: Session,
        cache: RowArrays,
        token_ids: Int64Array,
        constants: Mapping[str, AnyArray | GpuArray],
        n_wanted: int = 1,
    ) -> None:
        rows = len(token_ids)
        self.token_ids = token_ids
        self.logits = np.empty((rows * n_wanted, session.outputs["logits"].shape[1]), np.float32)
        self._lengths = np.zeros(rows, np.int32)
        self._total = np.zeros((), np.int32)
        inputs: dict[str, AnyArray | GpuArray] = {
            "input_ids": token_ids,
            "lengths": self._lengths,
            "total_length": self._total,
            **constants,
        }
        past = {f"past_{name}": array for name, array in cache.arrays.items()}
        present = {f"present_{name}": array for name, array in cache.arrays.items()}
        self._binding = session.bind({**inputs, **past}, {"logits": self.logits, **present})

    def run(self, n_past: Int32Array) -> None:
        """Run the model.

        :param n_past: Tokens of each row that are in the cache, shape (rows,).
        """
        self._lengths[:] = n_past + self.token_ids.shape[1] - 1
        self._total[...] = self._lengths.max() + 1
        self._binding.run()


class DecodeState:
    """Prompts that were read, and what is written after them; rows are texts.

    :param session: The model.
    :param cache: Of all rows.
    :param lengths: Tokens of each row in the cache, shape (rows,).
    :param logits: Scores of each row's next token, shape (rows, vocabulary).
    :param constants: Inputs that stay as they are.
    :param by_prompt: Inputs with a row for each prompt; prompts have equally many rows.
    """

    def __init__(
        self,
        session: Session,
        cache: RowArrays,
        lengths: Int32Array,
        logits: Float32Array,
        constants: Mapping[str, AnyArray],
        by_prompt: RowArrays,
    ) -> None:
        self.logits = logits
        self._session = session
        self._cache = cache
        self._lengths = lengths
        self._constants = constants
        self._by_prompt = by_prompt
        self._first_new = int(lengths.min())
        self._step: Step | None = None

    def advance(self, token_ids: Sequence[int]) -> None:
        """Write one token a row; ``logits`` then are those of the next.

        :param token_ids: One a row.
        """
        if self._step is None:
            column = np.zeros((len(self._lengths), 1), np.int64)
            inputs = {**self._constants, **self._by_prompt.arrays}
            self._step = Step(self._session, self._cache, column, inputs)
        self._step.token_ids[:, 0] = token_ids
        with stage("decode"):
            self._step.run(self._lengths)
        self._lengths += 1
        self.logits = self._step.logits

    def reorder(self, rows: Sequence[int]) -> None:
        """Put other rows of the same prompt in the place of each row.

        :param rows: The row each is to be the same as.
        """
        moved = [i for i, row in enumerate(rows) if i != row]
        if moved:
            sources = [rows[i] for i in moved]
            written = slice(self._first_new, int(self._lengths.max()))

            def move(array: AnyArray) -> None:
                array[moved, :, written] = array[sources, :, written]

            self._cache.edit(move)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows, and with the prompts they belong to.

        :param rows: All rows of the prompts to keep, in order.
        """
        n_rows = len(self._lengths)
        if len(rows) == n_rows:
            return
        self._cache = self._cache.select(rows)
        self._lengths = self._lengths[list(rows)]
        if len(self._by_prompt):
            copies = n_rows // len(self._by_prompt)
            self._by_prompt = self._by_prompt.select(sorted({row // copies for row in rows}))
        self._step = None
