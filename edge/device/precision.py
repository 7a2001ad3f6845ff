"""Which precision of each model is fastest on this device, measured in a few seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from edge.bundles.manifest import PRECISIONS, Bundle
from edge.errors import EdgeError
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge.runtime.encoder import Encoder
from edge.runtime.providers import AUTO, Execution

MEASURE_S = 10.0
"""For all bundles together; at least one run each."""
MIN_SPEEDUP = 1.05
"""One precision is recommended over a more exact one only if it is so many times as fast."""
_TEXTS = tuple(
    f"They measured sentence {i} on the board, and nobody could say why it took so long."
    for i in range(32)
)
"""What an encoder embeds in one run."""
_PROMPT_TEXTS, _NEW_TOKENS = 12, 16
"""What a generative model reads and writes in one run."""


@dataclass(frozen=True)
class MeasuredPrecision:
    """How fast one bundle is here."""

    bundle: Bundle
    run_s: float
    """One run of the same work for all precisions; the median."""
    n_runs: int
    provider: str
    """That ran it, of ``edge.runtime.providers.PROVIDERS``."""

    @property
    def precision(self) -> str:
        """One of ``edge.bundles.manifest.PRECISIONS``."""
        return self.bundle.manifest.precision

    def __str__(self) -> str:
        return f"{self.precision} {self.run_s * 1e3:.0f} ms on {self.provider}"


@dataclass(frozen=True)
class PrecisionAdvice:
    """What was found for one model."""

    name: str
    measured: tuple[MeasuredPrecision, ...]
    """Each precision that is here and works, the recommended one first."""
    failures: tuple[str, ...]
    """Of those that do not."""

    def __str__(self) -> str:
        if not self.measured:
            return "; ".join(self.failures)
        best, *slower = self.measured
        only = "" if slower else " (the only precision here)"
        times = [f"{each}, {each.run_s / best.run_s:.1f} times as long" for each in slower]
        return "; ".join([f"use {best.precision}{only}", str(best), *times, *self.failures])


def recommend_precisions(
    bundles: Sequence[Bundle], seconds: float = MEASURE_S
) -> Iterator[PrecisionAdvice]:
    """Measure every bundle, and recommend a precision of each model.

    :param bundles: Any.
    :param seconds: Time to measure for.
    """
    ordered = sorted(bundles, key=lambda bundle: bundle.manifest.name)
    share_s = seconds / max(1, len(ordered))
    for name, group in groupby(ordered, key=lambda bundle: bundle.manifest.name):
        measured, failures = [], []
        for bundle in group:
            try:
                measured.append(measure(bundle, share_s))
            except EdgeError as error:
                failures.append(f"{bundle.manifest.precision} does not work: {error.message}")
        yield PrecisionAdvice(name, tuple(recommended_first(measured)), tuple(failures))


def recommended_first(candidates: Sequence[MeasuredPrecision]) -> list[MeasuredPrecision]:
    """The fastest first; a more exact precision before one that is hardly faster.

    :param candidates: Precisions of one model.
    """
    if not candidates:
        return []
    fastest_s = min(each.run_s for each in candidates)
    best = min(
        (each for each in candidates if each.run_s <= fastest_s * MIN_SPEEDUP),
        key=lambda each: PRECISIONS.index(each.precision),  # the most exact comes first
    )
    slower = [each for each in candidates if each is not best]
    return [best, *sorted(slower, key=lambda each: each.run_s)]


def measure(bundle: Bundle, seconds: float) -> MeasuredPrecision:
    """Load a bundle and run it, after once that does not count.

    :param bundle: The bundle.
    :param seconds: How long; its loading and at least one run take what they take.
    :raises EdgeError: If it does not work here.
    """
    stop_s = time.monotonic() + seconds
    execution = Execution(AUTO)
    if bundle.manifest.encoder:
        encoder = Encoder(bundle, None, execution)
        placement = encoder.placement

        def run() -> None:
            encoder.encode(_TEXTS)
    else:
        generator = Generator(bundle, None, execution)
        placement = generator.placement
        prompt = Prompt(" ".join(_TEXTS[:_PROMPT_TEXTS]))
        settings = GenerationSettings(max_new_tokens=_NEW_TOKENS, min_new_tokens=_NEW_TOKENS)

        def run() -> None:
            generator.generate([prompt], settings)

    run()
    times_s: list[float] = []
    while not times_s or time.monotonic() < stop_s:
        started_s = time.perf_counter()
        run()
        times_s.append(time.perf_counter() - started_s)
    return MeasuredPrecision(bundle, statistics.median(times_s), len(times_s), placement.ran)
