"""Stage timers: what is inside another counts once."""

from __future__ import annotations

import math
import time

from edge.stages import stage, stopwatch


def test_stages_inside_others_count_once() -> None:
    with stopwatch() as watch:
        with stage("outer"):
            time.sleep(0.02)
            with stage("inner"):
                time.sleep(0.04)
            with stage("inner"):
                time.sleep(0.01)
        whole = sum(watch.seconds().values())
    assert watch.seconds()["inner"] >= 0.05
    assert 0.02 <= watch.seconds()["outer"] < 0.05
    assert math.isclose(whole, sum(watch.nanoseconds.values()) / 1e9, abs_tol=2e-4)


def test_a_stopwatch_inside_another_is_the_outer_one() -> None:
    with stopwatch() as outer:
        with stopwatch() as inner, stage("a"):
            pass
        assert inner is outer
    with stage("nobody times this"):
        pass
    assert list(outer.nanoseconds) == ["a"]
