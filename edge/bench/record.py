"""A run of the suite as one JSON document; ``record.schema.json`` beside this file describes it.

Version 1: the first.
"""

from __future__ import annotations

import json
import secrets
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge.bench.cases import COLD, TOKENS, Plan
from edge.bench.statistics import describe, is_noisy
from edge.bundles.manifest import Bundle
from edge.device.state import State, identity
from edge.errors import BenchError
from edge.files import write_atomically
from edge.runtime.encoder import ARENA
from edge.runtime.providers import PROVIDERS
from edge.version import __version__

SCHEMA_VERSION = 1
MIN_PROCESSES = 4
"""Fewer fresh processes cannot be told apart from another run's by any test."""
MIN_SUSTAINED = 10
"""Digests of a sustained run whose first and last fifth can be compared."""
BUSY_SHARE = 0.15
"""Share of all cores at work before the run that is somebody else's work."""
SLOW_GOVERNORS = frozenset({"powersave", "conservative", "userspace"})
LEAST_IS_RIGHT = frozenset({"golden_cosine"})
"""Measures of quality whose baseline is the least that is right; of others, the most."""

Json = dict[str, Any]


@dataclass
class Process:
    """What one fresh process told."""

    samples: list[Json] = field(default_factory=list)
    """``ns``, ``stages_ns`` and what else each scenario tells."""
    loaded: Json = field(default_factory=dict)
    peak_rss_bytes: int = 0
    reference_ns: int = 0
    """Time of a fixed piece of work just before it: how fast the machine was then."""
    energy_j: float | None = None
    """Of everything after the warm-up; of the whole process where the command is cold."""
    temp_c_max: float | None = None


def new_record(power_source: str | None, power_reason: str) -> Json:
    """A record without cases.

    :param power_source: What measures energy.
    :param power_reason: Why nothing does.
    """
    now = datetime.now(timezone.utc)
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        "utc": now.isoformat(timespec="seconds"),
        "tool_version": __version__,
        "git_commit": _git_commit(),
        "ort_version": version("onnxruntime"),
        **identity(),
        "arena": ARENA,
        "beside": None,
        "power_source": power_source,
        "power_reason": power_reason or None,
        "finished": False,
        "cases": [],
        "valid": False,
        "invalid_reasons": ["the run was not finished"],
    }


