"""A folder whose transcripts become digests as they arrive; nothing lost, nothing done twice.

A file is told by its content, whatever its name: ``edge.jobs.arrivals`` says which files are
whole, ``edge.jobs.ledger`` what became of each content.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.errors import BundleError, EdgeError, InferenceError, OutputError
from edge.files import PARTIAL, make_folder, require_distinct, write_atomically
from edge.jobs.arrivals import Arrivals
from edge.jobs.ledger import DONE, LEDGER, Ledger, LedgerEntry

QUARANTINE = "quarantine"

_NOT_THE_FILES_FAULT = (BundleError, InferenceError, OutputError)
"""These leave a file where it is: it is tried again."""

Render = Callable[[str], str]
"""Path of a transcript -> text of its digest."""


class Inbox:
    """The folder that is watched.

    :param inbox: Transcripts come here, and stay.
    :param output: Digests go here.
    :param suffix: Ending of every digest.
    :param render: Makes a digest.
    :param settle_s: A file that has not changed for so long is whole.
    :param quarantine: Where files go that cannot be read; None for a folder inside the output.
    :raises OutputError: If a folder is missing, cannot be made, or is the inbox too.
    """

    def __init__(
        self,
        inbox: Path,
        output: Path,
        suffix: str,
        render: Render,
        settle_s: float,
        quarantine: Path | None = None,
    ) -> None:
        self._output = output
        self._render = render
        self._quarantine = quarantine or output / QUARANTINE
        if not inbox.is_dir():
            raise OutputError(f"{inbox} is no folder", "Give a folder that exists, to be watched.")
        require_distinct(inbox, output, "--output")
        require_distinct(inbox, self._quarantine, "--quarantine")
        for folder in (output / LEDGER, self._quarantine):
            make_folder(folder)
        for folder in (output, output / LEDGER, self._quarantine):
            _remove_leftovers(folder)
        self._arrivals = Arrivals(inbox, settle_s)
        self.ledger = Ledger(output, suffix)

    @property
    def is_waiting(self) -> bool:
        """Whether a file is there that may not be whole yet."""
        return self._arrivals.is_waiting

    def digest_new(self, now_s: float | None = None) -> Iterator[LedgerEntry]:
        """Look into the folder once, and digest what is new and whole.

        :param now_s: The time, on any clock that only goes forward; None for the system's.
        :return: What became of each new content, as it is done.
        :raises OutputError: If the output cannot be written: nothing is lost, and it can be tried
            again. So it is after the next two.
        :raises BundleError: If the model is damaged.
        :raises InferenceError: If the model fails.
        """
        now_s = time.monotonic() if now_s is None else now_s
        new: dict[str, tuple[Path, LedgerEntry | None]] = {}
        for path in self._arrivals.settled(now_s):
            sha256 = self._arrivals.sha256(path)
            if not sha256 or sha256 in new:  # gone; the same content under two names is done once
                continue
            entry = self.ledger.entry(sha256)
            if entry is None or entry.status != DONE:
                new[sha256] = (path, entry)
        # Those that were begun less often come first; the sort keeps the order of the names.
        for sha256, (path, before) in sorted(new.items(), key=_n_attempts):
            yield self._digest(path, sha256, before)

    def _digest(self, path: Path, sha256: str, before: LedgerEntry | None) -> LedgerEntry:
        """Claim, digest, write, close: each step can be the last one."""
        entry = self.ledger.claim(path, sha256, before)
        try:
            text = self._render(str(path))
        except _NOT_THE_FILES_FAULT:
            raise
        except EdgeError as error:
            quarantined = self._put_into_quarantine(path, sha256, str(error))
            return self.ledger.close_failed(entry, quarantined, str(error))
        write_atomically(self._output / entry.output, text)
        return self.ledger.close_done(entry)

    def _put_into_quarantine(self, path: Path, sha256: str, reason: str) -> str:
        """Move a file, its reason first: it never lies there without. Its name there."""
        target = self._quarantine / path.name
        if target.exists():
            target = self._quarantine / f"{path.stem}-{sha256[:8]}{path.suffix}"
        write_atomically(target.with_name(f"{target.name}.reason"), reason + "\n")
        try:
            _move(path, target)
        except OSError as error:
            raise OutputError(
                f"cannot move {path} to {self._quarantine}: {error.strerror or error}",
                "Check the permissions of both folders.",
            ) from error
        return target.name


def _n_attempts(item: tuple[str, tuple[Path, LedgerEntry | None]]) -> int:
    _, (_, entry) = item
    return entry.attempts if entry else 0


def _remove_leftovers(folder: Path) -> None:
    """Delete temporary files of a run that was killed while it wrote."""
    for path in folder.glob(f".*{PARTIAL}"):
        path.unlink(missing_ok=True)


def _move(path: Path, target: Path) -> None:
    """Rename, or across file systems copy whole and then delete."""
    try:
        path.replace(target)
    except OSError:
        partial = target.with_name(f".{target.name}{PARTIAL}")
        shutil.copyfile(path, partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
        path.unlink()
