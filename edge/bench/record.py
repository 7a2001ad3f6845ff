"""A run of the suite, and what is known of each of its cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.bench.statistics import Distribution
from edge.device.state import Identity


@dataclass(frozen=True)
class Setup:
    """What was run, and how."""

    scenario: str
    name: str
    """How a person tells it from the others."""
    bundle_id: str
    bundle_name: str
    bundle_sha256: str
    precision: str
    model_bytes: int
    provider_requested: str
    """As ``edge.runtime.providers.PROVIDERS`` names it."""
    provider_actual: str | None
    """As onnxruntime names it."""
    intra_threads: int
    max_rss_bytes: int | None = None
    """The ceiling that was asked for."""


@dataclass(frozen=True)
class Workload:
    """What one sample was, and how many there are."""

    episode_id: str | None
    words: int | None
    """Of each transcript."""
    episodes: int | None
    """Digests in one sample."""
    audio_s: float | None
    tokens_in: int | None
    tokens_out: int | None
    warmup: int
    """Samples of each process that are not kept."""
    rounds: int
    """Fresh processes that were planned."""
    n: int
    """Samples."""
    sustained_s: float | None
    """Least time a process was kept at work."""


@dataclass(frozen=True)
class Timing:
    """How long it took."""

    slowdown: float | None
    """Last fifth over first fifth of a sustained run."""
    cold_load_ms: float | None
    ttft_ms: float | None
    """Time to the first token."""
    tpot_ms: float | None
    """Time for each token after it."""
    stage_ms: Mapping[str, float]
    """Median of each stage; ``other`` is what no stage accounts for."""
    e2e_ms: Distribution
    """Of a sample."""
    samples_ns: tuple[tuple[int, ...], ...]
    """A row for each fresh process."""
    reference_ns: tuple[int, ...]
    """A fixed piece of work before each process."""
    rtf: float | None
    """Time to the length of the speech."""


@dataclass(frozen=True)
class Resources:
    """What it took besides time, and what state the machine was in."""

    peak_rss_bytes: int
    energy_j: float | None
    """Of a sample."""
    temp_c_start: float | None
    temp_c_max: float | None
    freq_mhz_start: float | None
    freq_mhz_end: float | None
    throttled_flags: int | None


@dataclass(frozen=True)
class Quality:
    """How the model's golden sample came out where it was timed."""

    metric: str
    value: float
    baseline: float
    """The least that is right, or the most: see ``edge.device.golden``."""


@dataclass(frozen=True)
class CaseRecord:
    """One case."""

    setup: Setup
    workload: Workload
    timing: Timing
    resources: Resources
    quality: Quality | None
    warnings: tuple[str, ...] = ()
    invalid_reasons: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether it is to be trusted."""
        return not self.invalid_reasons


@dataclass(frozen=True)
class Record:
    """A run."""

    run_id: str
    utc: str
    tool_version: str
    git_commit: str | None
    """Where a checkout runs."""
    ort_version: str
    identity: Identity
    """The machine."""
    arena: bool
    """Whether the encoder keeps memory from run to run."""
    power_source: str | None
    """What measures energy, and what it leaves out."""
    power_reason: str | None
    """Why nothing measures it."""
    beside: str | None = None
    """The run whose processes took turns with these."""
    is_finished: bool = False
    cases: tuple[CaseRecord, ...] = ()
    invalid_reasons: tuple[str, ...] = ("the run was not finished",)
    """Of all cases."""

    @property
    def is_valid(self) -> bool:
        """Whether all of it is to be trusted."""
        return not self.invalid_reasons and bool(self.cases)
