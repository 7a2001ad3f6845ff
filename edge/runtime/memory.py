"""What memory the process has, and how what is free inside it goes back to the system.

The latter are two calls of glibc; with other C libraries nothing happens.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1 << 18


def map_large_arrays() -> None:
    """Give large arrays mappings of their own from now on, which go back as they are freed.

    Where arrays of all sizes come and go for long, glibc's own rule, which makes "large" larger
    with each one freed, leaves holes of tens of megabytes. A twentieth slower.
    """
    _call("mallopt", _M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Return what small freed objects left behind."""
    _call("malloc_trim", 0)


def resident_bytes() -> int:
    """Memory this process has now."""
    return _status_bytes("VmRSS")


def peak_bytes() -> int:
    """The most memory this program had."""
    # Not what getrusage tells: that counts in what the process was before it became this program.
    return _status_bytes("VmHWM")


def _status_bytes(name: str) -> int:
    """A figure of the kernel's; where it has none, getrusage's peak, and 0 where that is none."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").split("\n"):
            if line.startswith(name):
                return int(line.split()[1]) << 10
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10  # Linux counts in KiB


def _call(name: str, *arguments: int) -> None:
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # musl and macOS; Windows
        return
    function(*arguments)
