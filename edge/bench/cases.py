"""What is measured: scenario x bundle x threads x provider x transcript length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from edge.bench.scenarios import BATCH, COLD, DIGESTS, ENCODER, SCENARIOS, STREAM, TOKENS
from edge.bundles.manifest import Bundle
from edge.errors import BenchError
from edge.runtime.providers import CPU, PROVIDERS

SCALING_WORDS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
SHORT_WORDS = 8_000
"""About 45 minutes of speech."""
BATCH_WORDS = 2_000
"""Of each episode of a batch, in a short run."""
SHORT_RUN_S = 110.0
"""A short run begins nothing that would end later, once each case has runs enough."""
MIN_WORDS, MAX_WORDS = 100, 2_000_000


@dataclass(frozen=True)
class Case:
    """One thing to measure."""

    scenario: str
    bundle: str
    """``name-precision``, or a bundle folder."""
    threads: int
    words: int = SHORT_WORDS
    """Of each transcript."""
    provider: str = CPU
    """Execution provider asked for."""
    max_rss_bytes: int = 0
    """Most memory its processes may take; 0 for any."""

    @property
    def name(self) -> str:
        """How a person tells it from the others."""
        length = f" {self.words:,} words" if self.scenario in DIGESTS else ""
        other = "" if self.provider == CPU else f" on {self.provider}"
        plural = "s" if self.threads > 1 else ""
        below = f" in {self.max_rss_bytes >> 20} MiB" if self.max_rss_bytes else ""
        return f"{self.scenario} {self.bundle}{length}, {self.threads} thread{plural}{other}{below}"


@dataclass(frozen=True)
class Plan:
    """A case, and how often it is run."""

    case: Case
    rounds: int
    """Fresh processes."""
    samples: int
    """Timed in each process, after one that is not."""
    seconds: float = 0.0
    """Go on at least this long in each process: for heat to build up."""


_ROUNDS = {COLD: (10, 1), STREAM: (5, 3), BATCH: (5, 1), ENCODER: (5, 15), TOKENS: (5, 3)}
"""Scenario -> fresh processes, and samples in each, of a short run."""


def plan(case: Case, repeat: int | None = None, seconds: float = 0.0) -> Plan:
    """How often a case is run.

    :param case: The case.
    :param repeat: Fresh processes; None for the scenario's own number.
    :param seconds: Least time in each process.
    """
    rounds, samples = _ROUNDS[case.scenario]
    return Plan(case, repeat or rounds, samples, seconds)


def parse_case(text: str, default: Case) -> Case:
    """A case as it is written on the command line: ``stream threads=1 words=5000``.

    :param text: A scenario, then any of ``bundle=``, ``threads=``, ``words=``, ``provider=``.
    :param default: What is not given.
    :raises BenchError: If it cannot be made out.
    """
    scenario, *settings = text.split() or [""]
    if scenario not in SCENARIOS:
        raise BenchError(
            f"{scenario!r} is no scenario; there are {', '.join(SCENARIOS)}",
            "Write for example --case 'stream threads=1 words=5000'.",
        )
    case = replace(default, scenario=scenario)
    known = {field.name for field in fields(Case)} - {"scenario", "max_rss_bytes"}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in known or not value:
            raise BenchError(
                f"{setting!r} is no setting of a case; there are {', '.join(sorted(known))}",
                "Write it as NAME=VALUE, for example threads=2.",
            )
        if name == "provider" and value not in PROVIDERS:
            raise BenchError(
                f"{value!r} is no provider; there are {', '.join(PROVIDERS)}",
                "Give one of them, or leave it out for the CPU.",
            )
        settings_read: dict[str, Any] = {name: _number(name, value) if name in _RANGES else value}
        case = replace(case, **settings_read)
    return case


_RANGES = {"threads": (1, 64), "words": (MIN_WORDS, MAX_WORDS)}


def _number(name: str, value: str) -> int:
    least, most = _RANGES[name]
    digits = value.replace(",", "").replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not least <= int(digits) <= most:
        raise BenchError(
            f"{name}={value} is out of range; {name} is a whole number from {least} to {most}",
            "Give another number.",
        )
    return int(digits)


def short_cases(bundles: Sequence[Bundle], threads: int) -> list[Case]:
    """What ``edge bench`` alone measures: each scenario once, for the models that are here.

    :param bundles: All bundles; the default first.
    :param threads: The default number of threads.
    """
    encoders = [bundle for bundle in bundles if bundle.manifest.encoder]
    writers = [bundle for bundle in bundles if bundle.manifest.generator]
    cases = [
        Case(scenario, encoder.id, threads)
        for encoder in encoders[:1]
        for scenario in (COLD, STREAM, ENCODER)
    ]
    cases += [Case(BATCH, encoder.id, threads, BATCH_WORDS) for encoder in encoders[:1]]
    return cases + [Case(TOKENS, writer.id, threads) for writer in writers[:1]]


def full_cases(bundles: Sequence[Bundle], threads: int) -> list[Case]:
    """Every bundle and scenario, on one thread and on all, and two lengths.

    :param bundles: All bundles; the default first.
    :param threads: The default number of threads.
    """
    cases = []
    for bundle in bundles:
        for count in sorted({1, threads}):
            if bundle.manifest.encoder:
                cases += [Case(scenario, bundle.id, count) for scenario in (COLD, STREAM, ENCODER)]
                cases.append(Case(STREAM, bundle.id, count, words=1_000))
            else:
                cases.append(Case(TOKENS, bundle.id, count))
                if bundle.manifest.generator and bundle.manifest.generator.writes_summaries:
                    cases.append(Case(COLD, bundle.id, count))
    return cases


def scaling_cases(bundle: str, threads: int) -> list[Case]:
    """The cold command on ever longer transcripts.

    :param bundle: The encoder.
    :param threads: Threads.
    """
    return [Case(COLD, bundle, threads, words=words) for words in SCALING_WORDS]
