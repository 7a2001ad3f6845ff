"""One program in a fresh process: its output line by line, its time, and what it used."""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.bench.protocol import STARTED
from edge.device.energy import Meter
from edge.errors import BenchError

SILENCE_S = 3600.0
"""A program that prints nothing for so long is given up."""


@dataclass(frozen=True)
class Finished:
    """A program that ended."""

    exit_code: int
    """Negative: the signal that killed it."""
    errors: str
    """What it wrote to standard error."""
    wall_ns: int
    cpu_s: float
    """User and system time of the process and its threads."""
    max_rss_bytes: int
    """As the kernel tells its parent: what it shared with that one, before it became this program,
    counts in. Right for what is larger than its parent alone; a program knows better itself."""
    energy_j: float | None
    """From the meter's start to the end of its output; None where nothing measures it."""


def run_fresh(
    command: Sequence[str],
    on_line: Callable[[bytes], object],
    meter: Meter,
    folder: Path | None = None,
) -> Finished:
    """Run a program to its end.

    The environment variable ``STARTED`` tells it when it was started.

    :param command: Program and arguments.
    :param on_line: Told each line of its output as it is printed.
    :param meter: Is stopped at its end; whoever calls starts it, before or at some line.
    :param folder: Where it stands; None for where this process does.
    :raises BenchError: If it prints nothing for an hour.
    """
    with tempfile.TemporaryFile() as errors:
        started_ns = time.perf_counter_ns()
        child = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, STARTED: str(time.time_ns())},
        )
        try:
            for line in _lines(child):
                on_line(line)
            energy_j = meter.stop()
            _, status, usage = os.wait4(child.pid, 0)
            wall_ns = time.perf_counter_ns() - started_ns
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if child.returncode is None:
                child.kill()
                child.wait()
        errors.seek(0)
        return Finished(
            exit_code=child.returncode,
            errors=errors.read().decode("utf-8", "replace").strip(),
            wall_ns=wall_ns,
            cpu_s=usage.ru_utime + usage.ru_stime,
            max_rss_bytes=usage.ru_maxrss * 1024,  # Linux counts in KiB
            energy_j=energy_j,
        )


def _lines(child: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Lines as they come, without their ends."""
    assert child.stdout is not None
    with child.stdout as pipe, selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        pending = b""
        while ready.select(SILENCE_S):
            # Not by readline: of two lines that come at once, it would hold one back.
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                yield from (pending,) if pending else ()
                return
            *lines, pending = (pending + chunk).split(b"\n")
            yield from lines
    raise BenchError(
        f"a process has printed nothing for {SILENCE_S / 60:.0f} minutes",
        "The record holds what was measured before.",
    )
