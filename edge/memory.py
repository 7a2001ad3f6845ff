"""Memory that is free inside the process goes back to the system, where the C library can.

These are two calls of glibc; with other C libraries nothing happens.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1 << 18


def keep_apart() -> None:
    """Give large arrays mappings of their own from now on, which go back as they are freed.

    Where arrays of all sizes come and go for long, glibc's own rule, which makes "large" larger
    with each one freed, leaves holes of tens of megabytes. A twentieth slower.
    """
    _call("mallopt", _M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Return what small freed objects left behind."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # musl and macOS; Windows
        return
    function(*arguments)
