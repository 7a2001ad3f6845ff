from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from edge.bundles.store import HOME_VARIABLE, find_bundle
from edge.pipeline import digest_transcript
from edge.records import Digest
from edge.runtime.encoder import Encoder
from edge.transcript import read_transcript

ROOT = Path(__file__).parent.parent
SEEDS = sorted((ROOT / "seeds").glob("*.txt"))
CHIP = ROOT / "seeds" / "gradient-dissent_chip-huyen_whisper-timed.txt"
NEED_TORCH = frozenset({"workstation", "emulated"})
"""Folders of tests that need the export extra; on a device they are not even imported."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if collection_path.name in NEED_TORCH and find_spec("torch") is None else None


def pytest_report_header() -> str | None:
    if find_spec("torch") is None:
        return f"not collected, since torch is not installed: {', '.join(sorted(NEED_TORCH))}"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if NEED_TORCH.intersection(item.path.parts):
            item.add_marker(pytest.mark.export)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has its own folder of added models."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return home


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The real embedded model."""
    return Encoder(find_bundle(), threads=2)


@pytest.fixture(scope="session")
def seed_digests(encoder: Encoder) -> dict[str, Digest]:
    """The digest of every seed, by file name."""
    return {path.name: digest_transcript(read_transcript(path), encoder) for path in SEEDS}
