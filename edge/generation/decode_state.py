"""Texts that grow by a token at a time, on a cache that the model reads and writes in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.arrays import AnyArray, Float32Array, Int32Array, Int64Array
from edge.generation.kv_cache import RowArrays
from edge.runtime.binding import GpuArray
from edge.runtime.session import Session
from edge.stages import stage


class ForwardPass:
    """A run of the model, prepared once: tokens and lengths are written into its arrays.

    :param session: The model.
    :param cache: Read and written in place.
    :param token_ids: Shape (rows, new tokens).
    :param constants: Its other inputs.
    :param n_logits: Tokens of each row after which the model gives logits.
    """

    def __init__(
        self,
        session: Session,
        cache: RowArrays,
        token_ids: Int64Array,
        constants: Mapping[str, AnyArray | GpuArray],
        n_logits: int = 1,
    ) -> None:
        rows = len(token_ids)
        self.token_ids = token_ids
        vocabulary_size = session.outputs["logits"].shape[1]
        self.logits = np.empty((rows * n_logits, vocabulary_size), np.float32)
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
        """Run the model; ``logits`` are new, and the cache has the tokens.

        :param n_past: Tokens of each row that are in the cache, shape (rows,).
        """
        self._lengths[:] = n_past + self.token_ids.shape[1] - 1
        self._total[...] = self._lengths.max() + 1
        self._binding.run()


@dataclass(frozen=True)
class FixedInputs:
    """Inputs of a model that stay as they are from token to token."""

    shared: Mapping[str, AnyArray]
    """Of all rows together."""
    per_prompt: RowArrays
    """With a row for each prompt; prompts have equally many rows of the cache."""


class DecodeState:
    """Prompts after prefill, and what is decoded after them; rows are texts.

    :param session: The model.
    :param cache: Of all rows.
    :param lengths: Tokens of each row in the cache, shape (rows,).
    :param logits: Of each row's next token, shape (rows, vocabulary).
    :param fixed: The model's other inputs.
    """

    def __init__(
        self,
        session: Session,
        cache: RowArrays,
        lengths: Int32Array,
        logits: Float32Array,
        fixed: FixedInputs,
    ) -> None:
        self.logits = logits
        self._session = session
        self._cache = cache
        self._lengths = lengths
        self._fixed = fixed
        self._first_new = int(lengths.min())
        self._forward: ForwardPass | None = None

    def decode_step(self, token_ids: Sequence[int]) -> None:
        """Add one token to each row; ``logits`` then are those of the next.

        :param token_ids: One a row.
        """
        if self._forward is None:
            column = np.zeros((len(self._lengths), 1), np.int64)
            constants = {**self._fixed.shared, **self._fixed.per_prompt.arrays}
            self._forward = ForwardPass(self._session, self._cache, column, constants)
        self._forward.token_ids[:, 0] = token_ids
        with stage("decode"):
            self._forward.run(self._lengths)
        self._lengths += 1
        self.logits = self._forward.logits

    def reorder_rows(self, sources: Sequence[int]) -> None:
        """Let each row go on from another one of the same prompt.

        :param sources: The row each is to be the same as.
        """
        changed = [row for row, source in enumerate(sources) if row != source]
        if changed:
            changed_sources = [sources[row] for row in changed]
            decoded = slice(self._first_new, int(self._lengths.max()))

            def copy_rows(array: AnyArray) -> None:
                array[changed, :, decoded] = array[changed_sources, :, decoded]

            self._cache.edit(copy_rows)

    def select_rows(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows, and with the prompts they belong to.

        :param rows: All rows of the prompts to keep, in order.
        """
        n_rows = len(self._lengths)
        if len(rows) == n_rows:
            return
        self._cache = self._cache.select_rows(rows)
        self._lengths = self._lengths[list(rows)]
        n_prompts = len(self._fixed.per_prompt)
        if n_prompts:
            n_beams = n_rows // n_prompts
            prompts = sorted({row // n_beams for row in rows})
            per_prompt = self._fixed.per_prompt.select_rows(prompts)
            self._fixed = replace(self._fixed, per_prompt=per_prompt)
        self._forward = None
