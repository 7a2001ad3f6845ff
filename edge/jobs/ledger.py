"""The ledger of an output folder: an entry for each content that was digested or is about to be.

An entry is written before its digest, with the name that the digest will have, and closed after
it: whoever stops this program at any moment, a power cut included, finds the same digest under
the same name when it is started again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edge.errors import OutputError
from edge.files import make_folder, write_atomically

LEDGER = ".edge-watch"
"""Folder inside the output, with a file for each content."""
BEGUN, DONE, FAILED = "begun", "done", "failed"


@dataclass(frozen=True)
class LedgerEntry:
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


class Ledger:
    """What became of every content, on disk.

    :param output: Folder of the digests, with the ledger's folder in it.
    :param suffix: Ending of every digest.
    :raises OutputError: If an entry cannot be read.
    """

    def __init__(self, output: Path, suffix: str) -> None:
        self._output = output
        self._suffix = suffix
        self._folder = output / LEDGER
        self._names = {entry.output for entry in self.entries()}
        """Of all digests there are or will be."""

    def entries(self) -> list[LedgerEntry]:
        """All entries.

        :raises OutputError: If one cannot be read.
        """
        contents = sorted(path.stem for path in self._folder.glob("*.json"))
        return [entry for entry in map(self.entry, contents) if entry]

    def entry(self, sha256: str) -> LedgerEntry | None:
        """The entry of a content; None if it is new.

        :param sha256: Of the content.
        :raises OutputError: If it cannot be read.
        """
        path = self._path(sha256)
        try:
            return LedgerEntry(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise OutputError(
                f"the entry {path} cannot be read: {error}",
                "Delete it; its transcript is digested again.",
            ) from error

    def claim(self, source: Path, sha256: str, before: LedgerEntry | None) -> LedgerEntry:
        """Begin a content: what was begun before goes on under the same name.

        :param source: The file it is in.
        :param sha256: Of the content.
        :param before: Its entry; None if it is new.
        :raises OutputError: If the entry cannot be written.
        """
        if before and before.status == BEGUN:
            entry = replace(before, source=source.name, attempts=before.attempts + 1)
        else:  # new, or it was put into quarantine and came again
            attempts = before.attempts + 1 if before else 1
            name = self._free_name(source, sha256)
            entry = LedgerEntry(sha256, source.name, name, BEGUN, attempts)
        return self._write(entry)

    def close_done(self, entry: LedgerEntry) -> LedgerEntry:
        """Note that a digest is written.

        :param entry: Of its content.
        :raises OutputError: If the entry cannot be written.
        """
        return self._write(replace(entry, status=DONE, detail=""))

    def close_failed(self, entry: LedgerEntry, quarantined: str, detail: str) -> LedgerEntry:
        """Note that a content cannot be digested; the name of its digest is free again.

        :param entry: Of the content.
        :param quarantined: Name of the file in the quarantine.
        :param detail: Why it failed.
        :raises OutputError: If the entry cannot be written.
        """
        self._names.discard(entry.output)
        return self._write(replace(entry, status=FAILED, output=quarantined, detail=detail))

    def _free_name(self, source: Path, sha256: str) -> str:
        """The digest's name: the file's own, unless another content has it."""
        name = f"{source.stem}{self._suffix}"
        if name in self._names or (self._output / name).exists():
            name = f"{source.stem}-{sha256[:8]}{self._suffix}"
        self._names.add(name)
        return name

    def _write(self, entry: LedgerEntry) -> LedgerEntry:
        text = json.dumps(asdict(entry), indent=1, ensure_ascii=False) + "\n"
        write_atomically(self._path(entry.sha256), text)
        return entry

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.json"


@contextmanager
def lock_output(output: Path) -> Iterator[None]:
    """Keep other programs from filling the same output folder.

    :param output: The folder, made if missing.
    :raises OutputError: If another program fills it, or it cannot be made.
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
