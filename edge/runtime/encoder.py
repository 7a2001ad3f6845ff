"""Sentences to unit vectors with the embedded model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edge.arrays import Float32Array
from edge.bundles.files import load_tokenizer, model_path
from edge.bundles.manifest import Bundle, verify_files
from edge.errors import BundleError
from edge.runtime.heads import load_heads
from edge.runtime.providers import ON_CPU, Execution
from edge.runtime.session import Session, default_threads
from edge.runtime.threads import Background, Parallel
from edge.stages import stage

Progress = Callable[[int, int], None]
"""Called with (done, in all), in any unit, now and then."""

COMMON_PLACE = 2000
"""Where whole words begin in the vocabulary, after its single characters."""
RARE_FACTOR = 4
"""Four times as far down, a word counts as rare."""
TOKENIZED_TOGETHER = 256
"""Texts: what a tokenizer tells of a text takes a hundred times the memory of its tokens."""
ARENA = True
"""Memory is kept from run to run: batches have many shapes, and their pieces would scatter."""
BATCH_TOKENS = 256
"""Padded tokens in one batch: activations stay in the cache and memory stays flat."""
BATCH_TOKENS_ON_GPU = 16_384
"""There: a GPU wants much to do at once."""
PROGRESS_INTERVAL_S = 0.2


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
        self._session = Session(model_path(bundle), 1, ARENA, execution, bundle.manifest.precision)
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
        return self.begin(self.tokens(texts)).result(progress)

    def encode_tokens(self, token_ids: Sequence[Sequence[int]]) -> Float32Array:
        """``encode``, of texts that are tokens already.

        :param token_ids: Tokens of each text, without markers.
        :return: Shape (texts, dimension), rows of length 1, in the order given.
        :raises InferenceError: If onnxruntime fails.
        """
        return self.begin(token_ids).result()

    def begin_texts(self, texts: Sequence[str]) -> Encoding:
        """``encode`` that goes on beside other work, where it has more than one thread.

        :param texts: Any number of texts.
        """
        return self.begin(self.tokens(texts))

    def begin(self, token_ids: Sequence[Sequence[int]]) -> Encoding:
        """``begin_texts``, of texts that are tokens already.

        :param token_ids: Tokens of each text, without markers.
        """
        owners: list[int] = []
        windows: list[list[int]] = []
        for i, ids in enumerate(token_ids):
            for window in self._windows(ids):
                owners.append(i)
                windows.append(window)
        batches = list(_batches(windows, self._batch_tokens))
        running = Parallel(
            lambda batch: self._pooled([windows[k] for k in batch]), batches, self._threads
        )
        lengths = [len(window) for window in windows]
        return Encoding(running, batches, owners, lengths, (len(token_ids), self.spec.dimension))

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Tokens of all texts, without markers.

        :param texts: Any texts.
        """
        return sum(map(len, self.tokens(texts)))

    def rarity(self, word: str) -> float:
        """How rare a word is, 0 (among the commonest) to 1, from its place in the vocabulary.

        WordPiece vocabularies of the BERT family list whole words from frequent to rare, so
        the place tells frequency without a list of its own.

        :param word: One word, any case.
        """
        place = self._tokenizer.token_to_id(word.lower())
        if place is None:
            return 1.0
        return min(1.0, max(0.0, math.log(max(place, 1) / COMMON_PLACE) / math.log(RARE_FACTOR)))

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of each text, without markers.

        :param texts: Any number of texts.
        """
        tokens: list[list[int]] = []
        with stage("tokenize"):
            for start in range(0, len(texts), TOKENIZED_TOGETHER):
                own = list(texts[start : start + TOKENIZED_TOGETHER])
                encodings = self._tokenizer.encode_batch(own, add_special_tokens=False)
                tokens += [encoding.ids for encoding in encodings]
        return tokens

    def _windows(self, ids: Sequence[int]) -> Iterator[list[int]]:
        room = self.spec.max_tokens - 2
        for start in range(0, max(1, len(ids)), room):
            part = ids[start : start + room]
            yield [self.spec.cls_token_id, *part, self.spec.sep_token_id]

    def _pooled(self, windows: list[list[int]]) -> Float32Array:
        """Mean-pooled, unit-length vectors of one batch, shape (batch, dimension)."""
        longest = max(map(len, windows))
        shape = (len(windows), longest)
        input_ids = np.full(shape, self.spec.pad_token_id, np.int64)
        attention_mask = np.zeros(shape, np.int64)
        for row, window in enumerate(windows):
            input_ids[row, : len(window)] = window
            attention_mask[row, : len(window)] = 1
        hidden = self._session.run(
            {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": np.zeros(shape, np.int64),
            }
        ).astype(np.float32, copy=False)  # (batch, seq, dimension)
        mask = attention_mask.astype(np.float32)
        pooled = np.matmul(mask[:, None, :], hidden)[:, 0] / mask.sum(axis=1, keepdims=True)
        return _unit_rows(pooled)


class Encoding:
    """Texts that are being embedded.

    :param running: Gives the vectors of each batch.
    :param batches: Windows in each batch.
    :param owners: Text of each window.
    :param lengths: Tokens of each window.
    :param shape: (texts, dimension).
    """

    def __init__(
        self,
        running: Parallel[list[int], Float32Array],
        batches: list[list[int]],
        owners: list[int],
        lengths: list[int],
        shape: tuple[int, int],
    ) -> None:
        self._running = running
        self._batches = batches
        self._owners = owners
        self._lengths = lengths
        self._shape = shape

    def result(self, progress: Progress | None = None) -> Float32Array:
        """The texts' vectors, once they are done.

        :param progress: Told now and then how far it is.
        :return: Shape (texts, dimension), rows of length 1.
        :raises InferenceError: If onnxruntime fails.
        """
        with stage("encode"):
            while progress and not self._running.wait(PROGRESS_INTERVAL_S):
                progress(self._running.n_done, len(self._batches))
            pooled = self._running.results()
            sums = np.zeros(self._shape, np.float32)
            for batch, rows in zip(self._batches, pooled, strict=True):
                for row, k in zip(rows, batch, strict=True):
                    sums[self._owners[k]] += row * self._lengths[k]
            if progress:
                progress(len(self._batches), len(self._batches))
            return _unit_rows(sums)


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
    unit: Float32Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _batches(windows: list[list[int]], batch_tokens: int) -> Iterator[list[int]]:
    """Indices grouped by length, so that little is padded; longest first bounds memory early.

    The groups do not depend on the threads: company changes an INT8 vector a little.
    """
    batch: list[int] = []
    longest = 0
    for k in sorted(range(len(windows)), key=lambda k: (-len(windows[k]), k)):
        longest = longest or len(windows[k])
        if batch and (len(batch) + 1) * longest > batch_tokens:
            yield batch
            batch, longest = [], len(windows[k])
        batch.append(k)
    if batch:
        yield batch


def golden_cosine(encoder: Encoder) -> float:
    """Lowest cosine between the bundle's golden vectors and this device's.

    :param encoder: A loaded bundle.
    """
    golden = encoder.bundle.manifest.golden
    assert golden is not None  # the manifest of every encoder has one
    expected = np.asarray(golden.embeddings, np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    return float((encoder.encode(golden.texts) * expected).sum(axis=1).min())
