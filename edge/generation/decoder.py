"""A decoder-only model: read a prompt once, then write token by token on its cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import AnyArray, Float32Array, Int64Array
from edge.errors import InferenceError
from edge.generation.kv_cache import Cache, DecodeState, RowArrays, Step, new_cache
from edge.runtime.session import Session
from edge.stages import stage

READ_TOKENS = 128
"""Tokens of a prompt read in one run: enough for the matrix kernels, few for the memory."""
READ_TOKENS_ON_GPU = 2048
"""There, few runs of many tokens; its memory is not what decides."""
MIN_SHARED_TOKENS = 16
"""A shorter common beginning is not worth a run of its own."""


@dataclass(frozen=True)
class Prefix:
    """What prompts begin with, read."""

    token_ids: tuple[int, ...]
    cache: Cache
    """Of one row, as long as the beginning; in the processor's memory."""


class Decoder:
    """A decoder-only model.

    :param session: The model; docs/models.md describes its inputs and outputs.
    :param context_tokens: Longest prompt and answer together.
    """

    def __init__(self, session: Session, context_tokens: int) -> None:
        self.context_tokens = context_tokens
        self.placement = session.placement
        self._vocabulary_size = session.outputs["logits"].shape[1]
        self._session = session
        self._read_tokens = READ_TOKENS if session.gpu is None else READ_TOKENS_ON_GPU
        self._prefix = Prefix((), {})

    @stage("prefill")
    def begin(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, copies: int = 1
    ) -> DecodeState:
        """Read prompts, and be ready to write on.

        What several prompts begin with is read once, and kept for prompts that begin so later: the
        instruction that the chapters of all episodes are summed up by.

        :param prompts: Tokens of each prompt.
        :param max_new_tokens: Most tokens to write for each.
        :param copies: Rows for each prompt, one after the other: the beams of a search.
        :raises InferenceError: If a prompt and its answer would not fit the context.
        """
        longest = max(map(len, prompts))
        for prompt in prompts:
            self.check_length(len(prompt), max_new_tokens)
        self._share(prompts)
        rows = len(prompts) * copies
        arrays = new_cache(self._session, rows, longest + max_new_tokens)
        n_known = [
            self._fill_prefix(arrays, i * copies, prompt) for i, prompt in enumerate(prompts)
        ]
        cache = RowArrays(arrays, self._session.gpu)
        logits = np.empty((rows, self._vocabulary_size), np.float32)
        for i, prompt in enumerate(prompts):
            own = cache.row(i * copies)
            logits[i * copies : (i + 1) * copies] = self._read(own, prompt, n_known[i])

        def copy_rows(array: AnyArray) -> None:
            for first in range(0, rows, copies):
                array[first + 1 : first + copies] = array[first]

        if copies > 1:
            cache.edit(copy_rows)
        lengths = np.repeat(np.array([len(prompt) for prompt in prompts], np.int32), copies)
        nothing = RowArrays({}, self._session.gpu)
        return DecodeState(self._session, cache, lengths, logits, _wanting(-1), nothing)

    def scores(self, token_ids: Sequence[int]) -> tuple[Float32Array, Sequence[int]]:
        """Scores of every token of a text but the first, and these tokens.

        :param token_ids: A text of at least two tokens.
        :return: Shape (tokens - 1, vocabulary), and tokens - 1 ids.
        :raises InferenceError: If it is longer than the context.
        """
        self.check_length(len(token_ids), 0)
        cache = RowArrays(new_cache(self._session, 1, len(token_ids)), self._session.gpu)
        parts = [
            self._run(cache, np.array([token_ids[i : i + self._read_tokens]], np.int64), i, 0)
            for i in range(0, len(token_ids), self._read_tokens)
        ]
        return np.concatenate(parts)[:-1], token_ids[1:]

    def check_length(self, n_prompt: int, n_new: int) -> None:
        """Refuse what does not fit the context.

        :param n_prompt: Tokens of a prompt.
        :param n_new: Most tokens of its answer.
        :raises InferenceError: With the numbers.
        """
        if n_prompt + n_new > self.context_tokens:
            raise InferenceError(
                f"the prompt has {n_prompt} tokens and the answer may have {n_new}: together "
                f"{n_prompt + n_new}, and the model's context holds {self.context_tokens}",
                "Give a shorter text, or allow a shorter answer.",
            )
        if n_prompt == 0:
            raise InferenceError("the prompt has no tokens", "Give some text to go on from.")

    def _share(self, prompts: Sequence[Sequence[int]]) -> None:
        """Read what several prompts begin with, if it is longer than what is known of it."""
        n_shared = _common_start(prompts)
        known = self._prefix.token_ids if _begins_with(prompts[0], self._prefix) else ()
        if len(prompts) > 1 and n_shared >= len(known) + MIN_SHARED_TOKENS:
            shared = tuple(prompts[0][:n_shared])
            cache = RowArrays(new_cache(self._session, 1, n_shared), self._session.gpu)
            self._read(cache, shared, 0)
            self._prefix = Prefix(shared, cache.on_cpu())

    def _fill_prefix(self, arrays: Cache, row: int, prompt: Sequence[int]) -> int:
        """Copy what is known of a prompt into its row; how many of its tokens that are."""
        if not _begins_with(prompt, self._prefix):
            return 0
        # The last token is read again where it is the prefix's, too: scores are not kept.
        n_known = min(len(self._prefix.token_ids), len(prompt) - 1)
        for name, array in self._prefix.cache.items():
            arrays[name][row, :, :n_known] = array[0, :, :n_known]
        return n_known

    def _read(self, cache: RowArrays, prompt: Sequence[int], n_known: int) -> Float32Array:
        """Read a prompt into a cache of one row; scores of its next token, (1, vocabulary)."""
        logits = np.empty((0, self._vocabulary_size), np.float32)
        for start in range(n_known, len(prompt), self._read_tokens):
            part = np.array([prompt[start : start + self._read_tokens]], np.int64)
            logits = self._run(cache, part, start, -1)
        return logits

    def _run(
        self, cache: RowArrays, token_ids: Int64Array, n_past: int, first_logits: int
    ) -> Float32Array:
        n_wanted = 1 if first_logits == -1 else token_ids.shape[1] - first_logits
        step = Step(self._session, cache, token_ids, _wanting(first_logits), n_wanted)
        step.run(np.array([n_past], np.int32))
        return step.logits


def _wanting(first_logits: int) -> dict[str, AnyArray]:
    return {"first_logits": np.array([first_logits], np.int64)}


def _begins_with(prompt: Sequence[int], prefix: Prefix) -> bool:
    return tuple(prompt[: len(prefix.token_ids)]) == prefix.token_ids


def _common_start(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with, less one: each has a last token of its own."""
    shortest = min(map(len, prompts))
    for i in range(shortest - 1):
        if any(prompt[i] != prompts[0][i] for prompt in prompts):
            return i
    return shortest - 1
