"""One fresh process of a case: what it is told to do, and what it told."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from edge.bench.cases import Case, Plan
from edge.bench.episode import make_transcript
from edge.bench.fresh_process import Finished, run_fresh
from edge.bench.protocol import (
    End,
    Event,
    Job,
    Loaded,
    Sample,
    Warm,
    event_from_json,
    job_to_json,
)
from edge.bench.scenarios import (
    BATCH,
    BATCH_EPISODES,
    COLD,
    DECODE_TOKENS,
    ENCODER,
    ENCODER_SENTENCES,
    ENCODER_WORDS,
    PREFILL_TOKENS,
    TOKENS,
)
from edge.bundles.store import find_bundle
from edge.device.energy import Meter, Source
from edge.device.state import temperature_c
from edge.errors import BenchError
from edge.runtime.providers import CPU, CUDA, PROVIDERS
from edge.runtime.session import available_providers

TEMPERATURE_INTERVAL_S = 1.0


@dataclass(frozen=True)
class Process:
    """What one fresh process told, and what was seen of it."""

    samples: tuple[Sample, ...]
    loaded: Loaded
    peak_rss_bytes: int
    reference_ns: int
    """Time of a fixed piece of work just before it: how fast the machine was then."""
    energy_j: float | None
    """Of everything after the warm-up; of the whole process where the command is cold."""
    temp_c_max: float | None


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
    job = _job(plan, folder)
    job_path = folder / "job.json"
    job_path.write_text(job_to_json(job), encoding="utf-8")
    reference = reference_ns()
    meter = Meter(source)
    events: list[Event] = []

    def on_line(line: bytes) -> None:
        events.append(event_from_json(line))
        if isinstance(events[-1], Warm):
            meter.start()

    if job.scenario == COLD:
        meter.start()
    with _Thermometer() as thermometer:
        command = [python or sys.executable, "-m", "edge.bench.worker", str(job_path)]
        # Python looks for modules where it stands first, which may be this checkout.
        finished = run_fresh(command, on_line, meter, folder if python else None)
    samples = tuple(event for event in events if isinstance(event, Sample))
    if finished.exit_code != 0 or not samples:
        raise _failure(plan.case, finished)
    loaded = next((event for event in events if isinstance(event, Loaded)), Loaded())
    if job.scenario == COLD:
        samples, loaded = _cold_digest(samples[0], finished.wall_ns, Path(job.output))
    peaks = (event.peak_rss_bytes for event in events if isinstance(event, End))
    return Process(
        samples=samples,
        loaded=loaded,
        peak_rss_bytes=next(peaks, finished.max_rss_bytes),  # an older build does not tell it
        reference_ns=reference,
        energy_j=finished.energy_j,
        temp_c_max=thermometer.highest_c,
    )


def _cold_digest(sample: Sample, wall_ns: int, output: Path) -> tuple[tuple[Sample], Loaded]:
    """What a cold command does not tell of itself: its time, and what its digest says."""
    digest = json.loads(output.read_bytes())
    audio_s = digest["episode"]["duration_s"]
    provider = digest["models"][-1]["execution_provider"]
    return (sample._replace(ns=wall_ns, episodes=1, audio_s=audio_s),), Loaded(provider=provider)


def _failure(case: Case, finished: Finished) -> BenchError:
    code, text = finished.exit_code, finished.errors
    if "Traceback" in text:  # a fault of ours: its last line names it
        text = text.split("\n")[-1]
    how = f"was killed by signal {-code}" if code < 0 else f"failed with exit code {code}"
    memory = " Too little memory is the usual reason." if code == -9 else ""
    return BenchError(
        f"the process of '{case.name}' {how}: {text}",
        f"The record holds what was measured before.{memory}",
    )


def _job(plan: Plan, folder: Path) -> Job:
    """What the worker is to do, its transcripts written."""
    case = plan.case
    job = Job(
        scenario=case.scenario,
        bundle=_bundle_name(case),
        threads=case.threads,
        provider=case.provider,
        max_rss_bytes=case.max_rss_bytes,
        words=case.words,
        samples=plan.samples,
        seconds=plan.seconds,
    )
    if case.scenario in (ENCODER, TOKENS):
        return job._replace(
            texts=_texts(), prefill_tokens=PREFILL_TOKENS, decode_tokens=DECODE_TOKENS
        )
    n_episodes = BATCH_EPISODES if case.scenario == BATCH else 1
    transcripts = [str(_transcript(folder, case.words, number)) for number in range(n_episodes)]
    if case.scenario == COLD:
        output = str(folder / "digest.json")
        return job._replace(output=output, command=_command(case, transcripts[0]))
    return job._replace(transcripts=transcripts, output=str(folder / "batch"))


def _texts() -> list[str]:
    """Equally long runs of words of the sample episode."""
    n_words = ENCODER_SENTENCES * ENCODER_WORDS
    lines = [line.split("]   ")[1] for line in make_transcript(n_words).splitlines()]
    words = " ".join(lines).split()
    groups = (words[i : i + ENCODER_WORDS] for i in range(0, n_words, ENCODER_WORDS))
    return [" ".join(group) for group in groups]


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
        while (now_c := temperature_c()) is not None:
            self.highest_c = max(now_c, self.highest_c or now_c)
            if self._stopped.wait(TEMPERATURE_INTERVAL_S):
                return
