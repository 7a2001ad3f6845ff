"""What processes told, as cases of a record."""

from __future__ import annotations

import secrets
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from edge.bench.cases import Case, Plan
from edge.bench.child import Process
from edge.bench.protocol import Sample
from edge.bench.record import CaseRecord, Quality, Record, Resources, Setup, Timing, Workload
from edge.bench.scenarios import COLD
from edge.bench.statistics import describe
from edge.bench.validity import case_reasons, case_warnings
from edge.bundles.manifest import Bundle
from edge.device.state import State, identity
from edge.runtime.encoder import ARENA
from edge.version import __version__


def new_record(power_source: str | None, power_reason: str) -> Record:
    """A record without cases.

    :param power_source: What measures energy.
    :param power_reason: Why nothing does.
    """
    now = datetime.now(timezone.utc)
    return Record(
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        utc=now.isoformat(timespec="seconds"),
        tool_version=__version__,
        git_commit=_git_commit(),
        ort_version=version("onnxruntime"),
        identity=identity(),
        arena=ARENA,
        power_source=power_source,
        power_reason=power_reason or None,
    )


def _git_commit() -> str | None:
    """The commit that runs, where it is a checkout."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def case_record(
    plan: Plan,
    bundle: Bundle,
    processes: Sequence[Process],
    before: State,
    after: State,
    time_is_up: bool,
) -> CaseRecord:
    """One case of a record, from what its processes told.

    :param plan: The case and how often it was to run.
    :param bundle: The model.
    :param processes: Those that finished; at least one.
    :param before: The machine before the first of them.
    :param after: The machine after the last.
    :param time_is_up: Whether the run had a time to end, and ended by it.
    """
    loaded = processes[0].loaded
    workload = _workload(plan, processes)
    case = CaseRecord(
        setup=_setup(plan.case, bundle, loaded.provider),
        workload=workload,
        timing=_timing(plan, workload, processes),
        resources=_resources(processes, before, after),
        quality=None if loaded.quality is None else Quality(**loaded.quality),
    )
    return replace(
        case,
        warnings=case_warnings(case, time_is_up),
        invalid_reasons=case_reasons(case, before, after, time_is_up),
    )


def _setup(case: Case, bundle: Bundle, provider: str | None) -> Setup:
    return Setup(
        scenario=case.scenario,
        name=replace(case, bundle=bundle.id).name,
        bundle_id=bundle.id,
        bundle_name=bundle.manifest.name,
        bundle_sha256=bundle.sha256,
        precision=bundle.manifest.precision,
        model_bytes=bundle.size_bytes,
        provider_requested=case.provider,
        provider_actual=provider,
        intra_threads=case.threads,
        max_rss_bytes=case.max_rss_bytes or None,
    )


def _samples(processes: Sequence[Process]) -> list[Sample]:
    return [sample for process in processes for sample in process.samples]


def _workload(plan: Plan, processes: Sequence[Process]) -> Workload:
    samples = _samples(processes)
    last, words = samples[-1], plan.case.words
    is_digest = last.episodes is not None
    return Workload(
        episode_id=f"sample, {words} words" if is_digest else None,
        words=words if is_digest else None,
        episodes=last.episodes,
        audio_s=last.audio_s,
        tokens_in=last.tokens_in,
        tokens_out=last.tokens_out,
        warmup=0 if plan.case.scenario == COLD else 1,
        rounds=plan.rounds,
        n=len(samples),
        sustained_s=plan.seconds or None,
    )


def _timing(plan: Plan, workload: Workload, processes: Sequence[Process]) -> Timing:
    samples = _samples(processes)
    times_ms = [sample.ns / 1e6 for sample in samples]
    loads_ms = [p.loaded.load_ms for p in processes if p.loaded.load_ms is not None]
    audio_s = workload.audio_s
    ttft_ms, tpot_ms = _token_times_ms(samples, workload.tokens_out)
    return Timing(
        slowdown=slowdown(times_ms) if plan.seconds else None,
        cold_load_ms=statistics.median(loads_ms) if loads_ms else None,
        ttft_ms=ttft_ms,
        tpot_ms=tpot_ms,
        stage_ms=stage_medians_ms(samples),
        e2e_ms=describe(times_ms),
        samples_ns=tuple(tuple(sample.ns for sample in p.samples) for p in processes),
        reference_ns=tuple(process.reference_ns for process in processes),
        rtf=statistics.median(times_ms) / 1000 / audio_s if audio_s else None,
    )


def _resources(processes: Sequence[Process], before: State, after: State) -> Resources:
    return Resources(
        peak_rss_bytes=max(process.peak_rss_bytes for process in processes),
        energy_j=_energy_j(processes),
        temp_c_start=before.temp_c,
        temp_c_max=max((p.temp_c_max for p in processes if p.temp_c_max), default=None),
        freq_mhz_start=before.freq_mhz,
        freq_mhz_end=after.freq_mhz,
        throttled_flags=after.throttle_flags,
    )


def _energy_j(processes: Sequence[Process]) -> float | None:
    """Of a sample; None unless all processes were measured."""
    energies = [process.energy_j for process in processes if process.energy_j is not None]
    if len(energies) < len(processes):
        return None
    return sum(energies) / len(_samples(processes))


def _token_times_ms(
    samples: Sequence[Sample], tokens_out: int | None
) -> tuple[float | None, float | None]:
    """Time to the first token, and for each after it, drawing included; None without tokens."""
    if tokens_out is None:
        return None, None
    prefill_ns = [sample.stages_ns["prefill"] for sample in samples]
    decode_ns = [sample.ns - sample.stages_ns["prefill"] for sample in samples]
    tpot_ns = statistics.median(decode_ns) / (tokens_out - 1)
    return statistics.median(prefill_ns) / 1e6, tpot_ns / 1e6


def slowdown(times: Sequence[float]) -> float:
    """How much slower the last fifth of some samples is than the first: what heat does.

    :param times: In the order they were taken.
    """
    fifth = max(1, len(times) // 5)
    return statistics.median(times[-fifth:]) / statistics.median(times[:fifth])


def stage_medians_ms(samples: Sequence[Sample]) -> dict[str, float]:
    """Median milliseconds of each stage; ``other`` is what no stage accounts for.

    :param samples: With their stages.
    """
    names = dict.fromkeys(name for sample in samples for name in sample.stages_ns)
    rows_ns = {name: [sample.stages_ns.get(name, 0) for sample in samples] for name in names}
    rows_ns["other"] = [sample.ns - sum(sample.stages_ns.values()) for sample in samples]
    return {name: round(statistics.median(row) / 1e6, 3) for name, row in rows_ns.items()}
