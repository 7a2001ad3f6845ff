"""Why a case or a whole run is not to be trusted, and what to be wary of."""

from __future__ import annotations

from collections.abc import Sequence

from edge.bench.record import CaseRecord, Quality
from edge.bench.statistics import is_noisy
from edge.device.golden import GoldenAgreement
from edge.device.state import Identity, State
from edge.runtime.providers import PROVIDERS

MIN_PROCESSES = 4
"""Fewer fresh processes cannot be told apart from another run's by any test."""
MIN_SUSTAINED = 10
"""Digests of a sustained run whose first and last fifth can be compared."""
BUSY_SHARE = 0.15
"""Share of all cores at work before the run that is somebody else's work."""
SLOW_GOVERNORS = frozenset({"powersave", "conservative", "userspace"})


def case_reasons(
    case: CaseRecord, before: State, after: State, time_is_up: bool
) -> tuple[str, ...]:
    """Why a case is not to be trusted; none for one that is.

    :param case: What is known of it.
    :param before: The machine before its first process.
    :param after: The machine after its last.
    :param time_is_up: Whether the run had a time to end, and ended by it.
    """
    checks = (
        _too_few(case),
        "the processor was throttled during the run" if _was_throttled(before, after) else None,
        "memory was swapped out during the run" if _was_swapped(before, after) else None,
        _other_provider(case),
        _too_large(case),
        _wrong_model(case.quality),
        None if time_is_up or _n_processes(case) < MIN_PROCESSES else _stopped_early(case),
    )
    return tuple(reason for reason in checks if reason)


def case_warnings(case: CaseRecord, time_is_up: bool) -> tuple[str, ...]:
    """What to be wary of in a case.

    :param case: What is known of it.
    :param time_is_up: As for ``case_reasons``.
    """
    warnings = []
    rounds = case.workload.rounds
    if time_is_up and _n_processes(case) < rounds:
        warnings.append(
            f"time was up after {_n_processes(case)} of {rounds} processes; "
            f"--repeat {rounds} runs them all"
        )
    if is_noisy([ns for process_ns in case.timing.samples_ns for ns in process_ns]):
        warnings.append("noise: the samples' standard deviation is 10 % of their mean or more")
    return tuple(warnings)


def _n_processes(case: CaseRecord) -> int:
    return len(case.timing.samples_ns)


def _too_few(case: CaseRecord) -> str | None:
    if case.workload.sustained_s:
        if case.workload.n < MIN_SUSTAINED:
            return f"too few runs: {case.workload.n} digests, at least {MIN_SUSTAINED} are needed"
    elif _n_processes(case) < MIN_PROCESSES:
        return (
            f"too few runs: {_n_processes(case)} fresh processes, "
            f"at least {MIN_PROCESSES} are needed"
        )
    return None


def _stopped_early(case: CaseRecord) -> str | None:
    rounds = case.workload.rounds
    if _n_processes(case) < rounds:
        return f"stopped early: {_n_processes(case)} of {rounds} processes"
    return None


def _was_throttled(before: State, after: State) -> bool:
    """Whether a Pi throttles now or has begun to since, or the kernel counted a throttling."""
    flags, earlier = after.throttle_flags or 0, before.throttle_flags or 0
    counted = (after.throttle_count or 0) > (before.throttle_count or 0)
    return bool(flags & 0xF or flags & ~earlier) or counted


def _was_swapped(before: State, after: State) -> bool:
    return (after.swap_used or 0) > (before.swap_used or 0)


def _other_provider(case: CaseRecord) -> str | None:
    requested, actual = case.setup.provider_requested, case.setup.provider_actual
    if actual in (None, PROVIDERS.get(requested)):
        return None
    return f"{requested} was asked for, and {actual} ran"


def _too_large(case: CaseRecord) -> str | None:
    allowed, peak = case.setup.max_rss_bytes, case.resources.peak_rss_bytes
    if not allowed or peak <= allowed:
        return None
    return f"a process took {peak >> 20} MiB, and {allowed >> 20} were allowed"


def _wrong_model(quality: Quality | None) -> str | None:
    if quality is None:
        return None
    if GoldenAgreement(quality.metric, quality.value, quality.baseline).is_right:
        return None
    return (
        f"the model is wrong on this device: {quality.metric} is {quality.value:.4f}, "
        f"the limit {quality.baseline:g}"
    )


def machine_reasons(machine: Identity, before: State, busy: float | None) -> list[str]:
    """Why no case of a run is to be trusted.

    :param machine: Where it runs.
    :param before: The machine before it.
    :param busy: Cores at work before it, where the kernel tells; else its load average counts.
    """
    reasons = []
    governor = machine.cpu_governor
    if governor in SLOW_GOVERNORS:
        reasons.append(
            f"the processor's governor is {governor!r}: it keeps the clock down "
            "(sudo cpupower frequency-set --governor performance)"
        )
    load = before.load_average or 0.0
    at_work = load if busy is None else busy
    most = BUSY_SHARE * (machine.cores or 1)
    if at_work > most:
        reasons.append(
            f"something else is at work: {at_work:.1f} of {machine.cores} cores busy before the "
            f"run, at most {most:.1f} (load average {load:.1f})"
        )
    return reasons


def record_reasons(
    reasons: Sequence[str], cases: Sequence[CaseRecord], is_finished: bool
) -> tuple[str, ...]:
    """Why a whole run is not to be trusted.

    :param reasons: The machine's.
    :param cases: Its cases.
    :param is_finished: Whether all of them were run.
    """
    return (
        *reasons,
        *(() if is_finished else ("the run was not finished",)),
        *(f"{case.setup.name}: {reason}" for case in cases for reason in case.invalid_reasons),
    )
