"""A folder whose transcripts become digests as they arrive; nothing lost, nothing done twice.

A file is told by its content. Its entry in the ledger is written before its digest, with the name
that the digest will have, and closed after it: whoever stops this program at any moment, a power
cut included, finds the same digest under the same name when it is started again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edge.errors import BundleError, EdgeError, InferenceError, OutputError
from edge.files import PARTIAL, make_folder, require_distinct, write_atomically
from edge.jobs.batch import TRANSCRIPT_SUFFIXES

LEDGER = ".edge-watch"
"""Folder inside the output, with an entry for each content."""
QUARANTINE = "quarantine"
BEGUN, DONE, FAILED = "begun", "done", "failed"

_NOT_THE_FILES_FAULT = (BundleError, InferenceError, OutputError)
"""These leave a file where it is: it is tried again."""

Render = Callable[[str], str]
"""Path of a transcript -> text of its digest."""


@dataclass(frozen=True)
class Entry:
    """What became of a content."""

    sha256: str
    source: str
    """Name of the file it was in."""
    output: str
    """Name of its digest, or in the quarantine."""
    status: str
    attempts: int = 1
    """How often it was begun: of those that end the program, the others are not kept waiting."""
    detail: str = ""
    """Why it failed."""


@dataclass(frozen=True)
class _Seen:
    """A file as it was looked at."""

    size_bytes: int
    mtime_ns: int
    since_s: float
    """When it was first seen so, on the clock that is given."""


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
        self._inbox = inbox
        self._output = output
        self._suffix = suffix
        self._render = render
        self._settle_s = settle_s
        self._quarantine = quarantine or output / QUARANTINE
        self._ledger = output / LEDGER
        if not inbox.is_dir():
            raise OutputError(f"{inbox} is no folder", "Give a folder that exists, to be watched.")
        require_distinct(inbox, output, "--output")
        require_distinct(inbox, self._quarantine, "--quarantine")
        for folder in (self._ledger, self._quarantine):
            make_folder(folder)
        self._remove_leftovers()
        self._names = {entry.output for entry in self.entries()}
        """Of all digests there are or will be."""
        self._seen: dict[Path, _Seen] = {}
        self._known: dict[Path, tuple[int, int, str]] = {}
        """File -> size, time of change, and content when it was last read."""

    def look(self, now_s: float | None = None) -> Iterator[Entry]:
        """Look once, and do what is new and whole.

        :param now_s: The time, on any clock that only goes forward; None for the system's.
        :return: What became of each new content, as it is done.
        :raises OutputError: If the output cannot be written: nothing is lost, and it can be tried
            again. So it is after the next two.
        :raises BundleError: If the model is damaged.
        :raises InferenceError: If the model fails.
        """
        now_s = time.monotonic() if now_s is None else now_s
        waiting = []
        for path in self._whole_files(now_s):
            sha256 = self._content(path)
            if not sha256:
                continue
            entry = self._entry(sha256)
            if entry is None or entry.status != DONE:
                waiting.append((entry.attempts if entry else 0, path, sha256, entry))
        taken: set[str] = set()
        for _, path, sha256, entry in sorted(waiting, key=lambda item: item[:2]):
            if sha256 not in taken:  # the same content under two names is done once
                taken.add(sha256)
                yield self._do(path, sha256, entry)

    @property
    def is_waiting(self) -> bool:
        """Whether a file is there that may not be whole yet."""
        return bool(self._seen)

    def _whole_files(self, now_s: float) -> list[Path]:
        """Transcripts that have not changed for a while."""
        whole, seen = [], {}
        for path in self._files():
            try:
                stat = path.stat()
            except OSError:  # gone again
                continue
            before = self._seen.get(path)
            known = self._known.get(path)
            if known and known[:2] == (stat.st_size, stat.st_mtime_ns):
                whole.append(path)
                continue
            if before and (before.size_bytes, before.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
                if now_s - before.since_s >= self._settle_s:
                    whole.append(path)
                    continue
                seen[path] = before
            else:
                seen[path] = _Seen(stat.st_size, stat.st_mtime_ns, now_s)
        self._seen = seen
        return whole

    def _files(self) -> list[Path]:
        try:
            children = sorted(self._inbox.iterdir())
        except OSError as error:
            raise OutputError(
                f"cannot read the folder {self._inbox}: {error.strerror or error}",
                "It is looked at again when the program is started again.",
            ) from error
        return [
            child
            for child in children
            if child.suffix.lower() in TRANSCRIPT_SUFFIXES
            and not child.name.startswith(".")
            and child.is_file()
        ]

    def _content(self, path: Path) -> str:
        """SHA-256 of a file; empty if it is gone."""
        try:
            stat = path.stat()
            known = self._known.get(path)
            if known and known[:2] == (stat.st_size, stat.st_mtime_ns):
                return known[2]
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise OutputError(
                f"cannot read {path}: {error.strerror or error}",
                "Check its permissions, or take it out of the folder.",
            ) from error
        self._known[path] = stat.st_size, stat.st_mtime_ns, sha256
        return sha256

    def _entry(self, sha256: str) -> Entry | None:
        try:
            return Entry(**json.loads((self._ledger / f"{sha256}.json").read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise OutputError(
                f"the entry {self._ledger / f'{sha256}.json'} cannot be read: {error}",
                "Delete it; its transcript is digested again.",
            ) from error

    def _write(self, entry: Entry) -> Entry:
        text = json.dumps(asdict(entry), indent=1, ensure_ascii=False) + "\n"
        write_atomically(self._ledger / f"{entry.sha256}.json", text)
        return entry

    def _do(self, path: Path, sha256: str, before: Entry | None) -> Entry:
        """One file: claim, digest, write, close."""
        if before and before.status == BEGUN:
            entry = replace(before, source=path.name, attempts=before.attempts + 1)
        else:  # new, or it was put away and came again
            attempts = before.attempts + 1 if before else 1
            name = self._free_name(path, sha256)
            entry = Entry(sha256, path.name, name, BEGUN, attempts)
        self._write(entry)
        try:
            text = self._render(str(path))
        except _NOT_THE_FILES_FAULT:
            raise
        except EdgeError as error:
            return self._put_away(path, replace(entry, detail=str(error)))
        write_atomically(self._output / entry.output, text)
        return self._write(replace(entry, status=DONE, detail=""))

    def _free_name(self, path: Path, sha256: str) -> str:
        """The digest's name: the file's own, unless another content has it."""
        name = f"{path.stem}{self._suffix}"
        if name in self._names or (self._output / name).exists():
            name = f"{path.stem}-{sha256[:8]}{self._suffix}"
        self._names.add(name)
        return name

    def entries(self) -> list[Entry]:
        """All of the ledger."""
        names = sorted(path.stem for path in self._ledger.glob("*.json"))
        return [entry for entry in map(self._entry, names) if entry]

    def _remove_leftovers(self) -> None:
        """Temporary files of a run that was killed while it wrote."""
        for folder in (self._output, self._ledger, self._quarantine):
            for path in folder.glob(f".*{PARTIAL}"):
                path.unlink(missing_ok=True)

    def _put_away(self, path: Path, entry: Entry) -> Entry:
        """Move a file that cannot be digested, the reason first: it never lies there without."""
        target = self._quarantine / path.name
        if target.exists():
            target = self._quarantine / f"{path.stem}-{entry.sha256[:8]}{path.suffix}"
        write_atomically(target.with_name(f"{target.name}.reason"), entry.detail + "\n")
        try:
            _move(path, target)
        except OSError as error:
            raise OutputError(
                f"cannot move {path} to {self._quarantine}: {error.strerror or error}",
                "Check the permissions of both folders.",
            ) from error
        self._names.discard(entry.output)
        return self._write(replace(entry, status=FAILED, output=target.name))


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


@contextmanager
def only_one(output: Path) -> Iterator[None]:
    """Hold an output folder, so that no two programs fill it.

    :param output: The folder, made if missing.
    :raises OutputError: If another one holds it, or it cannot be made.
    """
    make_folder(output / LEDGER)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (output / LEDGER / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                f"another 'edge watch' fills {output}",
                "Stop it, or give this one an --output of its own.",
            ) from error
        yield
