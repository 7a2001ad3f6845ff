"""Whether onnxruntime sums 8-bit products exactly on this processor."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnxruntime as ort

from edge.runtime.providers import CPU, PROVIDERS

SUM_OF_PRODUCTS = bytes.fromhex(
    "08053a5f0a180a01780a0177120179220d4d61744d756c496e7465676572120870726f64756374732a0f08040801"
    "10034201774a047f7f7f7f5a130a0178120e0a0c080212080a0208010a02080462130a0179120e0a0c080612080a"
    "0208010a02080142040a00100a"
)
"""An ONNX model: four unsigned bytes, each times 127, summed
(tests/workstation/test_session.py makes it)."""


@cache  # each of a dozen sessions asks, and the processor stays the same
def products_overflow() -> bool:
    """Whether onnxruntime adds 8-bit products in 16 bits here, where the largest do not fit.

    So it does on x86 processors with AVX2 or AVX-512 that lack the VNNI instructions, unless it is
    told otherwise (docs/adr/0019-x86-without-vnni.md). Half a millisecond.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(SUM_OF_PRODUCTS, options, providers=[PROVIDERS[CPU]])
    total = session.run(None, {"x": np.full((1, 4), 255, np.uint8)})[0]  # (1, 1)
    return int(total[0, 0]) != 4 * 255 * 127
