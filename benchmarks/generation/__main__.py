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
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.generation.bandwidth import read_bytes_per_s
from benchmarks.processes import ROOT, Sample, spread, take_turns
from edge.bundles.files import external_data_bytes
from edge.device.doctor import device_facts
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences
from edge.version import __version__

FOLDER = ROOT / "build" / "generation"
PEERS = ROOT / "benchmarks" / "peers"
SEED = ROOT / "seeds" / "gradient-dissent_johannes-otterbach_whisper-timed.txt"
OURS = [sys.executable, "-m", "benchmarks.generation.worker"]


@dataclass(frozen=True)
class Task:
    """What every side does."""

    prompts: list[list[int]]
    new_tokens: int
    threads: int
    n_beams: int = 1
    together: bool = False
    """Whether our side writes all prompts at once."""


Measure = tuple[str, Callable[[Sample, Task], float], str]
"""Name, value of a sample, and its unit."""


def _n_read(task: Task) -> int:
    return sum(map(len, task.prompts))


def _n_written(task: Task) -> int:
    """The first token belongs to the reading."""
    return (task.new_tokens - 1) * len(task.prompts)


MEASURES: dict[str, Measure] = {
    "read": ("read", lambda s, t: _n_read(t) / s.reported["read_s"], "tokens/s"),
    "write": ("write", lambda s, t: _n_written(t) / s.reported["write_s"], "tokens/s"),
    "both": ("whole", lambda s, _: s.reported["read_s"] + s.reported["write_s"], "s"),
    "cold": ("cold to first token", lambda s, _: s.reported["cold_first_token_s"], "s"),
    "wall": ("whole command", lambda s, _: s.wall_s, "s"),
    "cpu": ("processor", lambda s, _: s.cpu_s, "s"),
    "rss": ("peak RSS", lambda s, _: s.peak_rss_bytes / 1e6, "MB"),
}


def seed_tokens(tokenizer: Path, first: int, n_tokens: int) -> list[int]:
    """A stretch of a seed's spoken text.

    :param tokenizer: A ``tokenizer.json``.
    :param first: Where it begins.
    :param n_tokens: Its length.
    """
    text = " ".join(sentence.text for sentence in rebuild_sentences(read_transcript(SEED)))
    ids: list[int] = Tokenizer.from_file(str(tokenizer)).encode(text).ids
    return ids[first : first + n_tokens]


def decoder(runs: int, threads: int) -> dict[str, Any]:
    """SmolLM2-135M: 500 tokens read, 100 written.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    bundles = {f"edge {p}": FOLDER / f"edge-smollm2-{p}" for p in ("int4", "int8", "fp32")}
    prompt = seed_tokens(bundles["edge int4"] / "tokenizer.json", 0, 500)
    peer = str(PEERS / "transformers_worker.py")
    plain = [sys.executable, peer, "onnx"]
    commands = {
        **{name: [*OURS, str(folder)] for name, folder in bundles.items()},
        "llama.cpp Q4_1": [
            sys.executable,
            str(PEERS / "llama_cpp_worker.py"),
            str(FOLDER / "smollm2.gguf"),
        ],
        "optimum fp32": [*plain, str(FOLDER / "plain-smollm2")],
        "optimum int8": [*plain, str(FOLDER / "plain-smollm2-int8")],
    }
    measures = ("read", "write", "cold", "rss")
    record = _compare("decoder", commands, Task([prompt], 100, threads), runs, measures)
    return {**record, "limits": _limits(record["measures"], bundles, threads)}


def batch(runs: int, threads: int) -> dict[str, Any]:
    """Four prompts of 125 tokens, 60 written for each.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    folder = FOLDER / "edge-smollm2-int4"
    prompts = [seed_tokens(folder / "tokenizer.json", 125 * i, 125) for i in range(4)]
    with tempfile.TemporaryDirectory() as temporary:
        commands = {}
        for together in (True, False):
            name = "at once" if together else "one by one"
            task = Task(prompts, 60, threads, together=together)
            commands[name] = [*OURS, str(folder), _written(task, Path(temporary) / f"{name}.json")]
        samples = take_turns(commands, runs, 1, reports=True)
        record = _report("batch", samples, task, ("read", "write", "rss"))
    sides = dict.fromkeys(samples, folder)
    rows = {"at once": len(prompts), "one by one": 1}
    return {**record, "limits": _limits(record["measures"], sides, threads, rows)}


def summarizer(runs: int, threads: int) -> dict[str, Any]:
    """spoken-135m: eight moments of the longest seed, 32 tokens written about each.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    bundles = {f"edge {p}": FOLDER / f"edge-spoken-{p}" for p in ("int4", "int8", "fp16", "fp32")}
    tokenizer = bundles["edge int4"] / "tokenizer.json"
    prompts = [seed_tokens(tokenizer, 120 * i, 120) for i in range(8)]
    llama = [sys.executable, str(PEERS / "llama_cpp_worker.py")]
    files = FOLDER / "spoken-gguf"
    adapted = [*llama, str(FOLDER / "smollm2.gguf"), str(files / "adapter.gguf")]
    commands = {
        **{name: [*OURS, str(folder)] for name, folder in bundles.items()},
        "llama.cpp Q4_1 + adapter": adapted,
        "llama.cpp Q8_0, merged": [*llama, str(files / "merged-q8_0.gguf")],
    }
    task = Task(prompts, 32, threads, together=True)
    return _compare("summarizer", commands, task, runs, ("read", "write", "rss"))


def episode(runs: int, threads: int) -> dict[str, Any]:
    """The cold command on the longest seed, 45 minutes of speech.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    command = [sys.executable, "-m", "edge", "summarize", str(SEED), "--threads", str(threads)]
    commands = {"extractive": command}
    for precision in ("int4", "int8", "fp16", "fp32"):
        writer = str(FOLDER / f"edge-spoken-{precision}")
        commands[precision] = [*command, "--kind", "abstractive", "--writer", writer]
    samples = take_turns(commands, runs, 0)
    return _report("episode", samples, Task([], 0, threads), ("wall", "cpu", "rss"))


