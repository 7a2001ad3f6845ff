"""A ceiling on memory: held on the largest seed, or refused before work starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import edge.device.memory_limit
import edge.runtime.memory
from edge.__main__ import main
from edge.bench.episode import make_transcript
from edge.bundles.manifest import read_bundle
from edge.bundles.store import find_bundle
from edge.device.memory_limit import BATCH_SIZES, MIB, MemoryLimit
from edge.errors import MemoryLimitError
from tests.conftest import CHIP, ROOT

# A process counts to its peak what it shared with its parent, and a test's process is large: so a
# small one stands between.
SMALL_PARENT = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps([done.returncode, peak, done.stdout, done.stderr]))
"""


def digest(path: Path, *options: str) -> tuple[int, int, str, str]:
    """Exit code, peak memory, output and complaints of the command in a process of its own."""
    command = [sys.executable, "-m", "edge", "summarize", str(path), "--format", "json", *options]
    result = subprocess.run(
        [sys.executable, "-c", SMALL_PARENT, *command], cwd=ROOT, capture_output=True, text=True
    )
    code, peak, output, errors = json.loads(result.stdout)
    return code, peak, output, errors


def seeds_by_size() -> list[Path]:
    return sorted((ROOT / "seeds").glob("*.txt"), key=lambda path: path.stat().st_size)


@pytest.mark.slow
@pytest.mark.parametrize("mebibytes", [192, 256, 512])
def test_the_largest_seed_fits(mebibytes: int) -> None:
    largest = seeds_by_size()[-1]
    code, peak, output, errors = digest(largest, "--max-rss", f"{mebibytes}M", "--threads", "4")
    assert code == 0, errors
    assert peak <= mebibytes * MIB
    assert "took" not in errors
    assert json.loads(output)["coverage"]["words_read"] > 5000


@pytest.mark.slow
def test_a_tight_ceiling_is_held_with_smaller_batches() -> None:
    free = digest(CHIP, "--threads", "4")[1]
    code, peak, _, errors = digest(CHIP, "--threads", "4", "--max-rss", "148M")
    assert code == 0, errors
    assert peak <= 148 * MIB < free


@pytest.mark.slow
def test_one_episode_after_the_other_gets_as_much(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_bytes(CHIP.read_bytes())
    options = ["--output", str(output), "--max-rss", "160M", "--threads", "4", "--verbose"]
    code, peak, _, errors = digest(folder, *options)
    assert code == 0, errors
    assert peak <= 160 * MIB
    shares = re.findall(r"\d+ threads, \d+ tokens a batch", errors)
    assert len(shares) == 4 and len(set(shares)) == 1, errors


def test_what_cannot_fit_is_refused_before_work_starts() -> None:
    code, _, output, errors = digest(CHIP, "--max-rss", "40M")
    assert (code, output) == (1, "")
    assert "loading minilm-l6-int8 takes about" in errors
    assert "--max-rss allows 40 MiB" in errors and "Traceback" not in errors


def test_a_writer_that_cannot_fit_is_refused_or_left_out(tmp_path: Path) -> None:
    bundle = read_bundle(ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32")
    with pytest.raises(MemoryLimitError, match="loading tiny-llama-fp32"):
        MemoryLimit(edge.runtime.memory.resident_bytes() + 20 * MIB).check_load(bundle)


def test_shares_shrink_with_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.device.memory_limit, "peak_bytes", lambda: 120 * MIB)
    monkeypatch.setattr(edge.device.memory_limit, "resident_bytes", lambda: 115 * MIB)
    shares = []
    for limit in range(500, 100, -1):
        try:
            shares.append(MemoryLimit(limit * MIB).plan(8000, 4))
        except MemoryLimitError as error:
            assert "an episode of 8,000 words takes about" in str(error)
            break
    assert (shares[0].threads, shares[0].batch_tokens) == (4, BATCH_SIZES[0])
    assert (shares[-1].threads, shares[-1].batch_tokens) == (1, BATCH_SIZES[-1])
    sizes = [(share.batch_tokens, share.threads) for share in shares]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) >= 5


def test_a_longer_episode_needs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.device.memory_limit, "peak_bytes", lambda: 120 * MIB)
    monkeypatch.setattr(edge.device.memory_limit, "resident_bytes", lambda: 115 * MIB)
    ceiling = MemoryLimit(185 * MIB)
    assert ceiling.plan(1000, 4).threads * ceiling.plan(1000, 4).batch_tokens > (
        ceiling.plan(15_000, 4).threads * ceiling.plan(15_000, 4).batch_tokens
    )


def test_the_kernel_tells_what_there_is() -> None:
    assert 10 * MIB < edge.runtime.memory.resident_bytes() <= edge.runtime.memory.peak_bytes() + MIB


def test_sizes_are_read() -> None:
    from edge.cli.options import Bytes

    read = Bytes().convert
    assert read("256M", None, None) == read("256MiB", None, None) == 256 * MIB
    assert read("1.5G", None, None) == 1536 * MIB
    assert read("1000", None, None) == 1000
    for bad in ("", "M", "-5M", "many", "nan"):
        with pytest.raises(Exception, match="is no amount"):
            read(bad, None, None)


def test_the_default_model_and_a_long_episode(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text(make_transcript(3000))
    assert find_bundle().id == "minilm-l6-int8"
    code, peak, _, errors = digest(path, "--max-rss", "256M")
    assert code == 0 and peak < 256 * MIB, errors


def test_the_bench_keeps_records_and_refuses(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    options = ["--repeat", "1", "--quiet", "--record", str(path), "--max-rss"]
    cases = ["--case", "stream words=500 threads=1", "--case", "cold words=500 threads=1"]
    done = CliRunner().invoke(main, ["bench", *cases, *options, "256M"])
    assert done.exit_code == 0, done.output
    assert "in 256 MiB" in done.stdout
    for case in json.loads(path.read_text())["cases"]:
        assert case["max_rss_bytes"] == 256 << 20
        assert not any("were allowed" in reason for reason in case["invalid_reasons"])
    refused = CliRunner().invoke(main, ["bench", *cases[:2], *options, "60M"])
    assert refused.exit_code == 1
    assert "loading minilm-l6-int8 takes about" in refused.stderr
