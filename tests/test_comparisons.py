"""Contenders beside each other: fresh processes in turns, and the task that each side does."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from benchmarks.generation.results import report
from benchmarks.generation.task import Task, by_difference, load_task, run_task, save_task
from benchmarks.processes import Sample, Turns, take_turns
from edge.bench.protocol import STARTED

TASK = Task([[1, 2, 3], [4, 5]], new_tokens=4, threads=1)


def test_energy_is_power_times_time() -> None:
    sleep = {"sleep": [sys.executable, "-c", "import time; time.sleep(0.5)"]}
    sample = take_turns(Turns(sleep, runs=1, warm_up=0, watts=100))["sleep"][0]
    assert sample.energy_j == pytest.approx(100 * sample.wall_s, rel=0.5)


def test_a_process_s_memory_is_its_own_and_not_its_parent_s() -> None:
    commands = {"small": [sys.executable, "-c", "print('{\"x\": 1}')"]}
    ballast = bytearray(200 << 20)
    samples = take_turns(Turns(commands, runs=2, warm_up=1, reports=True))["small"]
    assert len(samples) == 2 and len(ballast) == 200 << 20
    assert all(sample.peak_rss_bytes < 50e6 and sample.reported == {"x": 1} for sample in samples)


def test_a_command_that_fails_ends_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        take_turns(Turns({"bad": [sys.executable, "-c", "import no_such"]}, runs=1, warm_up=0))
    told = capfd.readouterr().err
    assert "No module named 'no_such'" in told and "failed with 1: " in told


def test_a_task_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert load_task(save_task(TASK, tmp_path / "task.json")) == TASK
    assert (TASK.n_read, TASK.n_written) == (5, 6)


@pytest.mark.parametrize(("together", "groups"), [(True, [2]), (False, [1, 1])])
def test_a_side_tells_what_reading_and_writing_took(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    together: bool,
    groups: list[int],
) -> None:
    monkeypatch.setenv(STARTED, str(time.time_ns() - 10**9))
    asked: list[tuple[int, int]] = []

    def write(prompts: list[list[int]], n_new: int) -> tuple[float, float]:
        asked.append((len(prompts), n_new))
        return 2.0, 3.0

    run_task(TASK, write, together)
    times = json.loads(capsys.readouterr().out)
    assert asked == [(1, 1), *((n, 4) for n in groups)]
    assert 1 <= times["cold_first_token_s"] < 5
    assert (times["read_s"], times["write_s"]) == (2.0 * len(groups), 3.0 * len(groups))


def test_a_library_that_tells_nothing_before_the_end_is_timed_twice() -> None:
    write = by_difference(lambda prompt, n_new: time.sleep(0.05 * n_new))
    read_s, write_s = write([[1, 2]], 3)
    assert 0.05 <= read_s < 0.09 and 0.09 < write_s < 0.2
    assert write([[1, 2]], 1)[1] == 0.0


def test_the_first_side_is_what_the_others_are_compared_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = {"first": (1.0, 2.0), "second": (0.5, 4.0)}
    samples = {
        name: [Sample(1.0, 1.0, 10**6, {"read_s": read_s, "write_s": write_s})] * 3
        for name, (read_s, write_s) in times.items()
    }
    found = report("title", samples, TASK, ("read", "write"))
    assert found["measures"]["second"]["read"]["ratio"]["median"] == 2.0
    assert found["measures"]["second"]["write"]["ratio"]["median"] == 0.5
    assert "ratio to 'first' in the same round; n=3" in capsys.readouterr().out
