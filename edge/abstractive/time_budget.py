"""Whether a model can write about an episode in the time there is, tried on this device."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.abstractive.drafts import Summarizer
from edge.abstractive.requests import summary_request
from edge.generation.chat_format import Prompt
from edge.generation.sampling import GenerationSettings
from edge.runtime.providers import Placement

PROMPT_TOKENS_PER_WORD = 1.2
"""Tokens read for a word of the episode: of what was said around its moments, twice, and the
requests."""
WORDS_PER_CHAPTER = 1000
"""For the estimate only: before an episode is read, nobody knows its chapters."""
STEPS_PER_CHAPTER = 60
"""Tokens of the longest of the texts written together, and of those written once more."""
BATCH_SIZE = 6
"""Texts written at once: about a chapter's moments, and its title."""
TRIAL_TEXT = "People say that large models are slow to serve and cost too much. "
TRIAL_REPEATS = (12, 4, 1)
"""How often the text is read in a row: as often as the model's context holds it."""
TRIAL_STEPS = 8
"""Tokens written: enough to tell, and short beside an episode."""


@dataclass(frozen=True)
class Throughput:
    """How fast a model reads and writes on this device."""

    prefill_tokens_per_s: float
    decode_steps_per_s: float
    """Tokens a second of each of ``BATCH_SIZE`` texts written at once."""

    def seconds(self, n_words: int) -> float:
        """About how long it takes to write about an episode.

        :param n_words: Of the episode.
        """
        n_chapters = max(1, round(n_words / WORDS_PER_CHAPTER))
        prefill_s = PROMPT_TOKENS_PER_WORD * n_words / self.prefill_tokens_per_s
        return prefill_s + n_chapters * STEPS_PER_CHAPTER / self.decode_steps_per_s


def measure_throughput(summarizer: Summarizer) -> Throughput:
    """Try how fast a model reads and writes here; takes a second or two.

    :param summarizer: The model.
    """
    requests = [summary_request(TRIAL_TEXT * n, TRIAL_STEPS) for n in TRIAL_REPEATS]
    prompt = Prompt(next((r for r in requests if summarizer.fits(r)), requests[-1]))
    generator = summarizer.generator
    start = time.perf_counter()
    generator.generate([prompt], GenerationSettings(max_new_tokens=1))
    prefill_s = time.perf_counter() - start
    settings = GenerationSettings(max_new_tokens=TRIAL_STEPS, min_new_tokens=TRIAL_STEPS)
    generator.generate([prompt] * BATCH_SIZE, settings)  # what they share is kept: read once
    start = time.perf_counter()
    generator.generate([prompt] * BATCH_SIZE, settings)
    decode_s = time.perf_counter() - start
    return Throughput(len(generator.tokens(prompt)) / prefill_s, TRIAL_STEPS / decode_s)


class LazySummarizer:
    """A summarizer that is loaded, and tried, when the first episode needs it.

    :param load: Gives the summarizer; None where there is none.
    :param budget_s: Time an episode may take; None for as long as it takes.
    :param why_none: Why there is none.
    """

    def __init__(
        self,
        load: Callable[[], Summarizer] | None,
        budget_s: float | None = None,
        why_none: str = "no model here was taught to sum up speech",
    ) -> None:
        self._load = load
        self._budget_s = budget_s
        self._why_none = why_none
        self._summarizer: Summarizer | None = None
        self._throughput: Throughput | None = None

    def choose(self, n_words: int) -> tuple[Summarizer | None, str]:
        """The summarizer, or why an episode's summary is to be of the transcript's sentences.

        :param n_words: Of the episode.
        :raises BundleError: If the bundle is not fine-tuned for it, or cannot be checked.
        :raises InferenceError: If it cannot be loaded.
        """
        if self._load is None:
            return None, self._why_none
        if self._summarizer is None:
            self._summarizer = self._load()
        if self._budget_s is None:
            return self._summarizer, ""
        if self._throughput is None:
            self._throughput = measure_throughput(self._summarizer)
        seconds = self._throughput.seconds(n_words)
        if seconds <= self._budget_s:
            return self._summarizer, ""
        return None, (
            f"{self._summarizer.generator.bundle.id} would take about {seconds:.0f} s on this "
            f"device, and the budget is {self._budget_s:.0f} s"
        )

    @property
    def placements(self) -> dict[str, Placement]:
        """Bundle -> where it runs, once it is loaded."""
        if self._summarizer is None:
            return {}
        generator = self._summarizer.generator
        return {generator.bundle.id: generator.placement}
