"""8-bit products are summed exactly, also where onnxruntime's first choice of kernels is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edge.runtime.session
from edge.runtime.int8_products import SUM_OF_PRODUCTS, products_overflow
from edge.runtime.session import Session


def product_model(weights: np.ndarray, zero_points: bool = True) -> bytes:  # type: ignore[type-arg]
    """Rows of unsigned bytes times a matrix of signed ones.

    Without zero points onnxruntime 1.23 to 1.29 crashes where it is asked for other kernels.
    """
    from onnx import TensorProto, helper, numpy_helper

    n_rows, k, n = 1, *weights.shape
    constants = {"w": weights}
    if zero_points:
        constants |= {"x_zero": np.zeros((), np.uint8), "w_zero": np.zeros((), np.int8)}
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", *constants], ["y"])],
        "products",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [n_rows, k])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [n_rows, n])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 10)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=5)
    content: bytes = model.SerializeToString()
    return content


def test_the_sum_that_tells_is_what_it_is_said_to_be() -> None:
    made = product_model(np.full((4, 1), 127, np.int8), zero_points=False)
    assert made == SUM_OF_PRODUCTS


def test_the_largest_products_are_summed_exactly(tmp_path: Path) -> None:
    weights = np.random.default_rng(1).choice(np.array([-127, 127, 126], np.int8), (384, 64))
    weights[:, 0] = 127
    (tmp_path / "model.onnx").write_bytes(product_model(weights))
    row = np.full((1, 384), 255, np.uint8)
    found = Session(tmp_path / "model.onnx", 1).run({"x": row})
    assert np.array_equal(found, row.astype(np.int64) @ weights.astype(np.int64))


def test_other_kernels_are_asked_for_only_where_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.onnx").write_bytes(product_model(np.full((8, 4), -127, np.int8)))
    asked = []
    for overflows in (False, True):
        monkeypatch.setattr(
            edge.runtime.session, "products_overflow", lambda overflows=overflows: overflows
        )
        options = Session(tmp_path / "model.onnx", 1)._session.get_session_options()
        try:
            asked.append(options.get_session_config_entry("session.x64quantprecision"))
        except RuntimeError:  # there is no such entry
            asked.append("")
    assert asked == ["", "1"]


def test_it_is_asked_once() -> None:
    assert products_overflow() is products_overflow()
    assert products_overflow.cache_info().currsize == 1
