"""Sentences to unit vectors with the embedded model."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from edge.errors import BundleError, EdgeError
from edge.heads import load_heads
from edge.loading import load_tokenizer, model_path
from edge.manifest import Bundle, verify_files
from edge.session import Session, default_threads
from edge.stages import stage

FloatArray = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with (tokens done, tokens in all) after each batch."""

COMMON_PLACE = 2000
"""Where whole words begin in the vocabulary, after its single characters."""
RARE_FACTOR = 4
"""Four times as far down, a word counts as rare."""
TOKENIZED_TOGETHER = 256
"""Texts: what a tokenizer tells of a text takes a hundred times the memory of its tokens."""
BATCH_TOKENS = 512
"""Padded tokens in one batch: activations stay in the cache and memory stays flat."""


class Encoder:
    """A sentence-embedding bundle, verified and loaded, with the heads that read its vectors.

    :param bundle: The bundle; its files are hashed before anything is loaded.
    :param threads: Threads for onnxruntime; None for the cores at hand, at most 4.
    :raises BundleError: If a file was changed or refers outside the bundle.
    :raises InferenceError: If onnxruntime cannot load the model.
    """

    @stage("load")
    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        if bundle.manifest.encoder is None:
            raise BundleError(
                f"model {bundle.id} embeds no sentences: its task is {bundle.manifest.task}",
                "Choose a sentence-embedding bundle; 'edge models list' shows what is here.",
            )
        verify_files(bundle)
        self.bundle = bundle
        self.spec = bundle.manifest.encoder
        self._tokenizer = load_tokenizer(bundle)
        self._session = Session(model_path(bundle), threads or default_threads(), arena=True)
        self.execution_provider = self._session.execution_provider
        self.heads = load_heads(bundle)

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatArray:
        """Embed texts; a text beyond the model's length is read in parts and averaged.

        :param texts: Any number of texts; an empty one gives the vector of no words.
        :param progress: Told of each finished batch.
        :return: Shape (texts, dimension), rows of length 1, in the order given.
        :raises InferenceError: If onnxruntime fails.
        """
        return self.encode_tokens(self._tokens(texts), progress)

    def encode_tokens(
        self, token_ids: Sequence[Sequence[int]], progress: Progress | None = None
    ) -> FloatArray:
        """``encode``, of texts that are tokens already.

        :param token_ids: Tokens of each text, without markers.
        :param progress: Told of each finished batch.
        :return: Shape (texts, dimension), rows of length 1, in the order given.
        :raises InferenceError: If onnxruntime fails.
        """
        owners: list[int] = []
        windows: list[list[int]] = []
        for i, ids in enumerate(token_ids):
            for window in self._windows(ids):
                owners.append(i)
                windows.append(window)
        total = sum(map(len, windows))
        done = 0
        sums = np.zeros((len(token_ids), self.spec.dimension), np.float32)
        for batch in _batches(windows):
            with stage("encode"):
                pooled = self._pooled([windows[k] for k in batch])
            for row, k in zip(pooled, batch, strict=True):
                sums[owners[k]] += row * len(windows[k])
            done += sum(len(windows[k]) for k in batch)
            if progress:
                progress(done, total)
        return _unit_rows(sums)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Tokens of all texts, without markers.

        :param texts: Any texts.
        """
        return sum(map(len, self._tokens(texts)))

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

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
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

    def _pooled(self, windows: list[list[int]]) -> FloatArray:
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
        mask = attention_mask[:, :, None].astype(np.float32)
        pooled = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
        return _unit_rows(pooled)


class LoadingEncoder:
    """An encoder that loads while something else is done: hashing and loading leave Python idle.

    :param bundle: As for ``Encoder``.
    :param threads: As for ``Encoder``.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self._loaded: list[Encoder] = []
        self._failed: list[EdgeError] = []
        self._thread = threading.Thread(target=self._load, args=(bundle, threads), daemon=True)
        self._thread.start()

    def ready(self) -> Encoder:
        """The encoder, once it is loaded.

        :raises BundleError: As ``Encoder`` does.
        :raises InferenceError: As ``Encoder`` does.
        """
        self._thread.join()
        if self._failed:
            raise self._failed[0]
        return self._loaded[0]

    def _load(self, bundle: Bundle, threads: int | None) -> None:
        try:
            self._loaded.append(Encoder(bundle, threads))
        except EdgeError as error:  # whoever waits is told
            self._failed.append(error)


def _unit_rows(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _batches(windows: list[list[int]]) -> Iterator[list[int]]:
    """Indices grouped by length, so that little is padded; longest first bounds memory early."""
    batch: list[int] = []
    longest = 0
    for k in sorted(range(len(windows)), key=lambda k: (-len(windows[k]), k)):
        longest = longest or len(windows[k])
        if batch and (len(batch) + 1) * longest > BATCH_TOKENS:
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
