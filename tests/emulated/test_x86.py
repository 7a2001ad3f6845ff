"""The default model on x86 processors of all ages, emulated: ``make test-arm64`` runs it too.

Haswell stands for all that have AVX2 and lack VNNI, whose first choice of INT8 kernels overflows;
Nehalem for those before AVX. qemu knows no newer instructions.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from edge.bundles.store import find_bundle
from edge.runtime.encoder import Encoder
from tests.conftest import ROOT
from tests.emulated.test_arm64 import FOLDER, MOST_COSINE_DISTANCE, SENTENCES
from tests.emulated.test_arm64 import pytestmark as needs_emulator

pytestmark = [
    needs_emulator,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the packages here are not of x86"),
]
VECTORS = """
import json, sys
from edge.device.golden import encoder_agreement
from edge.runtime.encoder import Encoder
from edge.runtime.int8_products import products_overflow
from edge.bundles.store import find_bundle
encoder = Encoder(find_bundle(), 1)
vectors = encoder.encode(json.loads(sys.argv[1])).tolist()
print(json.dumps([products_overflow(), encoder_agreement(encoder).value, vectors]))
"""


@pytest.mark.parametrize(("core", "overflows"), [("Haswell", True), ("Nehalem", False)])
def test_vectors_agree_on_processors_of_all_ages(core: str, overflows: bool) -> None:
    emulator = [str(FOLDER / "qemu/usr/bin/qemu-x86_64-static"), "-cpu", core, sys.executable]
    # What the processor below was told of its linear algebra is not true of the emulated one.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")
    }
    done = subprocess.run(
        [*emulator, "-c", VECTORS, json.dumps(SENTENCES)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    overflowed, golden, vectors = json.loads(done.stdout)
    cosines = (np.array(vectors) * Encoder(find_bundle(), 1).encode(SENTENCES)).sum(axis=1)
    print(f"{core}: golden {golden:.4f}, least cosine to this processor {cosines.min():.5f}")
    assert overflowed is overflows
    assert golden >= 0.98
    assert cosines.min() >= 1 - MOST_COSINE_DISTANCE
