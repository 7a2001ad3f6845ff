"""Contenders in fresh processes, taking turns in one run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.bench.fresh_process import run_fresh
from edge.device.energy import Meter, Source, find_source

ROOT = Path(__file__).parent.parent


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


@dataclass(frozen=True)
class Turns:
    """Commands that are run in each round, in a fresh process each time."""

    commands: Mapping[str, Sequence[str]]
    """Name -> program and arguments."""
    runs: int
    """Rounds that count."""
    warm_up: int
    """Rounds before them that only warm the disk cache."""
    reports: bool = False
    """Whether the last line of each one's output is a JSON object of numbers."""
    watts: float | None = None
    """What a plug meter shows, where there is one."""


def take_turns(turns: Turns) -> dict[str, list[Sample]]:
    """Run every command in each round, from a small process between this one and theirs.

    The kernel counts to a process's peak what it shared with its parent before it became itself,
    so whoever has grown large must not be the parent of what is measured.

    :param turns: What to run.
    :return: Name -> one sample a round.
    :raises SystemExit: If a command fails.
    """
    command = [sys.executable, "-m", "benchmarks.processes"]
    task = json.dumps(asdict(turns))
    done = subprocess.run(command, input=task, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    samples: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return {name: [Sample(**sample) for sample in rounds] for name, rounds in samples.items()}


def _take_turns(turns: Turns) -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = {name: [] for name in turns.commands}
    source, _ = find_source(turns.watts)
    for run in range(turns.warm_up + turns.runs):
        for name, command in turns.commands.items():
            sample = _measure(command, turns.reports, source)
            if run >= turns.warm_up:
                samples[name].append(sample)
                print(f"{name}: {sample.wall_s:.2f} s", file=sys.stderr)
    return samples


def _measure(command: Sequence[str], reports: bool, source: Source | None) -> Sample:
    lines: list[bytes] = [b"{}"]
    meter = Meter(source)
    meter.start()
    finished = run_fresh(command, lines.append, meter, ROOT)
    if finished.exit_code != 0:
        print(finished.errors, file=sys.stderr)
        raise SystemExit(f"failed with {finished.exit_code}: {' '.join(command)}")
    return Sample(
        wall_s=finished.wall_ns / 1e9,
        cpu_s=finished.cpu_s,
        peak_rss_bytes=finished.max_rss_bytes,  # right, as this process is small
        reported=json.loads(lines[-1]) if reports else {},
        energy_j=finished.energy_j,
    )


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
    taken = _take_turns(Turns(**json.loads(sys.stdin.read())))
    print(
        json.dumps({name: [asdict(sample) for sample in rounds] for name, rounds in taken.items()})
    )