def _git_commit() -> str | None:
    """The commit that runs, where it is a checkout."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def case_record(
    plan: Plan,
    bundle: Bundle,
    processes: Sequence[Process],
    before: State,
    after: State,
    time_is_up: bool = False,
) -> Json:
    """One case of a record, from what its processes told.

    :param plan: The case and how often it was to run.
    :param bundle: The model.
    :param processes: Those that finished; at least one.
    :param before: The machine before the first of them.
    :param after: The machine after the last.
    :param time_is_up: Whether the run had a time to end, and ended by it.
    """
    case = plan.case
    samples = [sample for process in processes for sample in process.samples]
    times_ms = [sample["ns"] / 1e6 for sample in samples]
    loaded = processes[0].loaded
    last = samples[-1]
    energies = [process.energy_j for process in processes]
    record = {
        "scenario": case.scenario,
        "name": replace(case, bundle=bundle.id).name,
        "bundle_id": bundle.id,
        "bundle_name": bundle.manifest.name,
        "bundle_sha256": bundle.sha256,
        "precision": bundle.manifest.precision,
        "model_bytes": bundle.size_bytes,
        "provider_requested": case.provider,
        "provider_actual": loaded.get("provider"),
        "intra_threads": case.threads,
        "max_rss_bytes": case.max_rss_bytes or None,
        "episode_id": f"sample, {case.words} words" if "episodes" in last else None,
        "words": case.words if "episodes" in last else None,
        "episodes": last.get("episodes"),
        "audio_s": last.get("audio_s"),
        "tokens_in": last.get("tokens_in"),
        "tokens_out": last.get("tokens_out"),
        "warmup": 0 if case.scenario == COLD else 1,
        "rounds": plan.rounds,
        "n": len(samples),
        "sustained_s": plan.seconds or None,
        "slowdown": slowdown(times_ms) if plan.seconds else None,
        "cold_load_ms": _median([p.loaded["load_ms"] for p in processes if "load_ms" in p.loaded]),
        "ttft_ms": None,
        "tpot_ms": None,
        "stage_ms": stage_medians_ms(samples),
        "e2e_ms": describe(times_ms),
        "samples_ns": [[sample["ns"] for sample in process.samples] for process in processes],
        "reference_ns": [process.reference_ns for process in processes],
        "rtf": None,
        "peak_rss_bytes": max(process.peak_rss_bytes for process in processes),
        "energy_j": None if None in energies else sum(filter(None, energies)) / len(samples),
        "temp_c_start": before.temp_c,
        "temp_c_max": max((p.temp_c_max for p in processes if p.temp_c_max), default=None),
        "freq_mhz_start": before.freq_mhz,
        "freq_mhz_end": after.freq_mhz,
        "throttled_flags": after.throttle_flags,
        "quality": loaded.get("quality"),
    }
    if record["audio_s"]:
        record["rtf"] = statistics.median(times_ms) / 1000 / record["audio_s"]
    if case.scenario == TOKENS:
        record |= _token_times(samples)
    reasons = _reasons(plan, record, processes, before, after)
    warnings = []
    if len(processes) < plan.rounds:
        stopped = f"{len(processes)} of {plan.rounds} processes"
        if time_is_up:
            warnings.append(f"time was up after {stopped}; --repeat {plan.rounds} runs them all")
        elif len(processes) >= MIN_PROCESSES:
            reasons.append(f"stopped early: {stopped}")
    if is_noisy(times_ms):
        warnings.append("noise: the samples' standard deviation is 10 % of their mean or more")
    return {**record, "warnings": warnings, "valid": not reasons, "invalid_reasons": reasons}


def _token_times(samples: Sequence[Json]) -> Json:
    """Time to the first token, and for each after it, drawing included."""
    reading = [sample["stages_ns"]["prefill"] for sample in samples]
    writing = [
        (sample["ns"] - sample["stages_ns"]["prefill"]) / (sample["tokens_out"] - 1)
        for sample in samples
    ]
    return {
        "ttft_ms": statistics.median(reading) / 1e6,
        "tpot_ms": statistics.median(writing) / 1e6,
    }


def slowdown(times: Sequence[float]) -> float:
    """How much slower the last fifth of some samples is than the first: what heat does.

    :param times: In the order they were taken.
    """
    fifth = max(1, len(times) // 5)
    return statistics.median(times[-fifth:]) / statistics.median(times[:fifth])


def stage_medians_ms(samples: Sequence[Json]) -> dict[str, float]:
    """Median milliseconds of each stage; ``other`` is what no stage accounts for.

    :param samples: With ``ns`` and ``stages_ns``.
    """
    names = list(dict.fromkeys(name for sample in samples for name in sample["stages_ns"]))
    rows = {name: [sample["stages_ns"].get(name, 0) / 1e6 for sample in samples] for name in names}
    rows["other"] = [(sample["ns"] - sum(sample["stages_ns"].values())) / 1e6 for sample in samples]
    return {name: round(statistics.median(values), 3) for name, values in rows.items()}


def _reasons(
    plan: Plan, record: Json, processes: Sequence[Process], before: State, after: State
) -> list[str]:
    """Why a case is not to be trusted; none for one that is."""
    reasons = []
    if plan.seconds:
        if record["n"] < MIN_SUSTAINED:
            reasons.append(
                f"too few runs: {record['n']} digests, at least {MIN_SUSTAINED} are needed"
            )
    elif len(processes) < MIN_PROCESSES:
        reasons.append(
            f"too few runs: {len(processes)} fresh processes, at least {MIN_PROCESSES} are needed"
        )
    if _was_throttled(before, after):
        reasons.append("the processor was throttled during the run")
    if (after.swap_used or 0) > (before.swap_used or 0):
        reasons.append("memory was swapped out during the run")
    wanted = PROVIDERS.get(record["provider_requested"])
    if record["provider_actual"] not in (None, wanted):
        reasons.append(
            f"{record['provider_requested']} was asked for, and {record['provider_actual']} ran"
        )
    allowed = record["max_rss_bytes"]
    if allowed and record["peak_rss_bytes"] > allowed:
        reasons.append(
            f"a process took {record['peak_rss_bytes'] >> 20} MiB, and {allowed >> 20} were allowed"
        )
    quality = record["quality"]
    if quality and not _is_right(quality):
        reasons.append(
            f"the model is wrong on this device: {quality['metric']} is {quality['value']:.4f}, "
            f"the limit {quality['baseline']:g}"
        )
    return reasons


def _was_throttled(before: State, after: State) -> bool:
    """Whether a Pi throttles now or has begun to since, or the kernel counted a throttling."""
    flags, earlier = after.throttle_flags or 0, before.throttle_flags or 0
    counted = (after.throttle_count or 0) > (before.throttle_count or 0)
    return bool(flags & 0xF or flags & ~earlier) or counted


def _is_right(quality: Mapping[str, Any]) -> bool:
    off = quality["value"] - quality["baseline"]
    return bool(off >= 0 if quality["metric"] in LEAST_IS_RIGHT else off <= 0)


def machine_reasons(record: Json, before: State, busy: float | None) -> list[str]:
    """Why no case of a run is to be trusted.

    :param record: The run.
    :param before: The machine before it.
    :param busy: Cores at work before it, where the kernel tells; else its load average counts.
    """
    reasons = []
    governor = record["cpu_governor"]
    if governor in SLOW_GOVERNORS:
        reasons.append(
            f"the processor's governor is {governor!r}: it keeps the clock down "
            "(sudo cpupower frequency-set --governor performance)"
        )
    load = before.load_average or 0.0
    at_work = load if busy is None else busy
    most = BUSY_SHARE * (record["cores"] or 1)
    if at_work > most:
        reasons.append(
            f"something else is at work: {at_work:.1f} of {record['cores']} cores busy before the "
            f"run, at most {most:.1f} (load average {load:.1f})"
        )
    return reasons


def finish(record: Json, reasons: Sequence[str], is_finished: bool) -> None:
    """Write the verdict over all cases into a record.

    :param record: The run.
    :param reasons: Why none of it is to be trusted.
    :param is_finished: Whether all cases were run.
    """
    all_reasons = list(reasons)
    if not is_finished:
        all_reasons.append("the run was not finished")
    for case in record["cases"]:
        all_reasons += [f"{case['name']}: {reason}" for reason in case["invalid_reasons"]]
    record |= {
        "finished": is_finished,
        "valid": not all_reasons and bool(record["cases"]),
        "invalid_reasons": all_reasons,
    }


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def save(record: Json, path: Path) -> None:
    """Write a record so that it is there whole or not at all.

    :param record: The run.
    :param path: The file.
    :raises OutputError: If it cannot be written.
    """
    write_atomically(path, json.dumps(record, indent=1) + "\n")


def load(path: Path) -> Json:
    """Read a record.

    :param path: As ``save`` wrote it.
    :raises BenchError: If it is none, or of another version.
    """
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchError(
            f"cannot read {path}: {error.strerror or error}", "Give a record of 'edge bench'."
        ) from error
    except ValueError as error:
        raise BenchError(
            f"{path} is no JSON: {error}", "Give a record that 'edge bench' wrote."
        ) from error
    if not isinstance(record, dict) or "cases" not in record or "schema_version" not in record:
        raise BenchError(
            f"{path} is no record of the latency suite", "Give a record that 'edge bench' wrote."
        )
    if record["schema_version"] != SCHEMA_VERSION:
        raise BenchError(
            f"{path} has schema version {record['schema_version']}; this program reads "
            f"{SCHEMA_VERSION}",
            "Use the edge-insights that wrote it, or measure again.",
        )
    return record
