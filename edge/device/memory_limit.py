"""A ceiling on memory: whether the work fits below it, and with how many threads and what batches.

The figures were measured (docs/boards.md, "Below a ceiling"); what is loaded is not estimated
but read from the kernel, as far as it tells.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.bundles.manifest import Bundle
from edge.errors import MemoryLimitError
from edge.runtime.memory import peak_bytes, resident_bytes

MIB = 1 << 20
BATCH_SIZES = (256, 128, 64)
"""Padded tokens in one batch, the fastest first; with smaller ones, vectors of an INT8 model
differ a little, as its rounding depends on the company."""
_LOADED = {"fp32": 1.9, "fp16": 3.2, "int8": 1.9, "int4": 1.9}
"""Memory of a loaded model to the size of its files."""
_RUNTIME_BYTES = 62 * MIB
"""Python with onnxruntime and numpy, which may not be there yet."""
_WRITING_BYTES = 90 * MIB
"""Caches and scores of six texts that are written at once."""
_BYTES_PER_WORD = 4000
"""Of an episode that is read in one part: its text, sentences, vectors and states."""
_PART_MARGIN = 1.25
"""A longer one is read in parts; one is reckoned with so many times its most words."""
_TEXT_BYTES_PER_WORD = 90
"""Of an episode that is read in parts, whose text alone is kept."""
_BATCH_BYTES_PER_TOKEN = 36_000
"""What a batch takes for each of its tokens while it is embedded."""
_SLACK_BYTES = 8 * MIB
"""Over what the loaded models hold; loading may have taken more, which is then used again."""


@dataclass(frozen=True)
class MemoryPlan:
    """What the encoder may use."""

    threads: int
    batch_tokens: int


class MemoryLimit:
    """The most memory that the process may take.

    :param max_rss_bytes: Most resident memory.
    """

    def __init__(self, max_rss_bytes: int) -> None:
        self._max_bytes = max_rss_bytes
        self._loaded_bytes = 0
        """With the models, before the first episode: what that one leaves is used again."""

    def check_load(self, bundle: Bundle) -> None:
        """Refuse a model that cannot be loaded below the ceiling, before it is.

        :param bundle: The model.
        :raises MemoryLimitError: With the numbers.
        """
        loaded = int(_LOADED[bundle.manifest.precision] * bundle.size_bytes)
        if bundle.manifest.generator:
            loaded += _WRITING_BYTES
        needed = max(resident_bytes(), _RUNTIME_BYTES) + loaded
        if needed > self._max_bytes:
            raise self._refusal(needed, f"loading {bundle.id}")

    def plan(self, n_words: int, threads: int) -> MemoryPlan:
        """Threads and batches for an episode, once the models are loaded: the fastest that fit.

        :param n_words: Of the episode.
        :param threads: Most threads.
        :raises MemoryLimitError: If not even one thread with small batches fits.
        """
        self._loaded_bytes = self._loaded_bytes or max(
            peak_bytes(), resident_bytes() + _SLACK_BYTES
        )
        fixed = self._loaded_bytes + _episode_bytes(n_words)
        room = self._max_bytes - fixed
        for batch_tokens in BATCH_SIZES:
            fitting = min(threads, room // (batch_tokens * _BATCH_BYTES_PER_TOKEN))
            # All threads with smaller batches are faster than fewer with larger ones.
            if fitting == threads or (batch_tokens == BATCH_SIZES[-1] and fitting >= 1):
                return MemoryPlan(int(fitting), batch_tokens)
        least = fixed + BATCH_SIZES[-1] * _BATCH_BYTES_PER_TOKEN
        raise self._refusal(least, f"an episode of {n_words:,} words")

    @property
    def is_broken(self) -> bool:
        """Whether the process took more after all."""
        return peak_bytes() > self._max_bytes

    def _refusal(self, n_bytes: int, what: str) -> MemoryLimitError:
        return MemoryLimitError(
            f"{what} takes about {-(-n_bytes // MIB)} MiB, and --max-rss allows "
            f"{self._max_bytes // MIB} MiB",
            "Allow more, or use a smaller model; nothing was begun.",
        )


def _episode_bytes(n_words: int) -> int:
    """Memory that an episode takes besides the models."""
    # Not before it is needed: a model is refused before any of this is loaded.
    from edge.extraction.parts import PART_WORDS, WHOLE_WORDS

    if n_words <= WHOLE_WORDS:
        return n_words * _BYTES_PER_WORD
    part_words = int(_PART_MARGIN * PART_WORDS)
    return part_words * _BYTES_PER_WORD + n_words * _TEXT_BYTES_PER_WORD
