"""What machine this is and in what state: read from the kernel, never guessed.

Every path is below a root, so that tests can lay out a board's files of their own.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.device.doctor import cpu_model

ROOT = Path("/")
COMMAND_TIMEOUT_S = 5.0
_BOARD_FILES = ("proc/device-tree/model", "sys/class/dmi/id/product_name")
_THROTTLE_COUNTS = "sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count"


def identity(root: Path = ROOT) -> dict[str, Any]:
    """What does not change from run to run on one machine.

    :param root: Folder that stands for ``/``.
    """
    memory = meminfo(root)
    boards = (_read(root / name) for name in _BOARD_FILES)
    return {
        "board_model": next(filter(None, boards), None),
        "soc": _soc(root),
        "cpu": cpu_model(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "ram_total": memory.get("MemTotal"),
        "swap": memory.get("SwapTotal"),
        "os": platform.platform(),
        "python": platform.python_version(),
        "cpu_governor": _read(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "nvpmodel": _nvpmodel(),
    }


def _soc(root: Path) -> str | None:
    """The chip, as the device tree names it: ``brcm,bcm2712``."""
    names = (_read(root / "proc/device-tree/compatible") or "").split("\0")
    return names[-1] or None


def _nvpmodel() -> str | None:
    """The Jetson's power mode."""
    match = re.search(r"NV Power Mode:\s*(\S+)", _run("nvpmodel", "-q"))
    return match[1] if match else None


@dataclass(frozen=True)
class State:
    """How the machine is at one moment; None where it does not tell."""

    freq_mhz: float | None
    """Of the fastest core."""
    temp_c: float | None
    """Of the hottest zone."""
    throttle_flags: int | None
    """A Raspberry Pi's ``get_throttled``: bits 0-3 tell of now, 16-19 of since the start."""
    throttle_count: int | None
    """Throttlings since the start, where the kernel counts them (x86)."""
    swap_used: int | None
    load_average: float | None
    """Of the last minute."""


def state(root: Path = ROOT) -> State:
    """How the machine is now.

    :param root: Folder that stands for ``/``.
    """
    memory = meminfo(root)
    total, free = memory.get("SwapTotal"), memory.get("SwapFree")
    load = _read(root / "proc/loadavg")
    flags = re.search(r"throttled=0x([0-9a-fA-F]+)", run_vcgencmd("get_throttled"))
    counts = list(_numbers(root, _THROTTLE_COUNTS))
    return State(
        freq_mhz=_most(root, "sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq", 1000),
        temp_c=temperature_c(root),
        throttle_flags=int(flags[1], 16) if flags else None,
        throttle_count=int(sum(counts)) if counts else None,
        swap_used=None if total is None or free is None else total - free,
        load_average=float(load.split()[0]) if load else None,
    )


def busy_cores(root: Path = ROOT, seconds: float = 1.0) -> float | None:
    """How many cores are at work, over a moment; None where the kernel does not tell.

    The load average tells of the last minute, and so of the run before this one, too.

    :param root: Folder that stands for ``/``.
    :param seconds: How long to look.
    """
    before = _cpu_ticks(root)
    time.sleep(seconds)
    after = _cpu_ticks(root)
    if before is None or after is None or after[1] == before[1]:
        return None
    return (os.cpu_count() or 1) * (after[0] - before[0]) / (after[1] - before[1])


def _cpu_ticks(root: Path) -> tuple[int, int] | None:
    """Ticks at work and in all, of all cores together, since the start (``/proc/stat``)."""
    fields = (_read(root / "proc/stat") or "").split("\n")[0].split()
    if len(fields) < 6 or fields[0] != "cpu":
        return None
    ticks = [int(field) for field in fields[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # idle, and waiting for a disk


def temperature_c(root: Path = ROOT) -> float | None:
    """The hottest zone; None where there is no sensor.

    :param root: Folder that stands for ``/``.
    """
    return _most(root, "sys/class/thermal/thermal_zone*/temp", 1000)


def meminfo(root: Path = ROOT) -> dict[str, int]:
    """``/proc/meminfo`` in bytes.

    :param root: Folder that stands for ``/``.
    """
    amounts = {}
    for line in (_read(root / "proc/meminfo") or "").split("\n"):
        key, _, value = line.partition(":")
        if value.endswith(" kB"):
            amounts[key] = int(value.split()[0]) * 1024
    return amounts


def run_vcgencmd(*arguments: str) -> str:
    """What the Raspberry Pi's firmware answers; empty elsewhere.

    :param arguments: Of ``vcgencmd``.
    """
    return _run("vcgencmd", *arguments)


def _run(*command: str) -> str:
    """A board's own tool, where it is installed and answers."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\0\n ") or None
    except OSError:
        return None


def _numbers(root: Path, pattern: str) -> Iterator[float]:
    for path in sorted(root.glob(pattern)):
        try:
            yield float(_read(path) or "")
        except ValueError:
            continue


def _most(root: Path, pattern: str, per_unit: float) -> float | None:
    return max((value / per_unit for value in _numbers(root, pattern)), default=None)
