"""Run cases in fresh processes, taking turns, and keep a record that is never half written."""

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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edge.bench import record as records
from edge.bench.cases import (
    BATCH,
    BATCH_EPISODES,
    COLD,
    DECODE_TOKENS,
    ENCODER,
    ENCODER_SENTENCES,
    ENCODER_WORDS,
    PREFILL_TOKENS,
    STREAM,
    TOKENS,
    Case,
    Plan,
)
from edge.bench.device import State, busy_cores, state, temperature_c
from edge.bench.energy import Meter, Source
from edge.bench.episode import make_transcript
from edge.bench.record import Json, Process
from edge.bench.worker import STARTED
from edge.errors import BenchError
from edge.execution import CPU, CUDA, PROVIDERS
from edge.manifest import Bundle
from edge.session import available_providers
from edge.store import find_bundle

TEMPERATURE_INTERVAL_S = 1.0
SILENCE_S = 3600.0
"""A process that tells nothing for so long is given up."""
Progress = Callable[[int, int, str], None]
"""Called with (processes done, processes in all, what comes next)."""


class _Run:
    """A record that grows by a process at a time.

    :param plans: What is run.
    :param bundles: The model of each.
    :param document: The record, without cases.
    :param reasons: Why none of it is to be trusted.
    :param path: Where the record goes.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        bundles: Sequence[Bundle],
        document: Json,
        reasons: Sequence[str],
        path: Path,
    ) -> None:
        self.document = document
        self._plans, self._bundles = plans, bundles
        self._reasons = reasons
        self._path = path
        self._found: list[list[Process]] = [[] for _ in plans]
        self._states: dict[int, tuple[State, State]] = {}

    def add(self, k: int, process: Process, began: State) -> None:
        """Keep a process of a plan, and write the record anew.

        :param k: Which plan.
        :param process: What it told.
        :param began: The machine before it.
        """
        self._found[k].append(process)
        self._states[k] = (self._states.get(k, (began, began))[0], state())
        self.write(is_finished=False)

    def write(self, is_finished: bool) -> None:
        """Write the record.

        :param is_finished: Whether all processes were run.
        """
        self.document["cases"] = [
            records.case_record(self._plans[k], self._bundles[k], own, *self._states[k])
            for k, own in enumerate(self._found)
            if own
        ]
        records.finish(self.document, self._reasons, is_finished)
        records.save(self.document, self._path)


def run(
    plans: Sequence[Plan],
    source: tuple[Source | None, str],
    path: Path,
    progress: Progress,
    beside: str | None = None,
) -> Json:
    """Measure all plans; the record is written anew after each process.

    Cases take turns, a process each, so that what slows the machine for a while slows all.

    :param plans: What to run.
    :param source: As ``edge.bench.energy.find_source`` gives it.
    :param path: Where the record goes.
    :param progress: Told before each process, and at the end.
    :param beside: Another Python, whose edge-insights takes turns with this one; its record goes
        to ``beside_path(path)``.
    :return: The record.
    :raises BundleError: If a model is not here.
    :raises BenchError: If a process fails, or the other Python has no such suite.
    :raises OutputError: If the record cannot be written.
    """
    bundles = [_fitting_bundle(plan.case) for plan in plans]
    sensor, reason = source
    reasons: list[str] | None = None
    runs: list[tuple[str | None, _Run]] = []
    for python, target in ((None, path), (beside, beside_path(path)))[: 2 if beside else 1]:
        document = records.new_record(sensor.name if sensor else None, reason)
        if python is not None:
            document |= {"git_commit": None, **_versions(python)}
        if reasons is None:
            reasons = records.machine_reasons(document, state(), busy_cores())
        runs.append((python, _Run(plans, bundles, document, reasons, target)))
    if beside:
        ids = [own.document["run_id"] for _, own in runs]
        runs[0][1].document["beside"], runs[1][1].document["beside"] = ids[::-1]
    for _, own in runs:  # a folder that cannot be written to is told of before the work
        own.write(is_finished=False)
    turns = list(_turns(plans))
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as temporary:
        for done, k in enumerate(turns):
            progress(done, len(turns), plans[k].case.name)
            for python, own in runs if done % 2 else runs[::-1]:
                began = state()
                own.add(k, run_process(plans[k], Path(temporary), sensor, python), began)
    for _, own in runs:
        own.write(is_finished=True)
    progress(len(turns), len(turns), "")
    return runs[0][1].document


def beside_path(path: Path) -> Path:
    """Where the record of the other Python goes: ``x.json`` -> ``x-beside.json``.

    :param path: Where the record goes.
    """
    return path.with_name(f"{path.stem}-beside{path.suffix}")


_ASK = (
    "import json, edge, edge.bench.worker, onnxruntime\n"
    "print(json.dumps({'tool_version': edge.__version__, 'ort_version': onnxruntime.__version__}))"
)


def _versions(python: str) -> Json:
    """Versions of another Python's edge-insights and onnxruntime."""
    try:
        done = subprocess.run(
            [python, "-c", _ASK], capture_output=True, text=True, cwd=tempfile.gettempdir()
        )
        versions: Json = json.loads(done.stdout)
    except (OSError, ValueError) as error:
        raise BenchError(
            f"{python} has no edge-insights with a latency suite",
            "Give the Python of an environment it is installed in.",
        ) from error
    return versions


def _turns(plans: Sequence[Plan]) -> Iterator[int]:
    """Indices of the plans, one of each in turn while it has rounds left."""
    for number in range(max((plan.rounds for plan in plans), default=0)):
        yield from (k for k, plan in enumerate(plans) if number < plan.rounds)


def _fitting_bundle(case: Case) -> Bundle:
    """The case's model, which must be of the kind its scenario needs."""
    bundle = find_bundle(case.bundle)
    spec = bundle.manifest.generator
    if case.scenario == TOKENS and spec is None:
        raise BenchError(
            f"{bundle.id} writes no text, and '{TOKENS}' times writing",
            "Give a bundle made for generation; 'edge models list' shows what is here.",
        )
    if case.scenario == ENCODER and spec is not None:
        raise BenchError(
            f"{bundle.id} embeds no sentences, and '{ENCODER}' times embedding",
            "Give a sentence encoder; 'edge models list' shows what is here.",
        )
    if case.scenario in (COLD, STREAM, BATCH) and spec is not None and not spec.writes_summaries:
        raise BenchError(
            f"{bundle.id} was not taught to sum up: it makes no digest",
            f"Time it with --case '{TOKENS} bundle={bundle.id}'.",
        )
    return bundle


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
