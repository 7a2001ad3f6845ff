"""The built wheel, in an empty environment, with the network cut."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import CHIP, ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from the tracked tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT]
    subprocess.run([str(part) for part in command], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an empty environment with the wheel installed."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(pip, check=True)
    return venv / "bin"


def cut_network() -> list[str]:
    """Command prefix that runs a program without any network, where the system allows it."""
    prefix = ["unshare", "--map-root-user", "--net"]
    usable = shutil.which("unshare") and (
        subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    )
    return prefix if usable else []


def apart() -> dict[str, str]:
    """An environment in which an installed program does not see this checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(
        [*cut_network(), *map(str, command)],
        cwd=cwd,
        env=apart(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wheel_holds_the_bundle_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("manifest.json", "model.onnx", "tokenizer.json"):
        assert f"edge/models/minilm-l6/int8/{name}" in names
    assert "edge/models/minilm-l6/recipe.toml" in names
    assert "edge/digest.schema.json" in names
    assert {"edge/bench/episode.txt", "edge/bench/record.schema.json"} <= set(names)
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "seeds/"))]
    assert wheel.stat().st_size < 25e6


def test_the_wheel_holds_every_module(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in (ROOT / "edge", ROOT / "export" / "edge_export"):
        modules = {path.relative_to(package.parent).as_posix() for path in package.rglob("*.py")}
        assert modules and modules <= names


def test_it_digests_a_seed_without_network(installed: Path, tmp_path: Path) -> None:
    output = run(installed / "edge", "summarize", CHIP, "--format", "json", cwd=tmp_path)
    digest = json.loads(output)
    assert digest["coverage"]["words_read"] == digest["episode"]["n_words"] == 6436
    assert digest["key_points"]
    assert "golden sample agrees" in run(installed / "edge", "doctor", "--quick", cwd=tmp_path)


def test_the_door_opens_as_its_page_shows(installed: Path, tmp_path: Path) -> None:
    shutil.copy(CHIP, tmp_path / "episode.srt")
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    first = re.search(r"^```python\n(.*?)^```", page, flags=re.M | re.S)
    assert first is not None
    summary, best = run(installed / "python", "-c", first[1], cwd=tmp_path).splitlines()
    assert len(summary.split()) > 60 and best
    typed = (
        "import edge, pathlib; print((pathlib.Path(edge.__file__).parent / 'py.typed').exists())"
    )
    assert run(installed / "python", "-c", typed, cwd=tmp_path) == "True\n"


def test_it_times_itself_and_leaves_a_record(installed: Path, tmp_path: Path) -> None:
    case = ("--case", "cold words=1000", "--repeat", "1")
    output = run(installed / "edge", "bench", *case, "--record", "r.json", cwd=tmp_path)
    assert "cold minilm-l6-int8 1,000 words" in output
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["finished"] and record["cases"][0]["samples_ns"]


def test_no_workstation_package_was_installed(installed: Path, tmp_path: Path) -> None:
    listed = run(installed / "python", "-m", "pip", "list", "--format", "json", cwd=tmp_path)
    names = {package["name"].lower() for package in json.loads(listed)}
    assert not names & {"torch", "transformers", "optimum", "optimum-onnx", "onnx"}


def test_export_without_its_extra_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    assert "minilm-l6" in run(installed / "edge-export", "list", cwd=tmp_path)
    result = subprocess.run(
        [str(installed / "edge-export"), "build", "minilm-l6"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "pip install 'edge-insights[export]'" in result.stderr
