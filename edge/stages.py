"""How long each stage of a piece of work takes; the times of all stages add up to the whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Stopwatch:
    """Nanoseconds of each stage. A stage inside another counts for itself only."""

    def __init__(self) -> None:
        self.nanoseconds: dict[str, int] = {}
        self._running: list[str] = []
        self._since = 0

    def enter(self, stage: str) -> None:
        """Begin a stage; the one it lies in stands still.

        :param stage: Its name.
        """
        self._charge()
        self._running.append(stage)

    def leave(self) -> None:
        """End the innermost stage; the one it lies in goes on."""
        self._charge()
        self._running.pop()

    def seconds(self) -> dict[str, float]:
        """Stage -> seconds so far, to a tenth of a millisecond, in the order of their beginning."""
        return {name: round(spent / 1e9, 4) for name, spent in self.nanoseconds.items()}

    def _charge(self) -> None:
        now = time.perf_counter_ns()
        if self._running:
            innermost = self._running[-1]
            self.nanoseconds[innermost] = self.nanoseconds.get(innermost, 0) + now - self._since
        self._since = now


_current: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time the stages of what is done inside; one inside another is the outer one."""
    running = _current.get()
    if running is not None:
        yield running
        return
    watch = Stopwatch()
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """What is done inside belongs to a stage; costs nothing where nobody times.

    :param name: The stage.
    """
    watch = _current.get()
    if watch is None:
        yield
        return
    watch.enter(name)
    try:
        yield
    finally:
        watch.leave()
