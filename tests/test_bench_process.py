"""Fresh processes of the latency suite: what they are told, what they tell, what they take."""

from __future__ import annotations

import json
import sys
import time

import pytest

import edge.bench.fresh_process
from edge.bench.fresh_process import run_fresh
from edge.bench.protocol import (
    STARTED,
    End,
    Job,
    Loaded,
    Sample,
    Warm,
    event_from_json,
    event_to_json,
    job_from_json,
    job_to_json,
)
from edge.device.energy import Meter
from edge.errors import BenchError

JOB = Job(
    "stream", "minilm-l6-int8", 2, "cpu", 0, 8000, 3, 0.0,
    texts=[], transcripts=["a.txt"], command=[],
)  # fmt: skip
NO_METER = Meter(None)


@pytest.mark.parametrize(
    "event",
    [
        Loaded(12.5, "CPUExecutionProvider", {"metric": "m", "value": 1.0, "baseline": 0.5}),
        Warm(),
        Sample({"encode": 5}, 7, episodes=1, audio_s=60.0),
        Sample({"prefill": 5}, 7, tokens_in=256, tokens_out=32),
        End(123),
    ],
)
def test_events_come_as_they_were_told(event: Loaded | Warm | Sample | End) -> None:
    line = event_to_json(event)
    assert event_from_json(line) == event
    assert "null" not in line  # an older build takes a field that is there for one that counts


def test_a_job_comes_as_it_was_told() -> None:
    assert job_from_json(job_to_json(JOB)) == JOB


def test_other_builds_may_know_more_or_less() -> None:
    job = json.loads(job_to_json(JOB))
    del job["output"]
    assert job_from_json(json.dumps({**job, "colour": "red"})) == JOB
    assert event_from_json('{"event": "sample", "stages_ns": {}, "colour": 1}') == Sample({})
    assert event_from_json('{"event": "loaded", "provider": "x"}') == Loaded(provider="x")


def test_a_process_is_told_when_it_started_and_heard_line_by_line() -> None:
    code = f"import os, sys; print(os.environ['{STARTED}']); print('b'); sys.stdout.write('c')"
    lines: list[bytes] = []
    before_ns = time.time_ns()
    finished = run_fresh([sys.executable, "-c", code], lines.append, NO_METER)
    assert before_ns <= int(lines[0]) <= time.time_ns()
    assert lines[1:] == [b"b", b"c"]
    assert (finished.exit_code, finished.errors, finished.energy_j) == (0, "", None)
    assert 0 < finished.cpu_s * 1e9 < 2 * finished.wall_ns


def test_lines_that_come_at_once_are_heard_at_once() -> None:
    heard_s: list[float] = []
    code = r"import sys, time; sys.stdout.write('a\nb\n'); sys.stdout.flush(); time.sleep(0.5)"
    run_fresh([sys.executable, "-c", code], lambda _: heard_s.append(time.monotonic()), NO_METER)
    assert heard_s[1] - heard_s[0] < 0.4


def test_a_process_that_fails_is_told_with_its_complaint() -> None:
    code = "import sys; sys.exit('no such thing')"
    finished = run_fresh([sys.executable, "-c", code], print, NO_METER)
    assert (finished.exit_code, finished.errors) == (1, "no such thing")


def test_a_process_that_goes_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.bench.fresh_process, "SILENCE_S", 0.3)
    started_s = time.monotonic()
    with pytest.raises(BenchError, match="has printed nothing for"):
        run_fresh([sys.executable, "-c", "import time; time.sleep(60)"], print, NO_METER)
    assert time.monotonic() - started_s < 30
