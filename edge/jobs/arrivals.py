"""Transcripts that arrive in a folder: which are whole, and what is in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edge.errors import OutputError
from edge.jobs.batch import TRANSCRIPT_SUFFIXES


@dataclass(frozen=True)
class _Stamp:
    """By what a change of a file is told."""

    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> _Stamp:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


class Arrivals:
    """The transcripts directly in a folder.

    :param folder: The folder.
    :param settle_s: A file that has not changed for so long is whole.
    """

    def __init__(self, folder: Path, settle_s: float) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._unsettled: dict[Path, tuple[_Stamp, float]] = {}
        """File -> as it was looked at, and when it was first seen so."""
        self._hashed: dict[Path, tuple[_Stamp, str]] = {}
        """File -> as it was when it was read, and the SHA-256 of its content."""

    @property
    def is_waiting(self) -> bool:
        """Whether a file was there that may not be whole yet."""
        return bool(self._unsettled)

    def settled(self, now_s: float) -> list[Path]:
        """Files that are whole: read before, or seen unchanged for long enough.

        :param now_s: The time, on any clock that only goes forward.
        :raises OutputError: If the folder cannot be read.
        """
        settled, unsettled = [], {}
        for path in self._transcripts():
            try:
                stamp = _Stamp.of(path)
            except OSError:  # gone again
                continue
            hashed_stamp, _ = self._hashed.get(path, (None, ""))
            seen_stamp, since_s = self._unsettled.get(path, (None, now_s))
            is_old = stamp == seen_stamp and now_s - since_s >= self._settle_s
            if stamp == hashed_stamp or is_old:
                settled.append(path)
            else:
                unsettled[path] = (stamp, since_s if stamp == seen_stamp else now_s)
        self._unsettled = unsettled
        return settled

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file's content, read where it changed; empty if the file is gone.

        :param path: The file.
        :raises OutputError: If it cannot be read.
        """
        try:
            stamp = _Stamp.of(path)
            hashed_stamp, sha256 = self._hashed.get(path, (None, ""))
            if stamp == hashed_stamp:
                return sha256
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise OutputError(
                f"cannot read {path}: {error.strerror or error}",
                "Check its permissions, or take it out of the folder.",
            ) from error
        self._hashed[path] = (stamp, sha256)
        return sha256

    def _transcripts(self) -> list[Path]:
        try:
            children = sorted(self._folder.iterdir())
        except OSError as error:
            raise OutputError(
                f"cannot read the folder {self._folder}: {error.strerror or error}",
                "It is looked at again when the program is started again.",
            ) from error
        return [
            child
            for child in children
            if child.suffix.lower() in TRANSCRIPT_SUFFIXES
            and not child.name.startswith(".")
            and child.is_file()
        ]
