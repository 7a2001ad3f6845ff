"""What the kernel tells of this machine, as the files below ``/proc`` and ``/sys``.

Every path is below a root, so that tests can lay out a board's files of their own.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def read(path: Path) -> str | None:
    """What a file says, without the ends of its lines; None where it says nothing or is not there.

    :param path: The file.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\0\n ") or None
    except OSError:
        return None


def numbers(root: Path, pattern: str) -> Iterator[float]:
    """The number in each file that holds one.

    :param root: Folder that stands for ``/``.
    :param pattern: Of the files, below it.
    """
    for path in sorted(root.glob(pattern)):
        try:
            yield float(read(path) or "")
        except ValueError:
            continue


def meminfo(root: Path = ROOT) -> dict[str, int]:
    """``/proc/meminfo`` in bytes.

    :param root: Folder that stands for ``/``.
    """
    amounts = {}
    for key, value in _pairs(root / "proc/meminfo"):
        if value.endswith(" kB"):
            amounts[key] = int(value.split()[0]) * 1024
    return amounts


def cpu_model(root: Path = ROOT) -> str:
    """The processor's name; ``unknown`` where nothing tells it.

    :param root: Folder that stands for ``/``.
    """
    names = _cpuinfo(root, ("model name", "Model", "Hardware"))
    return next(names, None) or platform.processor() or "unknown"


def cpu_flags(root: Path = ROOT) -> frozenset[str]:
    """Instruction sets of the first core, by the names Linux gives them.

    :param root: Folder that stands for ``/``.
    """
    return frozenset(next(_cpuinfo(root, ("flags", "Features")), "").split())


def cpu_ticks(root: Path = ROOT) -> tuple[int, int] | None:
    """Ticks at work and in all, of all cores together, since the start (``/proc/stat``).

    :param root: Folder that stands for ``/``.
    """
    fields = (read(root / "proc/stat") or "").split("\n")[0].split()
    if len(fields) < 6 or fields[0] != "cpu":
        return None
    ticks = [int(field) for field in fields[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # idle, and waiting for a disk


def _cpuinfo(root: Path, keys: tuple[str, ...]) -> Iterator[str]:
    return (value for key, value in _pairs(root / "proc/cpuinfo") if key in keys)


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Key and value of each line that has both."""
    for line in (read(path) or "").split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), value.strip()
