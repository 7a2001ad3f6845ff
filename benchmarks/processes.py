"""Contenders in fresh processes, taking turns in one run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.device.energy import Meter, Source, find_source

ROOT = Path(__file__).parent.parent
STARTED = "BENCHMARK_STARTED"
"""Environment variable: when the process was started, in seconds since the epoch."""


@dataclass(frozen=True)
class Sample:
    """One run of one command in a fresh process."""

    wall_s: float
    cpu_s: float
    """User and system time of the process and its threads."""
    peak_rss_bytes: int
    reported: Mapping[str, float]
    """What the command printed as JSON in its last line; empty if it was not asked."""
    energy_j: float | None = None
    """None where nothing measures it."""


def measure(command: Sequence[str], reports: bool = False, source: Source | None = None) -> Sample:
    """Run a command and read its costs from the kernel.

    :param command: Program and arguments.
    :param reports: Whether its last line of output is a JSON object of numbers.
    :param source: What measures energy; None for nothing.
    :raises SystemExit: If the command fails.
    """
    meter = Meter(source)
    meter.start()
    started = time.perf_counter_ns()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE if reports else subprocess.DEVNULL,
        stderr=None if not reports else subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, STARTED: str(time.time())},
    )
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = (time.perf_counter_ns() - started) / 1e9
    energy_j = meter.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"failed with {process.returncode}: {' '.join(command)}")
    reported: dict[str, Any] = json.loads(output.split(b"\n")[-2]) if reports else {}
    # Linux counts ru_maxrss in KiB.
    return Sample(
        wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, reported, energy_j
    )


def take_turns(
    commands: Mapping[str, Sequence[str]],
    runs: int,
    warm_up: int,
    reports: bool = False,
    watts: float | None = None,
) -> dict[str, list[Sample]]:
    """Run every command in each round, in a fresh process each time.

    :param commands: Name -> program and arguments.
    :param runs: Rounds that count.
    :param warm_up: Rounds before them that only warm the disk cache.
    :param reports: See ``measure``.
    :param watts: What a plug meter shows, where there is one.
    :return: Name -> one sample a round.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    source, _ = find_source(watts)
    for run in range(warm_up + runs):
        for name, command in commands.items():
            sample = measure(command, reports, source)
            if run >= warm_up:
                samples[name].append(sample)
                print(f"{name}: {sample.wall_s:.2f} s", file=sys.stderr)
    return samples


def take_turns_apart(
    commands: Mapping[str, Sequence[str]], runs: int, warm_up: int, watts: float | None = None
) -> dict[str, list[Sample]]:
    """``take_turns`` in a small process of its own, for a caller that has grown large.

    The kernel counts to a process's peak what it shared with its parent before it became itself.

    :param commands: As for ``take_turns``.
    :param runs: As for ``take_turns``.
    :param warm_up: As for ``take_turns``.
    :param watts: As for ``take_turns``.
    """
    task = json.dumps({"commands": commands, "runs": runs, "warm_up": warm_up, "watts": watts})
    command = [sys.executable, "-m", "benchmarks.processes"]
    result = subprocess.run(command, input=task, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if result.returncode != 0:
        raise SystemExit(result.returncode)
    found: dict[str, list[dict[str, Any]]] = json.loads(result.stdout)
    return {name: [Sample(**sample) for sample in own] for name, own in found.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most.

    :param values: At least one number.
    """
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


if __name__ == "__main__":
    taken = take_turns(**json.loads(sys.stdin.read()))
    print(json.dumps({name: [asdict(sample) for sample in own] for name, own in taken.items()}))
