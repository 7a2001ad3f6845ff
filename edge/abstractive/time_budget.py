"""Whether a model can write about an episode in the time there is, tried on this device."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

from edge.abstractive.drafts import Summarizer
from edge.abstractive.requests import summary_request
from edge.bundles.manifest import Bundle
from edge.generation.chat_format import Prompt
from edge.generation.sampling import GenerationSettings
from edge.runtime.encoder import Encoder
from edge.runtime.providers import ON_CPU, Execution, Placement

READ_PER_WORD = 1.2
"""Tokens read for a word of the episode: of what was said around its moments, twice, and the
requests."""
WORDS_PER_CHAPTER = 1000
"""For the estimate only: before an episode is read, nobody knows its chapters."""
STEPS_PER_CHAPTER = 60
"""Tokens of the longest of the texts written together, and of those written once more."""
TOGETHER = 6
"""Texts written at once."""
TRIAL_TEXT = "People say that large models are slow to serve and cost too much. "
TRIAL_STEPS = 8


@dataclass(frozen=True)
class Throughput:
    """How fast a model reads and writes on this device."""

    read_tokens_per_s: float
    steps_per_s: float
    """Tokens a second of each of ``TOGETHER`` texts written at once."""

    def seconds(self, n_words: int) -> float:
        """About how long it takes to write about an episode.

        :param n_words: Of the episode.
        """
        n_chapters = max(1, round(n_words / WORDS_PER_CHAPTER))
        n_read = READ_PER_WORD * n_words
        return n_read / self.read_tokens_per_s + n_chapters * STEPS_PER_CHAPTER / self.steps_per_s


def measure_throughput(writer: Summarizer) -> Throughput:
    """Try how fast a model reads and writes here; takes a second or two.

    :param writer: The model.
    """
    requests = [summary_request(TRIAL_TEXT * n, TRIAL_STEPS) for n in (12, 4, 1)]
    prompt = Prompt(next((r for r in requests if writer.fits(r)), requests[-1]))
    generator = writer.generator
    start = time.perf_counter()
    generator.generate([prompt], GenerationSettings(max_new_tokens=1))
    read_s = time.perf_counter() - start
    settings = GenerationSettings(max_new_tokens=TRIAL_STEPS, min_new_tokens=TRIAL_STEPS)
    generator.generate([prompt] * TOGETHER, settings)  # what they share is kept: read once
    start = time.perf_counter()
    generator.generate([prompt] * TOGETHER, settings)
    wrote_s = time.perf_counter() - start
    return Throughput(len(generator.tokens(prompt)) / read_s, TRIAL_STEPS / wrote_s)


class LazySummarizer:
    """What writes summaries, loaded when the first episode needs it.

    :param bundle: A bundle taught to sum up; None where there is none.
    :param encoder: Whose vectors find evidence.
    :param threads: Threads for the model; None for the cores at hand, at most 4.
    :param budget_s: Time an episode may take; None for as long as it takes.
    :param execution: The provider that is to run it.
    :param why_none: Why there is no bundle.
    """

    def __init__(
        self,
        bundle: Bundle | None,
        encoder: Encoder,
        threads: int | None,
        budget_s: float | None,
        execution: Execution = ON_CPU,
        why_none: str = "no model here was taught to sum up speech",
    ) -> None:
        self._bundle = bundle
        self._encoder = encoder
        self._threads = threads
        self._budget_s = budget_s
        self._execution = execution
        self._why_none = why_none

    def choose(self, n_words: int) -> tuple[Summarizer | None, str]:
        """The writer, or why an episode's summary is to be of its own sentences.

        :param n_words: Of the episode.
        :raises BundleError: If the bundle was not taught to sum up, or cannot be checked.
        :raises InferenceError: If it cannot be loaded.
        """
        if self._bundle is None:
            return None, self._why_none
        if self._budget_s is not None:
            seconds = self._pace.seconds(n_words)
            if seconds > self._budget_s:
                return None, (
                    f"{self._bundle.id} would take about {seconds:.0f} s on this device, and the "
                    f"budget is {self._budget_s:.0f} s"
                )
        return self._writer, ""

    @property
    def placements(self) -> dict[str, Placement]:
        """Bundle -> where it runs, once it is loaded."""
        writer: Summarizer | None = self.__dict__.get("_writer")
        generator = writer and writer.generator
        return {generator.bundle.id: generator.placement} if generator else {}

    @cached_property
    def _writer(self) -> Summarizer:
        assert self._bundle is not None
        return Summarizer(self._bundle, self._encoder, self._threads, self._execution)

    @cached_property
    def _pace(self) -> Throughput:
        return measure_throughput(self._writer)
