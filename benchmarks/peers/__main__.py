"""The cold command beside its peers: ``python -m benchmarks.peers [--only NAME]``.

Same transcript, same checkpoint where there is one, a fresh process each time, taking turns in
one run; the ratio to our command is taken within each round. Prints a table and, as its last line,
one JSON record with all samples. Environments are made on demand.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.peers.setup import make
from benchmarks.processes import ROOT, Sample, Turns, spread, take_turns
from edge.bench.episode import episode_path
from edge.device.state import identity
from edge.version import __version__

HERE = Path(__file__).parent
BUILT = ROOT / "build" / "bench"
OURS = "edge"
DOES = {
    OURS: "summary, key points, quotes, keyphrases, chapters with titles",
    "sentence-transformers + KeyBERT": "key points, keyphrases",
    "fastembed + MMR": "key points",
    "optimum fp32 + MMR": "key points",
    "optimum int8 + MMR": "key points",
    "bert-extractive-summarizer": "key points",
    "sumy LexRank": "key points",
    "YAKE": "keyphrases",
}
"""Side -> what it makes of an episode: none does what the digest does."""


def commands(episode: Path, wanted: Sequence[str]) -> dict[str, list[str]]:
    """Side -> program and arguments; environments and models are made if they are missing.

    :param episode: The transcript.
    :param wanted: Sides.
    :raises SystemExit: If our FP32 bundle, which fastembed is given, is not built.
    """
    scripts: dict[str, tuple[str, str, list[str]]] = {
        "sentence-transformers + KeyBERT": ("sentence-transformers", "st_keybert.py", []),
        "fastembed + MMR": ("fastembed", "fastembed_mmr.py", [str(BUILT / "fastembed")]),
        "optimum fp32 + MMR": ("optimum", "optimum_mmr.py", ["fp32", str(BUILT / "optimum-fp32")]),
        "optimum int8 + MMR": ("optimum", "optimum_mmr.py", ["int8", str(BUILT / "optimum-int8")]),
        "bert-extractive-summarizer": ("bert-extractive-summarizer", "bert_extractive.py", []),
        "sumy LexRank": ("sumy", "sumy_lexrank.py", []),
        "YAKE": ("yake", "yake_keyphrases.py", []),
    }
    if "fastembed + MMR" in wanted:
        _make_fastembed_folder(BUILT / "fastembed")
    chosen = {OURS: [sys.executable, "-m", "edge", "summarize", str(episode), "--format", "json"]}
    for name in wanted:
        environment, script, arguments = scripts[name]
        python = str(make(environment))
        chosen[name] = [python, str(HERE / script), str(episode), *arguments]
    return chosen


def _make_fastembed_folder(folder: Path) -> None:
    """Our FP32 graph beside the checkpoint's own tokenizer settings, as fastembed wants them."""
    bundle = BUILT / "minilm-l6-fp32"
    if not bundle.is_dir():
        raise SystemExit(
            "fastembed needs our FP32 bundle: edge-export build minilm-l6 --precision fp32 "
            "--output build/bench/minilm-l6-fp32"
        )
    python = str(make("sentence-transformers"))
    ask = [python, "-c", "from transcript import checkpoint; print(checkpoint())"]
    answer = subprocess.run(ask, cwd=HERE, capture_output=True, text=True, check=True)
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(Path(answer.stdout.strip()) / name, folder / name)
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copyfile(bundle / name, folder / name)


def print_table(samples: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    """Medians with their range, and the ratio to our command in the same round.

    :param samples: Side -> one sample a round; ours among them.
    :return: Side -> the numbers printed.
    """
    ours = samples[OURS]
    n = len(ours)
    print(
        f"| n={n}, median (least - most) | seconds | times ours | processor s | peak MB | makes |"
    )
    print("|---|---|---|---|---|---|")
    sides: dict[str, Any] = {}
    for name, rounds in samples.items():
        numbers = {
            "wall_s": spread([sample.wall_s for sample in rounds]),
            "ratio": spread([a.wall_s / b.wall_s for a, b in zip(rounds, ours, strict=True)]),
            "cpu_s": spread([sample.cpu_s for sample in rounds]),
            "peak_mb": spread([sample.peak_rss_bytes / 1e6 for sample in rounds]),
        }
        sides[name] = numbers
        wall, ratio, cpu, peak = (
            f"{x['median']:.{d}f} ({x['min']:.{d}f} - {x['max']:.{d}f})"
            for x, d in zip(numbers.values(), (2, 1, 2, 0), strict=True)
        )
        print(f"| {name} | {wall} | {ratio} | {cpu} | {peak} | {DOES.get(name, DOES[OURS])} |")
    return sides


def main() -> None:
    """Measure, print a table, print the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=7, help="rounds that count")
    parser.add_argument("--episode", type=Path, default=episode_path())
    parser.add_argument("--only", action="append", choices=[n for n in DOES if n != OURS])
    parser.add_argument(
        "--edge",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="another version of edge, by the Python it is installed for",
    )
    arguments = parser.parse_args()
    wanted = arguments.only or ([n for n in DOES if n != OURS] if not arguments.edge else [])
    sides = commands(arguments.episode, wanted)
    for other in arguments.edge:
        name, _, python = other.partition("=")
        # The installed program: with "-m", this checkout's would come first.
        sides[name] = [str(Path(python).with_name("edge")), *sides[OURS][3:]]
    samples = take_turns(Turns(sides, arguments.runs, warm_up=1))
    record = {
        "schema_version": 2,
        "utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "tool_version": __version__,
        "device": asdict(identity()),
        "episode": arguments.episode.name,
        "n": arguments.runs,
        "sides": print_table(samples),
        "samples": {name: [asdict(each) for each in rounds] for name, rounds in samples.items()},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
