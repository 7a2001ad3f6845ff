"""What is compared with what, each as a function of the number of rounds and of threads."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.generation.results import report, report_limits
from benchmarks.generation.task import Task, save_task
from benchmarks.processes import ROOT, Turns, take_turns
from edge.bench.episode import episode_path
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences

FOLDER = ROOT / "build" / "generation"
"""What ``benchmarks.peers.prepare_generation`` makes."""
EPISODE = episode_path()
OURS = [sys.executable, "-m", "benchmarks.generation.worker"]
TRANSFORMERS = [sys.executable, "-m", "benchmarks.peers.transformers_worker"]
LLAMA_CPP = [sys.executable, "-m", "benchmarks.peers.llama_cpp_worker"]
CTRANSLATE2 = [sys.executable, "-m", "benchmarks.peers.ctranslate2_worker"]


def seed_tokens(tokenizer: Path, first: int, n_tokens: int) -> list[int]:
    """A stretch of a seed's spoken text.

    :param tokenizer: A ``tokenizer.json``.
    :param first: Where it begins.
    :param n_tokens: Its length.
    """
    text = " ".join(sentence.text for sentence in rebuild_sentences(read_transcript(EPISODE)))
    ids: list[int] = Tokenizer.from_file(str(tokenizer)).encode(text).ids
    return ids[first : first + n_tokens]


def decoder(runs: int, threads: int) -> dict[str, Any]:
    """SmolLM2-135M: 500 tokens read, 100 written.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    bundles = {f"edge {p}": FOLDER / f"edge-smollm2-{p}" for p in ("int4", "int8", "fp32")}
    prompt = seed_tokens(bundles["edge int4"] / "tokenizer.json", 0, 500)
    plain = [*TRANSFORMERS, "onnx"]
    commands = {
        **{name: [*OURS, str(folder)] for name, folder in bundles.items()},
        "llama.cpp Q4_1": [*LLAMA_CPP, str(FOLDER / "smollm2.gguf")],
        "optimum fp32": [*plain, str(FOLDER / "plain-smollm2")],
        "optimum int8": [*plain, str(FOLDER / "plain-smollm2-int8")],
    }
    measures = ("read", "write", "cold", "rss")
    record = _compare("decoder", commands, Task([prompt], 100, threads), runs, measures)
    return {**record, "limits": report_limits(record["measures"], bundles, threads)}


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
            commands[name] = [*OURS, str(folder), save_task(task, Path(temporary) / f"{name}.json")]
        samples = take_turns(Turns(commands, runs, warm_up=1, reports=True))
        record = report("batch", samples, task, ("read", "write", "rss"))
    sides = dict.fromkeys(samples, folder)
    rows = {"at once": len(prompts), "one by one": 1}
    return {**record, "limits": report_limits(record["measures"], sides, threads, rows)}


def summarizer(runs: int, threads: int) -> dict[str, Any]:
    """spoken-135m: eight moments of the longest seed, 32 tokens written about each.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    bundles = {f"edge {p}": FOLDER / f"edge-spoken-{p}" for p in ("int4", "int8", "fp16", "fp32")}
    tokenizer = bundles["edge int4"] / "tokenizer.json"
    prompts = [seed_tokens(tokenizer, 120 * i, 120) for i in range(8)]
    files = FOLDER / "spoken-gguf"
    adapted = [*LLAMA_CPP, str(FOLDER / "smollm2.gguf"), str(files / "adapter.gguf")]
    commands = {
        **{name: [*OURS, str(folder)] for name, folder in bundles.items()},
        "llama.cpp Q4_1 + adapter": adapted,
        "llama.cpp Q8_0, merged": [*LLAMA_CPP, str(files / "merged-q8_0.gguf")],
    }
    task = Task(prompts, 32, threads, together=True)
    return _compare("summarizer", commands, task, runs, ("read", "write", "rss"))


def episode(runs: int, threads: int) -> dict[str, Any]:
    """The cold command on the longest seed, 45 minutes of speech.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    command = [sys.executable, "-m", "edge", "summarize", str(EPISODE), "--threads", str(threads)]
    commands = {"extractive": command}
    for precision in ("int4", "int8", "fp16", "fp32"):
        writer = str(FOLDER / f"edge-spoken-{precision}")
        commands[precision] = [*command, "--kind", "abstractive", "--writer", writer]
    samples = take_turns(Turns(commands, runs, warm_up=0))
    return report("episode", samples, Task([], 0, threads), ("wall", "cpu", "rss"))


def seq2seq(runs: int, threads: int) -> dict[str, Any]:
    """512 tokens read, 60 written, greedily and with 4 beams, INT8.

    :param runs: Rounds.
    :param threads: Of every side.
    """
    records = {}
    prompt = [int(i) for i in np.random.default_rng(0).integers(4, 250, 512)]
    for shape in ("t5-small", "bart-base"):
        commands = {
            "edge int8": [*OURS, str(FOLDER / f"edge-{shape}-int8")],
            "PyTorch fp32": [*TRANSFORMERS, "torch-seq2seq", str(FOLDER / shape)],
            "optimum int8": [*TRANSFORMERS, "onnx-seq2seq", str(FOLDER / f"plain-{shape}-int8")],
            "CTranslate2 int8": [*CTRANSLATE2, str(FOLDER / f"ctranslate2-{shape}")],
        }
        for n_beams in (1, 4):
            name = f"{shape}, {n_beams} beam{'s' if n_beams > 1 else ''}"
            task = Task([prompt], 60, threads, n_beams)
            record = _compare(name, commands, task, runs, ("both", "write", "rss"))
            ours = {"edge int8": FOLDER / f"edge-{shape}-int8"}
            record["limits"] = report_limits(record["measures"], ours, threads)
            records[name] = record
    return records


def _compare(
    title: str,
    commands: Mapping[str, Sequence[str]],
    task: Task,
    runs: int,
    measures: Sequence[str],
) -> dict[str, Any]:
    """All sides on one task; the first is what the others are compared with."""
    with tempfile.TemporaryDirectory() as temporary:
        file = save_task(task, Path(temporary) / "task.json")
        complete = {name: [*command, file] for name, command in commands.items()}
        samples = take_turns(Turns(complete, runs, warm_up=1, reports=True))
    return report(title, samples, task, measures)


COMPARISONS = {
    "decoder": decoder, "batch": batch, "summarizer": summarizer, "episode": episode,
    "seq2seq": seq2seq,
}  # fmt: skip
