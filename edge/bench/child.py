"""One fresh process of a case: what it is told to do, and what it tells."""

from __future__ import annotations

import itertools
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from edge.bench.cases import (
    BATCH,
    BATCH_EPISODES,
    COLD,
    DECODE_TOKENS,
    ENCODER,
    ENCODER_SENTENCES,
    ENCODER_WORDS,
    PREFILL_TOKENS,
    TOKENS,
    Case,
    Plan,
)
from edge.bench.episode import make_transcript
from edge.bench.record import Json, Process
from edge.bench.worker import STARTED
from edge.bundles.store import find_bundle
from edge.device.energy import Meter, Source
from edge.device.state import temperature_c
from edge.errors import BenchError
from edge.runtime.providers import CPU, CUDA, PROVIDERS
from edge.runtime.session import available_providers

TEMPERATURE_INTERVAL_S = 1.0
SILENCE_S = 3600.0
"""A process that tells nothing for so long is given up."""


def run_process(
    plan: Plan, folder: Path, source: Source | None, python: str | None = None
) -> Process:
    """Run one fresh process of a case.

    :param plan: The case.
    :param folder: For its input and output.
    :param source: What measures energy; None for nothing.
    :param python: Another Python than this one.
    :raises BenchError: If it fails.
    """
    job = folder / "job.json"
    job.write_text(json.dumps(_job(plan, folder)), encoding="utf-8")
    process = Process(reference_ns=reference_ns())
    meter = Meter(source)
    is_cold = plan.case.scenario == COLD
    if is_cold:
        meter.start()
    with _Thermometer() as thermometer, tempfile.TemporaryFile() as complaints:
        started_ns = time.perf_counter_ns()
        child = subprocess.Popen(
            [python or sys.executable, "-m", "edge.bench.worker", str(job)],
            # Python looks for modules where it stands first, which may be this checkout.
            cwd=folder if python else None,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**os.environ, STARTED: str(time.time_ns())},
        )
        try:
            for event in _events(child):
                kind = event.pop("event")
                if kind == "loaded":
                    process.loaded = event
                elif kind == "warm":
                    meter.start()
                elif kind == "end":
                    process.peak_rss_bytes = event["peak_rss_bytes"]
                else:
                    process.samples.append(event)
            process.energy_j = meter.stop()
            _, status, usage = os.wait4(child.pid, 0)
            ended_ns = time.perf_counter_ns()
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if child.returncode is None:
                child.kill()
                child.wait()
        if child.returncode != 0 or not process.samples:
            complaints.seek(0)
            raise _failure(plan.case, child.returncode, complaints.read())
    if not process.peak_rss_bytes:
        # An older build that tells nothing. Linux counts in KiB, and what it shared with us, too.
        process.peak_rss_bytes = usage.ru_maxrss * 1024
    process.temp_c_max = thermometer.highest_c
    if is_cold:
        process.samples[0] |= {"ns": ended_ns - started_ns, "episodes": 1}
        digest = json.loads(_output(folder).read_bytes())
        process.samples[0]["audio_s"] = digest["episode"]["duration_s"]
        process.loaded = {"provider": digest["models"][-1]["execution_provider"]}
    return process


def _events(child: subprocess.Popen[bytes]) -> Iterator[Json]:
    assert child.stdout is not None
    with child.stdout as lines, selectors.DefaultSelector() as ready:
        ready.register(lines, selectors.EVENT_READ)
        while ready.select(SILENCE_S):
            line = lines.readline()
            if not line:
                return
            yield json.loads(line)


def _failure(case: Case, code: int, complaints: bytes) -> BenchError:
    text = complaints.decode("utf-8", "replace").strip()
    if "Traceback" in text:  # a fault of ours: its last line names it
        text = text.split("\n")[-1]
    how = f"was killed by signal {-code}" if code < 0 else f"failed with exit code {code}"
    memory = " Too little memory is the usual reason." if code == -9 else ""
    return BenchError(
        f"the process of '{case.name}' {how}: {text}",
        f"The record holds what was measured before.{memory}",
    )


def _job(plan: Plan, folder: Path) -> Json:
    """What the worker is to do, its transcripts written."""
    case = plan.case
    job: Json = {
        "scenario": case.scenario,
        "bundle": _bundle_name(case),
        "threads": case.threads,
        "provider": case.provider,
        "max_rss_bytes": case.max_rss_bytes,
        "words": case.words,
        "samples": plan.samples,
        "seconds": plan.seconds,
    }
    if case.scenario in (ENCODER, TOKENS):
        n_words = ENCODER_SENTENCES * ENCODER_WORDS
        words = [line.split("]   ")[1] for line in make_transcript(n_words).splitlines()]
        spoken = " ".join(words).split()
        groups = (spoken[i : i + ENCODER_WORDS] for i in range(0, n_words, ENCODER_WORDS))
        job["texts"] = [" ".join(group) for group in groups]
        job |= {"prefill_tokens": PREFILL_TOKENS, "decode_tokens": DECODE_TOKENS}
        return job
    n_episodes = BATCH_EPISODES if case.scenario == BATCH else 1
    job["transcripts"] = [
        str(_transcript(folder, case.words, number)) for number in range(n_episodes)
    ]
    job["output"] = str(_output(folder) if case.scenario == COLD else folder / "batch")
    if case.scenario == COLD:
        job["command"] = _command(case, job["transcripts"][0])
    return job


def _output(folder: Path) -> Path:
    """Where a cold command's digest goes."""
    return folder / "digest.json"


def _bundle_name(case: Case) -> str:
    """The case's model, as a process that stands elsewhere finds it."""
    return str(Path(case.bundle).resolve()) if Path(case.bundle).is_dir() else case.bundle


def _transcript(folder: Path, n_words: int, number: int) -> Path:
    path = folder / f"episode-{n_words}-{number}.txt"
    if not path.exists():
        path.write_text(make_transcript(n_words), encoding="utf-8")
    return path


def _command(case: Case, transcript: str) -> list[str]:
    """What a user would type."""
    options = ["--format", "json", "--threads", str(case.threads), "--quiet"]
    name = _bundle_name(case)
    bundle = find_bundle(name)
    # No more options than it takes: an older build may be measured beside this one.
    if case.provider != CPU or PROVIDERS[CUDA] in available_providers():
        options += ["--provider", case.provider]
    if bundle.manifest.precision == "fp16":
        options.append("--fp16-on-cpu")
    if case.max_rss_bytes:
        options += ["--max-rss", str(case.max_rss_bytes)]
    if bundle.manifest.generator is None:
        return ["summarize", transcript, "--model", name, *options]
    return ["summarize", transcript, "--kind", "abstractive", "--writer", name, *options]


def reference_ns() -> int:
    """Time of a fixed piece of work on one core: how fast the machine is at this moment."""
    best = 1 << 62
    for _ in range(3):
        started = time.perf_counter_ns()
        counts: dict[int, int] = {}
        for i in range(40_000):
            key = i * i % 1009
            counts[key] = counts.get(key, 0) + 1
        best = min(best, time.perf_counter_ns() - started)
    return best


class _Thermometer:
    """The highest temperature while it is open."""

    def __init__(self) -> None:
        self.highest_c: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Thermometer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        for _ in itertools.count():
            now_c = temperature_c()
            if now_c is None:
                return
            self.highest_c = max(now_c, self.highest_c or now_c)
            if self._stopped.wait(TEMPERATURE_INTERVAL_S):
                return
