"""A decoder-only model: prefill of prompts, in chunks and from a prefix they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import AnyArray, Float32Array, Int64Array
from edge.errors import InferenceError
from edge.generation.decode_state import DecodeState, FixedInputs, ForwardPass
from edge.generation.kv_cache import Cache, RowArrays, new_cache
from edge.runtime.session import Session
from edge.stages import stage

PREFILL_CHUNK_TOKENS = 128
"""Tokens of a prompt in one run: enough for the matrix kernels, few for the memory."""
PREFILL_CHUNK_TOKENS_ON_GPU = 2048
"""There, few runs of many tokens; its memory is not what decides."""
MIN_PREFIX_TOKENS = 16
"""A shorter common beginning is not worth a run of its own."""


@dataclass(frozen=True)
class Prefix:
    """What prompts begin with, after prefill."""

    token_ids: tuple[int, ...]
    cache: Cache
    """Of one row, as long as the prefix; in the processor's memory."""


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
        on_gpu = session.gpu is not None
        self._chunk_tokens = PREFILL_CHUNK_TOKENS_ON_GPU if on_gpu else PREFILL_CHUNK_TOKENS
        self._prefix = Prefix((), {})

    @stage("prefill")
    def prefill(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, n_beams: int = 1
    ) -> DecodeState:
        """Run prompts through the model, and be ready to decode.

        What several prompts begin with is run once, and kept for prompts that begin so later: the
        instruction that the chapters of all episodes are summed up by.

        :param prompts: Tokens of each prompt.
        :param max_new_tokens: Most tokens to decode for each.
        :param n_beams: Rows for each prompt, one after the other.
        :raises InferenceError: If a prompt and its answer would not fit the context.
        """
        for prompt in prompts:
            self.check_length(len(prompt), max_new_tokens)
        self._keep_common_prefix(prompts)
        n_rows = len(prompts) * n_beams
        arrays = new_cache(self._session, n_rows, max(map(len, prompts)) + max_new_tokens)
        n_known = [
            self._fill_prefix(arrays, i * n_beams, prompt) for i, prompt in enumerate(prompts)
        ]
        cache = RowArrays(arrays, self._session.gpu)
        logits = np.empty((n_rows, self._vocabulary_size), np.float32)
        for i, prompt in enumerate(prompts):
            beams = slice(i * n_beams, (i + 1) * n_beams)
            logits[beams] = self._prefill_row(cache.row(beams.start), prompt, n_known[i])

        def copy_to_beams(array: AnyArray) -> None:
            for first in range(0, n_rows, n_beams):
                array[first + 1 : first + n_beams] = array[first]

        if n_beams > 1:
            cache.edit(copy_to_beams)
        lengths = np.repeat(np.array([len(prompt) for prompt in prompts], np.int32), n_beams)
        fixed = FixedInputs(_first_logits(-1), RowArrays({}, self._session.gpu))
        return DecodeState(self._session, cache, lengths, logits, fixed)

    def text_logits(self, token_ids: Sequence[int]) -> tuple[Float32Array, Sequence[int]]:
        """Logits of every token of a text but the first, and these tokens.

        :param token_ids: A text of at least two tokens.
        :return: Shape (tokens - 1, vocabulary), and tokens - 1 ids.
        :raises InferenceError: If it is longer than the context.
        """
        self.check_length(len(token_ids), 0)
        cache = RowArrays(new_cache(self._session, 1, len(token_ids)), self._session.gpu)
        chunks = [
            self._run(cache, np.array([token_ids[i : i + self._chunk_tokens]], np.int64), i, 0)
            for i in range(0, len(token_ids), self._chunk_tokens)
        ]
        return np.concatenate(chunks)[:-1], token_ids[1:]

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

    def _keep_common_prefix(self, prompts: Sequence[Sequence[int]]) -> None:
        """Prefill what several prompts begin with, if it is longer than what is kept of it."""
        n_common = _n_common_tokens(prompts)
        n_kept = len(self._prefix.token_ids) if _begins_with(prompts[0], self._prefix) else 0
        if len(prompts) > 1 and n_common >= n_kept + MIN_PREFIX_TOKENS:
            common = tuple(prompts[0][:n_common])
            cache = RowArrays(new_cache(self._session, 1, n_common), self._session.gpu)
            self._prefill_row(cache, common, 0)
            self._prefix = Prefix(common, cache.on_cpu())

    def _fill_prefix(self, arrays: Cache, row: int, prompt: Sequence[int]) -> int:
        """Copy what is kept of a prompt into its row; how many of its tokens that are."""
        if not _begins_with(prompt, self._prefix):
            return 0
        # The last token is run again where it is the prefix's, too: logits are not kept.
        n_known = min(len(self._prefix.token_ids), len(prompt) - 1)
        for name, array in self._prefix.cache.items():
            arrays[name][row, :, :n_known] = array[0, :, :n_known]
        return n_known

    def _prefill_row(self, cache: RowArrays, prompt: Sequence[int], n_known: int) -> Float32Array:
        """Run a prompt on a cache of one row; logits of its next token, (1, vocabulary)."""
        logits = np.empty((0, self._vocabulary_size), np.float32)
        for start in range(n_known, len(prompt), self._chunk_tokens):
            chunk = np.array([prompt[start : start + self._chunk_tokens]], np.int64)
            logits = self._run(cache, chunk, start, -1)
        return logits

    def _run(
        self, cache: RowArrays, token_ids: Int64Array, n_past: int, first_logits: int
    ) -> Float32Array:
        """Run tokens, shape (1, tokens); logits from the first wanted on, (wanted, vocabulary)."""
        n_logits = 1 if first_logits == -1 else token_ids.shape[1] - first_logits
        forward = ForwardPass(
            self._session, cache, token_ids, _first_logits(first_logits), n_logits
        )
        forward.run(np.array([n_past], np.int32))
        return forward.logits


def _first_logits(first: int) -> dict[str, AnyArray]:
    """The model's input that says from which token on logits are wanted; -1 for the last only."""
    return {"first_logits": np.array([first], np.int64)}


def _begins_with(prompt: Sequence[int], prefix: Prefix) -> bool:
    return tuple(prompt[: len(prefix.token_ids)]) == prefix.token_ids


def _n_common_tokens(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with, but not the last of the shortest: it is run again."""
    shortest = min(map(len, prompts))
    for i in range(shortest - 1):
        if any(prompt[i] != prompts[0][i] for prompt in prompts):
            return i
    return shortest - 1
