"""Which precision of each model is fastest on this device, measured in a few seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from edge.bundles.manifest import Bundle
from edge.errors import EdgeError
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge.runtime.encoder import Encoder
from edge.runtime.providers import AUTO, Execution

SECONDS = 10.0
"""For all bundles together; at least one run each."""
MARGIN = 1.05
"""One precision is recommended over a more exact one only if it is so many times as fast."""
_TEXTS = tuple(
    f"They measured sentence {i} on the board, and nobody could say why it took so long."
    for i in range(32)
)
_N_READ, _N_WRITTEN = 12, 16
_EXACTNESS = ("fp32", "fp16", "int8", "int4")


@dataclass(frozen=True)
class Throughput:
    """How fast one bundle is here."""

    bundle: Bundle
    seconds: float
    """Of one run of the same work for all precisions; the median."""
    n_runs: int
    ran: str
    """Execution provider, of ``edge.runtime.providers.PROVIDERS``."""


@dataclass(frozen=True)
class PrecisionAdvice:
    """What was found for one model."""

    name: str
    paces: tuple[Throughput, ...]
    """Of each precision that is here and works, the recommended one first."""
    failures: tuple[str, ...]
    """Of those that do not."""

    def __str__(self) -> str:
        if not self.paces:
            return "; ".join(self.failures)
        best = self.paces[0]
        parts = []
        for pace in self.paces:
            times = "" if pace is best else f", {pace.seconds / best.seconds:.1f} times as long"
            precision = pace.bundle.manifest.precision
            parts.append(f"{precision} {pace.seconds * 1e3:.0f} ms on {pace.ran}{times}")
        only = " (the only precision here)" if len(self.paces) == 1 else ""
        use = f"use {best.bundle.manifest.precision}{only}"
        return "; ".join([use, *parts, *self.failures])


def recommend_precisions(
    bundles: Sequence[Bundle], seconds: float = SECONDS
) -> Iterator[PrecisionAdvice]:
    """Measure every bundle, and recommend a precision of each model.

    :param bundles: Any.
    :param seconds: Time to measure for.
    """
    ordered = sorted(bundles, key=lambda bundle: bundle.manifest.name)
    share_s = seconds / max(1, len(ordered))
    for name, group in groupby(ordered, key=lambda bundle: bundle.manifest.name):
        paces, failures = [], []
        for bundle in group:
            try:
                paces.append(measure(bundle, share_s))
            except EdgeError as error:
                failures.append(f"{bundle.manifest.precision} does not work: {error.message}")
        yield PrecisionAdvice(name, tuple(recommended_first(paces)), tuple(failures))


def recommended_first(paces: Sequence[Throughput]) -> list[Throughput]:
    """The fastest first; a more exact precision before one that is hardly faster.

    :param paces: Of one model.
    """
    if not paces:
        return []
    fastest = min(pace.seconds for pace in paces)
    best = min(
        (pace for pace in paces if pace.seconds <= fastest * MARGIN),
        key=lambda pace: _EXACTNESS.index(pace.bundle.manifest.precision),
    )
    others = sorted((pace for pace in paces if pace is not best), key=lambda pace: pace.seconds)
    return [best, *others]


def measure(bundle: Bundle, seconds: float) -> Throughput:
    """Load a bundle and run it, after once that does not count.

    :param bundle: The bundle.
    :param seconds: How long; its loading and at least one run take what they take.
    :raises EdgeError: If it does not work here.
    """
    stop = time.monotonic() + seconds
    execution = Execution(AUTO)
    if bundle.manifest.encoder:
        encoder = Encoder(bundle, None, execution)
        placement = encoder.placement

        def run() -> None:
            encoder.encode(_TEXTS)
    else:
        generator = Generator(bundle, None, execution)
        placement = generator.placement
        prompt = Prompt(" ".join(_TEXTS[:_N_READ]))
        settings = GenerationSettings(max_new_tokens=_N_WRITTEN, min_new_tokens=_N_WRITTEN)

        def run() -> None:
            generator.generate([prompt], settings)

    run()
    taken: list[float] = []
    while not taken or time.monotonic() < stop:
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return Throughput(bundle, statistics.median(taken), len(taken), placement.ran)
