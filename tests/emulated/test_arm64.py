"""The offline kit for a Raspberry Pi 4, run on an emulated core of one: ``make test-arm64``.

The real aarch64 wheels of the device dependencies and our own, under qemu's user mode with the
instructions of a Cortex-A72. Emulation says whether it works and what comes out, never how fast.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edge_export.kit import DEVICES, build_kit
from onnx import TensorProto, helper, numpy_helper

from edge.bench.episode import make_transcript
from edge.bundles.store import find_bundle
from edge.runtime.encoder import Encoder
from tests.conftest import ROOT

FOLDER = Path(os.environ.get("EDGE_ARM64", ROOT / "build" / "arm64"))
pytestmark = pytest.mark.skipif(
    not (FOLDER / "ready").exists(), reason="the emulator is not here: make test-arm64 fetches it"
)
CORES = {"pi4": "cortex-a72", "pi5": "cortex-a76"}
"""cortex-a76 has the dot-product instructions, which choose other INT8 kernels."""
SENTENCES = [
    "We halved the time that an inference takes, and the product breaks even.",
    "A metric without a baseline means nothing.",
    "Real data is messy.",
    "They deploy it to boards, phones and cars, and nobody has the tools for that yet.",
]
MOST_COSINE_DISTANCE = 2e-2
MAX_INSTALLED_MB = 150


def emulated_cores() -> list[str]:
    """Those that this qemu knows."""
    known = subprocess.run(
        [FOLDER / "qemu/usr/bin/qemu-aarch64-static", "-cpu", "help"],
        capture_output=True,
        text=True,
    ).stdout
    return [core for core in CORES.values() if re.search(rf"\b{core}\b", known)]


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit, unpacked."""
    folder = tmp_path_factory.mktemp("kit")
    made = build_kit(DEVICES["pi4"], [], folder / "kit.tar")
    with tarfile.open(made.path) as archive:
        archive.extractall(folder)
    print(f"kit: {made.size_bytes / 1e6:.1f} MB")
    return folder / made.name


