"""Files and folders that are written: whole or not at all, and never over what is read."""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import OutputError

PARTIAL = ".edge-partial"
"""Ending of a file that is being written."""


def require_distinct(source: Path, written: Path, option: str) -> None:
    """Refuse to write into a folder whose files are read as transcripts.

    :param source: The folder that is read.
    :param written: The folder that is written to.
    :param option: That gave it.
    :raises OutputError: If they are the same.
    """
    if source.resolve() == written.resolve():
        raise OutputError(
            f"{option} {written} is the folder of the transcripts",
            "What is written there would be read as one of them: give another folder.",
        )


def make_folder(folder: Path) -> None:
    """Make a folder for output, if it is missing.

    :param folder: The folder.
    :raises OutputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the output folder {folder}: {error.strerror or error}",
            "Give a folder you may write to with --output.",
        ) from error


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all.

    :param path: The file; replaced if it exists.
    :param text: Its content, written as UTF-8.
    :raises OutputError: If it cannot be written.
    """
    import tempfile  # a hundredth of a second that only batches need

    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(PARTIAL, f".{path.name}.", path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}",
            "Check the folder's permissions and the free space.",
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