def seq2seq(runs: int, threads: int) -> dict[str, Any]:
    """512 tokens read, 60 written, greedily and with 4 beams, INT8.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    records = {}
    prompt = [int(i) for i in np.random.default_rng(0).integers(4, 250, 512)]
    peer = [sys.executable, str(PEERS / "transformers_worker.py")]
    for shape in ("t5-small", "bart-base"):
        commands = {
            "edge int8": [*OURS, str(FOLDER / f"edge-{shape}-int8")],
            "PyTorch fp32": [*peer, "torch-seq2seq", str(FOLDER / shape)],
            "optimum int8": [*peer, "onnx-seq2seq", str(FOLDER / f"plain-{shape}-int8")],
            "CTranslate2 int8": [
                sys.executable,
                str(PEERS / "ctranslate2_worker.py"),
                str(FOLDER / f"ctranslate2-{shape}"),
            ],
        }
        for n_beams in (1, 4):
            name = f"{shape}, {n_beams} beam{'s' if n_beams > 1 else ''}"
            task = Task([prompt], 60, threads, n_beams)
            record = _compare(name, commands, task, runs, ("both", "write", "rss"))
            ours = {"edge int8": FOLDER / f"edge-{shape}-int8"}
            record["limits"] = _limits(record["measures"], ours, threads)
            records[name] = record
    return records


def _written(task: Task, path: Path) -> str:
    path.write_text(json.dumps(asdict(task)), encoding="utf-8")
    return str(path)


def _compare(
    title: str,
    commands: Mapping[str, Sequence[str]],
    task: Task,
    runs: int,
    measures: Sequence[str],
) -> dict[str, Any]:
    """All sides on one task; the first is what the others are compared with."""
    with tempfile.TemporaryDirectory() as temporary:
        file = _written(task, Path(temporary) / "task.json")
        whole = {name: [*command, file] for name, command in commands.items()}
        samples = take_turns(whole, runs, 1, reports=True)
    return _report(title, samples, task, measures)


def _report(
    title: str, samples: Mapping[str, Sequence[Sample]], task: Task, measures: Sequence[str]
) -> dict[str, Any]:
    """Print medians with their range, and the ratio to the first side in the same round."""
    first = next(iter(samples))
    n = len(samples[first])
    amount = f"{_n_read(task)} tokens in, {task.new_tokens} out for each of {len(task.prompts)}; "
    print(
        f"\n{title}: {amount if task.prompts else ''}median (min-max), ratio to {first!r} in the "
        f"same round; n={n}"
    )
    result: dict[str, Any] = {name: {} for name in samples}
    for measure in measures:
        label, value, unit = MEASURES[measure]
        base = [value(sample, task) for sample in samples[first]]
        for name, rows in samples.items():
            values = [value(sample, task) for sample in rows]
            own = spread(values)
            ratio = spread([a / b for a, b in zip(values, base, strict=True)])
            result[name][measure] = {**own, "ratio": ratio}
            print(
                f"  {label:20} {name:18} {own['median']:8.2f} {unit:8} "
                f"({own['min']:.2f}-{own['max']:.2f})   {ratio['median']:.2f} "
                f"({ratio['min']:.2f}-{ratio['max']:.2f})"
            )
    return {
        "n": n,
        "measures": result,
        "samples": {name: [asdict(sample) for sample in rows] for name, rows in samples.items()},
    }


def _limits(
    measures: Mapping[str, Any],
    bundles: Mapping[str, Path],
    threads: int,
    rows: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """What the memory allows at most beside what was written: weights are read for each step.

    Beams and rows share a step; of beams only the text they end in counts.
    """
    bandwidth = read_bytes_per_s(threads)
    print(f"  memory read by {threads} threads: {bandwidth / 1e9:.1f} GB/s; at most, then:")
    limits: dict[str, Any] = {"memory_bytes_per_s": bandwidth}
    for name, folder in bundles.items():
        n_bytes = external_data_bytes(folder / "model.onnx")
        most = bandwidth / n_bytes * (rows or {}).get(name, 1)
        got = measures[name]["write"]["median"]
        limits[name] = {"weight_bytes_per_step": n_bytes, "tokens_per_s": most}
        print(
            f"  {name:18} {n_bytes / 1e6:4.0f} MB of weights a step, {most:.0f} tokens/s; "
            f"written {got:.0f}, {got / most:.0%}"
        )
    return limits


BENCHMARKS = {
    "decoder": decoder, "batch": batch, "summarizer": summarizer, "episode": episode,
    "seq2seq": seq2seq,
}  # fmt: skip


def main() -> None:
    """Measure, print tables, print the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("name", choices=tuple(BENCHMARKS))
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
        "result": BENCHMARKS[arguments.name](arguments.runs, arguments.threads),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
