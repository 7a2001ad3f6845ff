"""Run cases in fresh processes, taking turns, and keep a record that is never half written."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edge.bench import record as records
from edge.bench.cases import BATCH, COLD, ENCODER, STREAM, TOKENS, Case, Plan
from edge.bench.child import run_process
from edge.bench.record import Json, Process
from edge.bundles.manifest import Bundle
from edge.bundles.store import find_bundle
from edge.device.energy import Source
from edge.device.state import State, busy_cores, state
from edge.errors import BenchError

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
        self.time_is_up = False

    def add(self, k: int, process: Process, began: State) -> None:
        """Keep a process of a plan, and write the record anew.

        :param k: Which plan.
        :param process: What it told.
        :param began: The machine before it.
        """
        self._found[k].append(process)
        self._states[k] = (self._states.get(k, (began, began))[0], state())
        self.write(is_finished=False)

    def is_enough(self) -> bool:
        """Whether every case has runs enough to be valid."""
        return all(len(found) >= records.MIN_PROCESSES for found in self._found)

    def write(self, is_finished: bool) -> None:
        """Write the record.

        :param is_finished: Whether all processes were run.
        """
        self.document["cases"] = [
            records.case_record(
                self._plans[k], self._bundles[k], own, *self._states[k], self.time_is_up
            )
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
    ends_after_s: float = math.inf,
) -> Json:
    """Measure all plans; the record is written anew after each process.

    Cases take turns, a process each, so that what slows the machine for a while slows all.

    :param plans: What to run.
    :param source: As ``edge.device.energy.find_source`` gives it.
    :param path: Where the record goes.
    :param progress: Told before each process, and at the end.
    :param beside: Another Python, whose edge-insights takes turns with this one; its record goes
        to ``beside_path(path)``.
    :param ends_after_s: Begin nothing that would end later, once each case has runs enough.
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
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as temporary:
        _take_turns(plans, runs, Path(temporary), sensor, progress, ends_after_s)
    for _, own in runs:
        own.write(is_finished=True)
    return runs[0][1].document


def _take_turns(
    plans: Sequence[Plan],
    runs: Sequence[tuple[str | None, _Run]],
    folder: Path,
    sensor: Source | None,
    progress: Progress,
    ends_after_s: float,
) -> None:
    """A process of each plan and each Python in turn, as long as there is time."""
    turns = list(_turns(plans))
    began_s = time.monotonic()
    lasted_s = [0.0] * len(plans)
    for done, k in enumerate(turns):
        turn_began_s = time.monotonic()
        is_late = turn_began_s + lasted_s[k] - began_s > ends_after_s
        if is_late and all(own.is_enough() for _, own in runs):
            for _, own in runs:
                own.time_is_up = True
            break
        progress(done, len(turns), plans[k].case.name)
        for python, own in runs if done % 2 else runs[::-1]:
            before = state()
            own.add(k, run_process(plans[k], folder, sensor, python), before)
        lasted_s[k] = time.monotonic() - turn_began_s
    progress(len(turns), len(turns), "")


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
