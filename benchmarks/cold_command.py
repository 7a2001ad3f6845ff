"""The whole cold command beside what a user would assemble from torch packages.

``python -m benchmarks.cold_command`` alternates the two in one run, a fresh process each time,
after an untimed round that warms the disk cache. Prints a table, and one JSON record with all
samples as its last line. Needs ``benchmarks/peers/setup.py`` to have run.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.runs import ROOT, spread, take_turns
from edge import __version__
from edge.doctor import device_facts

PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
EPISODE = ROOT / "seeds" / "gradient-dissent_johannes-otterbach_whisper-timed.txt"


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
    samples = take_turns(commands, arguments.runs, arguments.warm_up)
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