@pytest.fixture(scope="module")
def site(kit: Path) -> Path:
    """What the kit installs: its wheels, unpacked as pip does."""
    target = kit.parent / "site"
    for wheel in sorted((kit / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    return target


def run(core: str, site: Path, *arguments: str | Path) -> str:
    command = [FOLDER / "qemu/usr/bin/qemu-aarch64-static", "-cpu", core, "-L", FOLDER / "root"]
    command += [FOLDER / "root/usr/bin/python3", *arguments]
    environment = {
        "PYTHONPATH": str(site),
        "PYTHONHOME": str(FOLDER / "root/usr"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.environ["PATH"],
        "HOME": str(site.parent),
        "LC_ALL": "C.UTF-8",
    }
    result = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment, cwd=site.parent
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


VECTORS = """
import json, platform, sys
from edge.device.golden import encoder_agreement
from edge.runtime.encoder import Encoder
from edge.bundles.store import find_bundle
encoder = Encoder(find_bundle(), 1)
print(json.dumps({
    "machine": platform.machine(),
    "golden": encoder_agreement(encoder).value,
    "vectors": encoder.encode(json.loads(sys.argv[1])).tolist(),
}))
"""


@pytest.fixture(scope="module", params=sorted(CORES.values()))
def core(request: pytest.FixtureRequest) -> str:
    if request.param not in emulated_cores():
        pytest.skip(f"this qemu does not know {request.param}")
    return str(request.param)


def test_the_golden_sample_holds_and_vectors_are_those_of_x86(core: str, site: Path) -> None:
    found: dict[str, Any] = json.loads(run(core, site, "-c", VECTORS, json.dumps(SENTENCES)))
    assert found["machine"] == "aarch64"
    encoder = Encoder(find_bundle(), 1)
    golden = encoder.bundle.manifest.golden
    assert golden is not None and found["golden"] >= golden.min_cosine
    cosines = (np.array(found["vectors"]) * encoder.encode(SENTENCES)).sum(axis=1)
    print(f"{core}: golden {found['golden']:.4f}, least cosine to x86 {cosines.min():.5f}")
    assert cosines.min() >= 1 - MOST_COSINE_DISTANCE


VERIFIED = """
import sys
from pathlib import Path
from edge.device.verify import verify_bundle
for folder in sys.argv[1:]:
    print(verify_bundle(Path(folder)))
"""


def test_models_that_write_agree_with_their_golden_samples(core: str, site: Path) -> None:
    """In FP32, INT8 and INT4; verify_bundle fails where one does not."""
    bundles = sorted((ROOT / "tests" / "data" / "bundles").iterdir())
    told = run(core, site, "-c", VERIFIED, *bundles).splitlines()
    print(core, *told, sep="\n")
    assert len(told) == len(bundles) > 0
    assert all("golden sample agrees" in line for line in told)


PRODUCTS = """
import json, sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
rows = np.load(sys.argv[2])
np.save(sys.argv[3], session.run(None, {"rows": rows})[0])
"""


def test_integer_products_do_not_saturate(core: str, site: Path) -> None:
    """What ``reduce_range`` would be for: the largest numbers there are, added in pairs."""
    n = 384
    draw = np.random.default_rng(1)
    weights = draw.choice(np.array([-127, 127, 126], np.int8), (n, 64))
    weights[:, 0] = 127
    rows = draw.choice(np.array([0, 254, 255], np.uint8), (8, n))
    rows[0] = 255
    node = helper.make_node("MatMulInteger", ["rows", "weights"], ["sums"])
    graph = helper.make_graph(
        [node],
        "products",
        [helper.make_tensor_value_info("rows", TensorProto.UINT8, [None, n])],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, [None, 64])],
        [numpy_helper.from_array(weights, "weights")],
    )
    folder = site.parent
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    (folder / "products.onnx").write_bytes(model.SerializeToString())
    np.save(folder / "rows.npy", rows)
    paths = [folder / name for name in ("products.onnx", "rows.npy", "sums.npy")]
    run(core, site, "-c", PRODUCTS, *paths)
    exact = rows.astype(np.int64) @ weights.astype(np.int64)
    assert np.array_equal(np.load(folder / "sums.npy"), exact)


def test_a_digest_has_the_chapters_and_key_points_of_x86(site: Path) -> None:
    episode = site.parent / "episode.txt"
    episode.write_text(make_transcript(1200))
    command = ["-m", "edge", "summarize", str(episode), "--format", "json", "--threads", "1"]
    emulated = json.loads(run("cortex-a72", site, *command))
    native = json.loads(
        subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    )
    assert [c["first_segment"] for c in emulated["chapters"]] == [
        c["first_segment"] for c in native["chapters"]
    ]
    assert [p["text"] for p in emulated["key_points"]] == [p["text"] for p in native["key_points"]]
    titles = [[chapter["title"] for chapter in found["chapters"]] for found in (emulated, native)]
    phrases = [{phrase["text"] for phrase in found["keyphrases"]} for found in (emulated, native)]
    print(f"titles {titles}, keyphrases in common {len(phrases[0] & phrases[1])}")
    # INT8 rounds otherwise on another processor: of two titles as good, it may take the other.
    assert sum(a == b for a, b in zip(*titles, strict=True)) >= len(titles[0]) - 1
    assert len(phrases[0] & phrases[1]) >= 12
    assert emulated["coverage"] == native["coverage"]


def test_what_the_kit_installs_is_small(kit: Path, site: Path) -> None:
    sizes: dict[str, int] = {}
    for path in site.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            top = path.relative_to(site).parts[0].split("-")[0].removesuffix(".libs")
            sizes[top] = sizes.get(top, 0) + path.stat().st_size
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{name:<24} {size / 1e6:6.1f} MB")
    print(f"{'all':<24} {sum(sizes.values()) / 1e6:6.1f} MB")
    assert sum(sizes.values()) < MAX_INSTALLED_MB * 1e6
    assert not {"huggingface_hub", "torch", "onnx"} & set(sizes)
