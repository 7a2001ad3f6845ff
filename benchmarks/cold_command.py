"""The whole cold command beside what a user would assemble from torch packages.

``python -m benchmarks.cold_command`` alternates the two in one run, a fresh process each time,
after an untimed round that warms the disk cache. Prints a table, and one JSON record with all
samples as its last line. Needs ``benchmarks/peers/setup.py`` to have run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge import __version__
from edge.doctor import device_facts

ROOT = Path(__file__).parent.parent
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
EPISODE = ROOT / "seeds" / "gradient-dissent_johannes-otterbach_whisper-timed.txt"


@dataclass(frozen=True)
class Sample:
    """One run of one command in a fresh process."""

    wall_s: float
    cpu_s: float
    """User and system time of the process and its threads."""
    peak_rss_bytes: int


def measure(command: Sequence[str]) -> Sample:
    """Run a command and read its costs from the kernel.

    :param command: Program and arguments.
    :raises SystemExit: If the command fails.
    """
    started = time.perf_counter_ns()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = (time.perf_counter_ns() - started) / 1e9
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"failed with {process.returncode}: {' '.join(command)}")
    # Linux counts ru_maxrss in KiB.
    return Sample(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most.

    :param values: At least one number.
    """
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def main() -> None:
    """Measure, print a table, print the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each command")
    parser.add_argument("--warm-up", type=int, default=1, help="untimed runs before them")
    parser.add_argument("--episode", type=Path, default=EPISODE)
    arguments = parser.parse_args()
    if not PEER_PYTHON.exists():
        raise SystemExit("the peer is not installed: python benchmarks/peers/setup.py")
    peer_script = str(ROOT / "benchmarks" / "peers" / "st_keybert.py")
    episode = str(arguments.episode)
    commands = {
        "edge": [sys.executable, "-m", "edge", "summarize", episode, "--format", "json"],
        "peer": [str(PEER_PYTHON), peer_script, episode],
        "help": [sys.executable, "-m", "edge", "--help"],
    }
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for run in range(arguments.warm_up + arguments.runs):
        for name, command in commands.items():
            sample = measure(command)
            if run >= arguments.warm_up:
                samples[name].append(sample)
                print(f"{name}: {sample.wall_s:.2f} s", file=sys.stderr)
    pairs = list(zip(samples["peer"], samples["edge"], strict=True))
    ratios = {
        "wall": spread([peer.wall_s / edge.wall_s for peer, edge in pairs]),
        "cpu": spread([peer.cpu_s / edge.cpu_s for peer, edge in pairs]),
        "peak_rss": spread([peer.peak_rss_bytes / edge.peak_rss_bytes for peer, edge in pairs]),
    }
    heads = " ".join(f"{head:>22}" for head in ("wall s", "cpu s", "peak MB"))
    print(f"{'':6} {heads}   median (min-max), n={arguments.runs}")
    for name, rows in samples.items():
        wall, cpu = spread([s.wall_s for s in rows]), spread([s.cpu_s for s in rows])
        peak = spread([s.peak_rss_bytes / 1e6 for s in rows])
        cells = [f"{x['median']:8.2f} ({x['min']:.2f}-{x['max']:.2f})" for x in (wall, cpu, peak)]
        print(f"{name:6} " + " ".join(f"{cell:>22}" for cell in cells))
    for name, ratio in ratios.items():
        print(f"peer / edge {name}: {ratio['median']:.1f} ({ratio['min']:.1f}-{ratio['max']:.1f})")
    record = {
        "schema_version": 1,
        "utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "tool_version": __version__,
        "device": dict(device_facts()),
        "os": platform.platform(),
        "episode": arguments.episode.name,
        "n": arguments.runs,
        "samples": {name: [asdict(sample) for sample in rows] for name, rows in samples.items()},
        "ratios": ratios,
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
