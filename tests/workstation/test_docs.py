"""The README's commands run, and what it shows is what comes out."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.records import Digest
from edge.render import to_markdown
from edge.transcript import REPAIR_DETAILS
from edge.version import __version__
from tests.conftest import ROOT, SEEDS

README = (ROOT / "README.md").read_text()
CI = (ROOT / ".ci" / "run").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.M | re.S)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
# `make` and its kin run this very file, or take an hour; .ci/run and other tests run them.
RUN_ELSEWHERE = (
    *("make", "pip install", ".venv/bin/edge-export build", "git clone", "cd "),
    *("edge models add", "edge models try"),  # tests/workstation/test_real_writers.py
    "edge summarize --kind abstractive",  # the same
)


def test_readme_has_commands_of_every_kind() -> None:
    assert "make demo" in COMMANDS
    assert "make test" in COMMANDS
    assert sum(command.startswith("edge ") for command in COMMANDS) >= 6


def test_ci_runs_the_readme_test_command() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^all: check test$", makefile, flags=re.M)
    assert re.search(r"^part make$", CI, flags=re.M)
    assert re.search(r"^part make demo$", CI, flags=re.M)


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith(RUN_ELSEWHERE)])
def test_readme_command(command: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    (tmp_path / "models").symlink_to(ROOT / "models")
    shutil.copy(SEEDS[0], tmp_path / "episode.srt")
    folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'export'}",
    }
    # The commands as a user with `edge` on the path types them.
    edge = f"{shlex.quote(sys.executable)} -m edge"
    line = re.sub(r"(^|[|&;]\s*)(?:\.venv-demo/bin/)?edge(?= )", rf"\g<1>{edge}", command)
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, f"{command}: {result.stderr}"


DEMO = "gradient-dissent_johannes-otterbach_whisper-timed"


def test_what_the_readme_shows_is_what_comes_out() -> None:
    """But for what differs by machine, a dozen lines of it there, and the whole beside it."""
    block = re.search(r"^```text\n(.*?)^```", README, flags=re.M | re.S)
    assert block is not None
    assert 12 <= len(block[1].splitlines()) <= 18
    example = (ROOT / "docs" / "examples" / f"{DEMO}.txt").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "edge", "summarize", str(ROOT / "seeds" / f"{DEMO}.txt")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    real = result.stdout.splitlines()
    for shown in (block[1], example):
        lines = [line for line in shown.splitlines() if line.strip() not in ("", "...")]
        same = sum(line in real for line in lines)
        # Another processor rounds INT8 otherwise and may choose another sentence here and there.
        assert same >= 0.8 * len(lines), [line for line in lines if line not in real]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_examples_are_what_comes_out(seed: Path, seed_digests: dict[str, Digest]) -> None:
    shown = (ROOT / "docs" / "examples" / f"{seed.stem}.md").read_text(encoding="utf-8")
    lines = [line for line in shown.splitlines()[1:] if line.strip()]
    real = to_markdown(seed_digests[seed.name]).splitlines()
    assert sum(line in real for line in lines) >= 0.8 * len(lines)


def test_changelog_and_version() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_every_repair_is_documented() -> None:
    formats = (ROOT / "docs" / "formats.md").read_text()
    for kind in REPAIR_DETAILS:
        assert f"`{kind}`" in formats


def test_docs_name_only_files_that_exist() -> None:
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_judged_sentences_are_those_the_table_counts() -> None:
    path = ROOT / "benchmarks" / "quality" / "judged.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    table = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    for name, is_shown in (("shown, both", True), ("not shown", False)):
        verdicts = [row["supported"] for row in rows if row["shown"] is is_shown]
        share = f"{sum(verdicts)} ({100 * sum(verdicts) / len(verdicts):.0f} %)"
        assert f"| {name} | {len(verdicts)} | {share} |" in table
