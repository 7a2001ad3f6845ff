"""Memory that is free inside the process goes back to the system, where the C library can."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Return what freed objects left behind.

    glibc keeps the holes between what lives on; after each part of a long episode they add up to
    more than the part itself. Other C libraries have no such call, and nothing happens.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # musl and macOS; Windows
        return
    trim(0)
