"""An encoder-decoder model: a text is encoded once, and another decoded from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import AnyArray, Float32Array
from edge.errors import InferenceError
from edge.generation.decode_state import DecodeState, FixedInputs, ForwardPass
from edge.generation.kv_cache import RowArrays, new_cache
from edge.runtime.session import Session
from edge.stages import stage


class EncoderDecoder:
    """An encoder-decoder model.

    :param encoder: From a text's tokens to the keys and values that its answer attends to.
    :param decoder: From an answer's tokens, on these, to logits; docs/models.md has both.
    :param context_tokens: Longest text.
    :param max_new_tokens: Longest answer.
    :param start_token_id: What every answer begins with; no part of it.
    """

    def __init__(
        self,
        encoder: Session,
        decoder: Session,
        context_tokens: int,
        max_new_tokens: int,
        start_token_id: int,
    ) -> None:
        self.context_tokens = context_tokens
        self.placement = decoder.placement
        self.max_new_tokens = max_new_tokens
        self._encoder = encoder
        self._decoder = decoder
        self._start_token_id = start_token_id

    @stage("prefill")
    def prefill(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, n_beams: int = 1
    ) -> DecodeState:
        """Encode texts, and be ready to decode.

        :param prompts: Tokens of each text.
        :param max_new_tokens: Most tokens to decode for each.
        :param n_beams: Rows for each text, one after the other. They share what was encoded.
        :raises InferenceError: If a text or its answer is too long.
        """
        for prompt in prompts:
            self.check_length(len(prompt), max_new_tokens)
        gpu = self._decoder.gpu
        encoded = RowArrays(self._encode(prompts), gpu)
        n_rows = len(prompts) * n_beams
        cache = RowArrays(new_cache(self._decoder, n_rows, max_new_tokens), gpu)
        lengths = np.zeros(n_rows, np.int32)
        start = np.full((n_rows, 1), self._start_token_id, np.int64)
        forward = ForwardPass(self._decoder, cache, start, encoded.arrays)
        forward.run(lengths)
        fixed = FixedInputs({}, encoded)
        return DecodeState(self._decoder, cache, lengths + 1, forward.logits, fixed)

    def text_logits(self, token_ids: Sequence[int]) -> tuple[Float32Array, Sequence[int]]:
        """Logits of every token of a text, to be decoded after it was encoded.

        :param token_ids: The text.
        :return: Shape (tokens, vocabulary), and the tokens.
        :raises InferenceError: If it is too long.
        """
        state = self.prefill([token_ids], len(token_ids))
        rows = [state.logits[0].copy()]
        for token in token_ids[:-1]:
            state.decode_step([token])
            rows.append(state.logits[0].copy())
        return np.stack(rows), token_ids

    def check_length(self, n_prompt: int, n_new: int) -> None:
        """Refuse what is too long.

        :param n_prompt: Tokens of a text.
        :param n_new: Most tokens of its answer.
        :raises InferenceError: With the numbers.
        """
        if not 0 < n_prompt <= self.context_tokens:
            raise InferenceError(
                f"the text has {n_prompt} tokens; the model reads 1 to {self.context_tokens}",
                "Give it in parts." if n_prompt else "Give some text.",
            )
        if n_new > self.max_new_tokens:
            raise InferenceError(
                f"an answer of {n_new} tokens was asked for; the model writes at most "
                f"{self.max_new_tokens}",
                "Allow a shorter answer.",
            )

    def _encode(self, prompts: Sequence[Sequence[int]]) -> dict[str, AnyArray]:
        """Keys and values of the texts, padded to the longest, and a mask of what is real."""
        longest = max(map(len, prompts))
        mask = np.zeros((len(prompts), longest), np.int32)
        encoded: dict[str, AnyArray] = {"source_mask": mask}
        for i, prompt in enumerate(prompts):
            mask[i, : len(prompt)] = 1
            outputs = self._encoder.run_all({"input_ids": np.array([prompt], np.int64)})
            for name, array in outputs.items():  # (1, heads, tokens, head size)
                if name not in encoded:
                    _, heads, _, size = array.shape
                    encoded[name] = np.zeros((len(prompts), heads, longest, size), array.dtype)
                encoded[name][i, :, : len(prompt)] = array[0]
        return encoded
