"""What machine this is and in what state: read from the kernel and the board, never guessed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from edge.device.kernel import ROOT, cpu_model, cpu_ticks, meminfo, numbers, read

COMMAND_TIMEOUT_S = 5.0
_BOARD_FILES = ("proc/device-tree/model", "sys/class/dmi/id/product_name")
_THROTTLE_COUNTS = "sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count"


@dataclass(frozen=True)
class Identity:
    """What does not change from run to run on one machine; None where it does not tell."""

    board_model: str | None
    soc: str | None
    """The chip, as the device tree names it."""
    cpu: str
    machine: str
    """Its instruction set: ``x86_64``, ``aarch64``."""
    cores: int | None
    ram_total: int | None
    """In bytes, as is ``swap``."""
    swap: int | None
    os: str
    python: str
    cpu_governor: str | None
    nvpmodel: str | None
    """A Jetson's power mode."""


def identity(root: Path = ROOT) -> Identity:
    """What machine this is.

    :param root: Folder that stands for ``/``.
    """
    memory = meminfo(root)
    boards = (read(root / name) for name in _BOARD_FILES)
    return Identity(
        board_model=next(filter(None, boards), None),
        soc=_soc(root),
        cpu=cpu_model(root),
        machine=platform.machine(),
        cores=os.cpu_count(),
        ram_total=memory.get("MemTotal"),
        swap=memory.get("SwapTotal"),
        os=platform.platform(),
        python=platform.python_version(),
        cpu_governor=read(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        nvpmodel=_nvpmodel(),
    )


def _soc(root: Path) -> str | None:
    """The chip, as the device tree names it: ``brcm,bcm2712``."""
    names = (read(root / "proc/device-tree/compatible") or "").split("\0")
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
    load = read(root / "proc/loadavg")
    flags = re.search(r"throttled=0x([0-9a-fA-F]+)", run_vcgencmd("get_throttled"))
    counts = list(numbers(root, _THROTTLE_COUNTS))
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
    before = cpu_ticks(root)
    time.sleep(seconds)
    after = cpu_ticks(root)
    if before is None or after is None or after[1] == before[1]:
        return None
    return (os.cpu_count() or 1) * (after[0] - before[0]) / (after[1] - before[1])


def temperature_c(root: Path = ROOT) -> float | None:
    """The hottest zone; None where there is no sensor.

    :param root: Folder that stands for ``/``.
    """
    return _most(root, "sys/class/thermal/thermal_zone*/temp", 1000)


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


def _most(root: Path, pattern: str, per_unit: float) -> float | None:
    return max((value / per_unit for value in numbers(root, pattern)), default=None)
