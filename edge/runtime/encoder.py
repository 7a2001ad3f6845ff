"""Sentences to unit vectors with the embedded model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array
from edge.bundles.files import model_path, verify_files
from edge.bundles.manifest import Bundle
from edge.errors import BundleError
from edge.runtime.batches import Windows, batches_by_length, cut_windows, pad
from edge.runtime.heads import load_heads
from edge.runtime.providers import ON_CPU, Execution
from edge.runtime.session import Session, default_threads
from edge.runtime.threads import Background, Parallel
from edge.runtime.tokenizer import load_tokenizer, tokenize, word_rarity
from edge.stages import stage

Progress = Callable[[int, int], None]
"""Called with (done, in all), in any unit, now and then."""

ARENA = True
"""Memory is kept from run to run: batches have many shapes, and their pieces would scatter."""
BATCH_TOKENS = 256
"""Padded tokens in one batch: activations stay in the cache and memory stays flat."""
BATCH_TOKENS_ON_GPU = 16_384
"""There: a GPU wants much to do at once."""
PROGRESS_INTERVAL_S = 0.2


@dataclass(frozen=True)
class Encoded:
    """What an encoder made of some texts; both of shape (texts, dimension)."""

    vectors: Float32Array
    """Means over each text's tokens, of length 1: near each other where meanings are."""
    states: Float32Array
    """States of each text's first token, which was fine-tuned to tell what a sentence is."""

    @classmethod
    def none(cls) -> Encoded:
        """Of no texts, of a dimension that is not known."""
        return cls(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))

    def rows(self, rows: slice) -> Encoded:
        """The same of some texts.

        :param rows: Which.
        """
        return Encoded(self.vectors[rows], self.states[rows])

    def followed_by(self, others: Encoded) -> Encoded:
        """These and further ones.

        :param others: Of the texts that follow.
        """
        if not len(self.vectors):
            return others
        return Encoded(
            np.concatenate([self.vectors, others.vectors]),
            np.concatenate([self.states, others.states]),
        )


class Encoder:
    """A sentence-embedding bundle, verified and loaded, with the heads that read its vectors.

    :param bundle: The bundle; its files are hashed before anything is loaded.
    :param threads: Batches that are embedded at once; None for the cores at hand, at most 4.
    :param execution: The provider that is to run it; its heads run on the CPU.
    :raises BundleError: If a file was changed or refers outside the bundle.
    :raises InferenceError: If onnxruntime cannot load the model, or ``execution`` forbids how it
        would run.
    """

    @stage("load")
    def __init__(
        self, bundle: Bundle, threads: int | None = None, execution: Execution = ON_CPU
    ) -> None:
        if bundle.manifest.encoder is None:
            raise BundleError(
                f"model {bundle.id} embeds no sentences: its task is {bundle.manifest.task}",
                "Choose a sentence-embedding bundle; 'edge models list' shows what is here.",
            )
        verify_files(bundle)
        self.bundle = bundle
        self.spec = bundle.manifest.encoder
        self._tokenizer = load_tokenizer(bundle)
        # A thread a batch: none waits for the others at the end of each operator.
        self._session = Session(
            model_path(bundle), 1, ARENA, execution, precision=bundle.manifest.precision
        )
        self.placement = self._session.placement
        on_gpu = self._session.gpu is not None
        self._threads = 1 if on_gpu else threads or default_threads()
        self._batch_tokens = BATCH_TOKENS_ON_GPU if on_gpu else BATCH_TOKENS
        self.heads = load_heads(bundle)

    is_ready = True

    def ready(self) -> Encoder:
        """Itself: it is loaded."""
        return self

    def limit(self, threads: int, batch_tokens: int) -> None:
        """Use no more than this from now on, where it runs on the CPU.

        :param threads: Batches that are embedded at once.
        :param batch_tokens: Padded tokens in one batch.
        """
        if self._session.gpu is None:
            self._threads, self._batch_tokens = threads, batch_tokens

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Float32Array:
        """Embed texts; a text beyond the model's length is read in parts and averaged.

        :param texts: Any number of texts; an empty one gives the vector of no words.
        :param progress: Told of each finished batch.
        :return: Shape (texts, dimension), rows of length 1, in the order given.
        :raises InferenceError: If onnxruntime fails.
        """
        return self.begin(self.tokens(texts)).result(progress).vectors

    def encode_tokens(self, token_ids: Sequence[Sequence[int]]) -> Float32Array:
        """``encode``, of texts that are tokens already.

        :param token_ids: Tokens of each text, without markers.
        :return: Shape (texts, dimension), rows of length 1, in the order given.
        :raises InferenceError: If onnxruntime fails.
        """
        return self.begin(token_ids).result().vectors

    def begin_texts(self, texts: Sequence[str]) -> Encoding:
        """``encode`` that goes on beside other work, where it has more than one thread.

        :param texts: Any number of texts.
        """
        return self.begin(self.tokens(texts))

    def begin(self, token_ids: Sequence[Sequence[int]]) -> Encoding:
        """``begin_texts``, of texts that are tokens already.

        :param token_ids: Tokens of each text, without markers.
        """
        windows = cut_windows(token_ids, self.spec)
        batches = list(batches_by_length(windows, self._batch_tokens))
        running = Parallel(
            lambda batch: self._embed([windows.token_ids[k] for k in batch]), batches, self._threads
        )
        return Encoding(running, windows, batches, (len(token_ids), self.spec.dimension))

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Tokens of all texts, without markers.

        :param texts: Any texts.
        """
        return sum(map(len, self.tokens(texts)))

    def rarity(self, word: str) -> float:
        """How rare a word is, 0 (among the commonest) to 1, as ``word_rarity`` tells it.

        :param word: One word, any case.
        """
        return word_rarity(self._tokenizer, word)

    @stage("tokenize")
    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of each text, without markers.

        :param texts: Any number of texts.
        """
        return tokenize(self._tokenizer, texts)

    def _embed(self, token_ids: list[list[int]]) -> Encoded:
        """Mean-pooled, unit-length vectors and first states of one batch of windows."""
        input_ids, attention_mask = pad(token_ids, self.spec.pad_token_id)
        hidden = self._session.run(
            {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": np.zeros_like(input_ids),
            }
        ).astype(np.float32, copy=False)  # (batch, longest, dimension)
        mask = attention_mask.astype(np.float32)
        pooled = np.matmul(mask[:, None, :], hidden)[:, 0] / mask.sum(axis=1, keepdims=True)
        return Encoded(_unit_rows(pooled), hidden[:, 0].copy())


