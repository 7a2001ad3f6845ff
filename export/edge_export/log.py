"""Where long steps say what they do."""

from __future__ import annotations

from collections.abc import Callable

Log = Callable[[str], None]
"""Told of each step in a line; the commands print it to stderr."""


def no_log(message: str) -> None:
    """A log for whoever does not want to know.

    :param message: A line.
    """
