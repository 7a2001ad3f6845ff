"""A watched folder: every transcript once, whatever happens in between."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import edge.files
import edge.jobs.ledger
import edge.jobs.watch
from edge.bench.episode import make_transcript
from edge.errors import InferenceError, OutputError, TranscriptError
from edge.files import PARTIAL
from edge.jobs.ledger import DONE, FAILED, LEDGER, lock_output
from edge.jobs.watch import Inbox
from tests.conftest import ROOT

KILL_ROUNDS = int(os.environ.get("EDGE_KILL_ROUNDS", "8"))
"""100 were run when this was written (docs/boards.md)."""


def shout(source: str) -> str:
    """Stands for a digest where it is not what the test is about."""
    text = Path(source).read_text()
    if text.startswith("bad"):
        raise TranscriptError("no words in it", "Give words.")
    return text.upper()


class Folders:
    def __init__(self, base: Path) -> None:
        self.inbox, self.output = base / "in", base / "out"
        self.inbox.mkdir()
        self.now_s = 0.0

    def open(self, render: Callable[[str], str] = shout) -> Inbox:
        return Inbox(self.inbox, self.output, ".txt", render, settle_s=5)

    def look(self, watched: Inbox, after_s: float = 10) -> list[str]:
        self.now_s += after_s
        return [f"{entry.status} {entry.source}" for entry in watched.digest_new(self.now_s)]

    def digests(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.output.glob("*.txt"))}

    def leftovers(self) -> list[str]:
        hidden = [p for p in self.output.rglob(".*") if p.name != LEDGER]
        return [p.name for p in hidden]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_files_that_come_become_digests_once(folders: Folders) -> None:
    watched = folders.open()
    (folders.inbox / "a.txt").write_text("one")
    assert folders.look(watched) == []  # it may still grow
    assert watched.is_waiting
    assert folders.look(watched) == ["done a.txt"]
    assert not watched.is_waiting
    assert folders.look(watched) == []
    (folders.inbox / "same.txt").write_text("one")
    (folders.inbox / "b.txt").write_text("two")
    folders.look(watched)
    assert folders.look(watched) == ["done b.txt"]
    assert folders.digests() == {"a.txt": "ONE", "b.txt": "TWO"}


def test_the_same_content_twice_at_once_is_done_once(folders: Folders) -> None:
    for name in ("a.txt", "b.txt"):
        (folders.inbox / name).write_text("one")
    watched = folders.open()
    folders.look(watched)
    assert folders.look(watched) == ["done a.txt"]
    assert folders.look(watched) == []


def test_a_file_that_grows_is_waited_for(folders: Folders) -> None:
    watched = folders.open()
    path = folders.inbox / "a.txt"
    for n_parts in range(1, 5):
        path.write_text("part " * n_parts)
        assert folders.look(watched, after_s=4) == []
    assert folders.look(watched, after_s=4) == []
    assert folders.look(watched, after_s=4) == ["done a.txt"]
    assert folders.digests() == {"a.txt": "PART PART PART PART "}


def test_another_content_under_a_known_name_does_not_overwrite(folders: Folders) -> None:
    watched = folders.open()
    (folders.inbox / "a.txt").write_text("one")
    folders.look(watched)
    folders.look(watched)
    (folders.inbox / "a.txt").write_text("other")
    folders.look(watched)
    assert folders.look(watched) == ["done a.txt"]
    assert sorted(folders.digests().values()) == ["ONE", "OTHER"]
    assert folders.digests()["a.txt"] == "ONE"


def test_a_digest_that_was_there_before_is_left_alone(folders: Folders) -> None:
    folders.output.mkdir()
    (folders.output / "a.txt").write_text("somebody's")
    watched = folders.open()
    (folders.inbox / "a.txt").write_text("one")
    folders.look(watched)
    folders.look(watched)
    assert folders.digests()["a.txt"] == "somebody's"
    assert "ONE" in folders.digests().values()


def test_a_bad_file_is_put_away_with_the_reason(folders: Folders) -> None:
    watched = folders.open()
    for name, text in (("x.txt", "bad one"), ("y.txt", "good")):
        (folders.inbox / name).write_text(text)
    folders.look(watched)
    assert folders.look(watched) == ["failed x.txt", "done y.txt"]
    quarantine = folders.output / "quarantine"
    assert (quarantine / "x.txt").read_text() == "bad one"
    assert (quarantine / "x.txt.reason").read_text() == "no words in it\n  Give words.\n"
    assert [path.name for path in folders.inbox.iterdir()] == ["y.txt"]
    (folders.inbox / "x.txt").write_text("bad two")  # another of the same name
    folders.look(watched)
    assert folders.look(watched) == ["failed x.txt"]
    assert sorted(p.read_text() for p in quarantine.glob("*.txt")) == ["bad one", "bad two"]


def test_a_file_that_was_put_away_may_come_again(folders: Folders) -> None:
    is_strict = [True]

    def render(source: str) -> str:
        if is_strict[0]:
            raise TranscriptError("not as it should be")
        return shout(source)

    watched = folders.open(render)
    for expected in ("failed a.txt", "done a.txt"):
        (folders.inbox / "a.txt").write_text("one")
        folders.look(watched)
        assert folders.look(watched) == [expected]
        is_strict[0] = False
    assert folders.digests() == {"a.txt": "ONE"}
    assert len(watched.ledger.entries()) == 1


def test_a_model_that_fails_is_no_fault_of_the_files(folders: Folders) -> None:
    fails = [True]

    def render(source: str) -> str:
        if fails[0] and source.endswith("a.txt"):
            raise InferenceError("the model failed")
        return shout(source)

    watched = folders.open(render)
    for name in ("a.txt", "b.txt"):
        (folders.inbox / name).write_text(name)
    folders.look(watched)
    with pytest.raises(InferenceError):
        folders.look(watched)
    with pytest.raises(InferenceError):  # the others are not kept waiting by it
        folders.look(watched)
    assert folders.digests() == {"b.txt": "B.TXT"}
    assert sorted(path.name for path in folders.inbox.iterdir()) == ["a.txt", "b.txt"]
    fails[0] = False
    assert folders.look(watched) == ["done a.txt"]


def test_hidden_files_and_others_are_no_transcripts(folders: Folders) -> None:
    watched = folders.open()
    for name in (".a.txt", "a.mp3", "a.txt.part"):
        (folders.inbox / name).write_text("x")
    folders.look(watched)
    assert folders.look(watched) == []


class Killed(BaseException):
    """As sudden as a signal that cannot be caught."""


@pytest.mark.parametrize("after_write", [False, True])
def test_it_goes_on_after_being_killed_at_any_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_write: bool
) -> None:
    write = edge.files.write_atomically
    modules = (edge.jobs.ledger, edge.jobs.watch)
    for fatal in range(9):  # three files: claim, digest or reason, end
        (tmp_path / str(fatal)).mkdir()
        folders = Folders(tmp_path / str(fatal))
        for name in ("a", "bad", "c"):
            (folders.inbox / f"{name}.txt").write_text(name)
        count = iter(range(100))

        def killed(path: Path, text: str, count=count, fatal=fatal) -> None:  # type: ignore[no-untyped-def]
            n = next(count)
            if n == fatal and not after_write:
                raise Killed
            write(path, text)
            if n == fatal:
                raise Killed

        for module in modules:
            monkeypatch.setattr(module, "write_atomically", killed)
        watched = folders.open()
        folders.look(watched)
        with pytest.raises(Killed):
            folders.look(watched)
        for module in modules:
            monkeypatch.setattr(module, "write_atomically", write)
        again = folders.open()
        folders.look(again)
        folders.look(again)
        assert folders.digests() == {"a.txt": "A", "c.txt": "C"}
        quarantine = folders.output / "quarantine"
        assert sorted(p.name for p in quarantine.iterdir()) == ["bad.txt", "bad.txt.reason"]
        assert not folders.leftovers()


def test_what_ends_the_program_does_not_keep_the_others_waiting(folders: Folders) -> None:
    def render(source: str) -> str:
        if source.endswith("a.txt"):
            raise Killed
        return shout(source)

    for name in ("a.txt", "b.txt"):
        (folders.inbox / name).write_text(name)
    for _ in range(2):
        watched = folders.open(render)
        folders.look(watched)
        with pytest.raises(Killed):
            folders.look(watched)
    assert folders.digests() == {"b.txt": "B.TXT"}


def test_half_written_files_of_a_killed_run_are_taken_away(folders: Folders) -> None:
    folders.open()
    hidden = {folders.output / ".bashrc", folders.output / "quarantine" / ".a.txt.kept"}
    for folder in (folders.output, folders.output / LEDGER, folders.output / "quarantine"):
        (folder / f".a.txt.x1{PARTIAL}").write_text("half")
    for path in hidden:
        path.write_text("somebody's own")
    folders.open()
    assert {path for path in folders.output.rglob(".*") if path.name != LEDGER} == hidden


def test_files_of_a_killed_write_are_told_by_their_names(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, target: Path) -> None:
        raise Killed

    watched = folders.open()
    (folders.inbox / "a.txt").write_text("one")
    folders.look(watched)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", killed)
        folders.look(watched)
    assert folders.leftovers()
    folders.open()
    assert not folders.leftovers()


@pytest.mark.parametrize("option", ["--output", "--quarantine"])
def test_nothing_is_written_among_the_transcripts(folders: Folders, option: str) -> None:
    output = folders.inbox if option == "--output" else folders.output
    quarantine = folders.inbox / "." if option == "--quarantine" else None
    with pytest.raises(OutputError, match=f"{option} .* is the folder of the transcripts"):
        Inbox(folders.inbox, output, ".txt", shout, 1, quarantine)


def test_a_damaged_entry_is_named(folders: Folders) -> None:
    folders.open()
    (folders.output / LEDGER / f"{'0' * 64}.json").write_text("{")
    with pytest.raises(OutputError, match="Delete it"):
        folders.open()


def test_two_programs_do_not_fill_one_folder(folders: Folders) -> None:
    held = pytest.raises(OutputError, match="another 'edge watch'")
    with lock_output(folders.output), held, lock_output(folders.output):
        pass
    with lock_output(folders.output):
        pass


def test_an_inbox_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is no folder"):
        Inbox(tmp_path / "none", tmp_path / "out", ".txt", shout, 1)


# The command itself.


def command(folders: Folders, *options: str) -> list[str]:
    own = [sys.executable, "-m", "edge", "watch", str(folders.inbox), "--output"]
    return [*own, str(folders.output), "--every", "0.1s", "--settle", "0.1s", *options]


def episode(number: int) -> str:
    """A short transcript like no other."""
    return make_transcript(120).replace(" and ", f" and number {number} ")


def statuses(folders: Folders) -> Counter[str]:
    entries = (folders.output / LEDGER).glob("*.json")
    return Counter(json.loads(path.read_text())["status"] for path in entries)


def test_the_command_digests_what_is_there_and_ends(folders: Folders) -> None:
    (folders.inbox / "one.txt").write_text(episode(1))
    (folders.inbox / "empty.txt").write_text("")
    done = subprocess.run(command(folders, "--once"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "Error: files that could not be digested: 1" in done.stderr
    assert "   done  one.txt -> one.json" in done.stderr
    assert " failed  empty.txt: " in done.stderr
    assert json.loads((folders.output / "one.json").read_text())["summary"]["sentences"]
    assert statuses(folders) == {DONE: 1, FAILED: 1}
    again = subprocess.run(command(folders, "--once"), cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_kill_9_at_random_loses_and_doubles_nothing(folders: Folders) -> None:
    draw = random.Random(1)
    written = 0
    kills = 0
    for _ in range(KILL_ROUNDS):
        process = subprocess.Popen(
            command(folders, "--quiet"), cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for _ in range(draw.randint(1, 2)):  # they come while it is at work
            time.sleep(draw.random() * 0.6)
            partial = folders.inbox / f"episode{written}.part"
            partial.write_text(episode(written))
            partial.rename(folders.inbox / f"episode{written}.txt")
            written += 1
        time.sleep(draw.random() * 1.0)
        assert process.poll() is None, process.stderr and process.stderr.read()
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills == KILL_ROUNDS
    before = {p.name: p.read_bytes() for p in folders.output.glob("*.json")}
    last = subprocess.run(command(folders, "--once"), cwd=ROOT, capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    names = sorted(path.name for path in folders.output.glob("*.json"))
    assert names == sorted(f"episode{n}.json" for n in range(written))
    for name in names:
        digest = json.loads((folders.output / name).read_text())
        assert Path(digest["episode"]["source_path"]).stem == Path(name).stem
        assert name not in before or before[name] == (folders.output / name).read_bytes()
    assert statuses(folders) == {DONE: written}
    assert not folders.leftovers()
    assert not list((folders.output / "quarantine").iterdir())
