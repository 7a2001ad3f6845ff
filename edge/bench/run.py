"""Run cases in fresh processes, taking turns, and keep a record that is never half written."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from edge.bench.cases import Case, Plan
from edge.bench.child import Process, run_process
from edge.bench.record import Record
from edge.bench.record_json import save
from edge.bench.results import case_record, new_record
from edge.bench.scenarios import DIGESTS, ENCODER, TOKENS
from edge.bench.validity import MIN_PROCESSES, machine_reasons, record_reasons
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
    :param record: The record, without cases.
    :param reasons: Why none of it is to be trusted.
    :param path: Where the record goes.
    :param python: Whose edge-insights is measured; None for this one's.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        bundles: Sequence[Bundle],
        record: Record,
        reasons: Sequence[str],
        path: Path,
        python: str | None = None,
    ) -> None:
        self.record, self.python = record, python
        self.time_is_up = False
        self._plans, self._bundles = plans, bundles
        self._reasons, self._path = reasons, path
        self._processes: list[list[Process]] = [[] for _ in plans]
        self._states: dict[int, tuple[State, State]] = {}
        """Of the machine, before the first process of a plan and after its last."""

    def add(self, k: int, process: Process, before: State) -> None:
        """Keep a process of a plan, and write the record anew.

        :param k: Which plan.
        :param process: What it told.
        :param before: The machine before it.
        """
        self._processes[k].append(process)
        self._states[k] = (self._states.get(k, (before, before))[0], state())
        self.write(is_finished=False)

    def is_enough(self) -> bool:
        """Whether every case has runs enough to be valid."""
        return all(len(processes) >= MIN_PROCESSES for processes in self._processes)

    def write(self, is_finished: bool) -> None:
        """Write the record.

        :param is_finished: Whether all processes were run.
        """
        cases = tuple(
            case_record(
                self._plans[k], self._bundles[k], processes, *self._states[k], self.time_is_up
            )
            for k, processes in enumerate(self._processes)
            if processes
        )
        reasons = record_reasons(self._reasons, cases, is_finished)
        self.record = replace(
            self.record, is_finished=is_finished, cases=cases, invalid_reasons=reasons
        )
        save(self.record, self._path)


def run(
    plans: Sequence[Plan],
    source: tuple[Source | None, str],
    path: Path,
    progress: Progress,
    beside: str | None = None,
    ends_after_s: float = math.inf,
) -> Record:
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
    record = new_record(sensor.name if sensor else None, reason)
    reasons = machine_reasons(record.identity, state(), busy_cores())
    runs = [_Run(plans, bundles, record, reasons, path)]
    if beside:
        other = _other_record(record, beside)
        runs[0].record = replace(record, beside=other.run_id)
        runs.append(_Run(plans, bundles, other, reasons, beside_path(path), beside))
    for each in runs:  # a folder that cannot be written to is told of before the work
        each.write(is_finished=False)
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as temporary:
        _take_turns(plans, runs, Path(temporary), sensor, progress, ends_after_s)
    for each in runs:
        each.write(is_finished=True)
    return runs[0].record


def _take_turns(
    plans: Sequence[Plan],
    runs: Sequence[_Run],
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
        if is_late and all(each.is_enough() for each in runs):
            for each in runs:
                each.time_is_up = True
            break
        progress(done, len(turns), plans[k].case.name)
        for each in runs if done % 2 else runs[::-1]:
            before = state()
            each.add(k, run_process(plans[k], folder, sensor, each.python), before)
        lasted_s[k] = time.monotonic() - turn_began_s
    progress(len(turns), len(turns), "")


def beside_path(path: Path) -> Path:
    """Where the record of the other Python goes: ``x.json`` -> ``x-beside.json``.

    :param path: Where the record goes.
    """
    return path.with_name(f"{path.stem}-beside{path.suffix}")


_ASK = (
    "import json, edge, edge.bench.worker, onnxruntime\n"
    "print(json.dumps([edge.__version__, onnxruntime.__version__]))"
)


def _other_record(record: Record, python: str) -> Record:
    """The record of another Python, beside this one's."""
    tool_version, ort_version = _versions(python)
    return replace(
        new_record(record.power_source, record.power_reason or ""),
        tool_version=tool_version,
        ort_version=ort_version,
        git_commit=None,
        beside=record.run_id,
    )


def _versions(python: str) -> tuple[str, str]:
    """Versions of another Python's edge-insights and onnxruntime."""
    try:
        done = subprocess.run(
            [python, "-c", _ASK], capture_output=True, text=True, cwd=tempfile.gettempdir()
        )
        tool_version, ort_version = json.loads(done.stdout)
    except (OSError, ValueError) as error:
        raise BenchError(
            f"{python} has no edge-insights with a latency suite",
            "Give the Python of an environment it is installed in.",
        ) from error
    return tool_version, ort_version


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
    if case.scenario in DIGESTS and spec is not None and not spec.writes_summaries:
        raise BenchError(
            f"{bundle.id} was not taught to sum up: it makes no digest",
            f"Time it with --case '{TOKENS} bundle={bundle.id}'.",
        )
    return bundle
