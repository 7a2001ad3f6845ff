"""What writing costs, beside what people use today: ``python -m benchmarks.generation NAME``.

    decoder   SmolLM2-135M against llama.cpp on the same GGUF file, and against optimum's export
    batch     four prompts at once against one after the other
    summarizer spoken-135m on an episode's moments, against llama.cpp with the same adapter
    episode   the whole command on the longest seed: extractive, and abstractive in each precision
    seq2seq   shapes of T5-small and BART-base against PyTorch, optimum and CTranslate2

All sides take turns, a fresh process each time, with the same token ids; prints a table and one
JSON record with all samples as its last line. ``make bench-generation`` prepares and runs it.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import datetime, timezone

from benchmarks.generation.comparisons import COMPARISONS, FOLDER
from edge.device.doctor import device_facts
from edge.version import __version__


def main() -> None:
    """Measure, print tables, print the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("name", choices=tuple(COMPARISONS))
    parser.add_argument("--runs", type=int, default=5, help="rounds that count")
    parser.add_argument("--threads", type=int, default=2, help="threads of every side")
    arguments = parser.parse_args()
    if not FOLDER.is_dir():
        raise SystemExit("nothing is prepared: make bench-generation")
    record = {
        "schema_version": 1,
        "utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "tool_version": __version__,
        "device": dict(device_facts()),
        "os": platform.platform(),
        "threads": arguments.threads,
        "benchmark": arguments.name,
        "result": COMPARISONS[arguments.name](arguments.runs, arguments.threads),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