class Encoding:
    """Texts that are being embedded.

    :param running: Gives what became of each batch.
    :param windows: Of the texts.
    :param batches: Indices of the windows in each batch.
    :param shape: (texts, dimension).
    """

    def __init__(
        self,
        running: Parallel[list[int], Encoded],
        windows: Windows,
        batches: list[list[int]],
        shape: tuple[int, int],
    ) -> None:
        self._running = running
        self._windows = windows
        self._batches = batches
        self._shape = shape

    def result(self, progress: Progress | None = None) -> Encoded:
        """The texts' vectors and states, once they are done.

        :param progress: Told now and then how far it is.
        :raises InferenceError: If onnxruntime fails.
        """
        with stage("encode"):
            while progress and not self._running.wait(PROGRESS_INTERVAL_S):
                progress(self._running.n_done, len(self._batches))
            windows = self._windows
            # Of a text's windows, by their tokens.
            vectors, states = np.zeros(self._shape, np.float32), np.zeros(self._shape, np.float32)
            weights = np.zeros((self._shape[0], 1), np.float32)
            for batch, encoded in zip(self._batches, self._running.results(), strict=True):
                for row, k in enumerate(batch):
                    text, n_tokens = windows.text_indices[k], len(windows.token_ids[k])
                    vectors[text] += encoded.vectors[row] * n_tokens
                    states[text] += encoded.states[row] * n_tokens
                    weights[text] += n_tokens
            if progress:
                progress(len(self._batches), len(self._batches))
            return Encoded(_unit_rows(vectors), states / weights)


class LoadingEncoder:
    """An encoder that loads while something else is done: hashing and loading leave Python idle.

    :param bundle: As for ``Encoder``.
    :param threads: As for ``Encoder``.
    :param execution: As for ``Encoder``.
    """

    def __init__(
        self, bundle: Bundle, threads: int | None = None, execution: Execution = ON_CPU
    ) -> None:
        self._loading = Background(lambda: Encoder(bundle, threads, execution))

    @property
    def is_ready(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._loading.wait(0)

    def ready(self) -> Encoder:
        """The encoder, once it is loaded.

        :raises BundleError: As ``Encoder`` does.
        :raises InferenceError: As ``Encoder`` does.
        """
        return self._loading.result()


def _unit_rows(vectors: Float32Array) -> Float32Array:
    """Rows scaled to length 1, in the model's 32 bits.

    ``edge.extraction.features.unit`` scales in 64 bits, and takes norms below 1e-9 for zero, not
    below 1e-12: digests depend on both to the last bit.
    """
    unit: Float32Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
