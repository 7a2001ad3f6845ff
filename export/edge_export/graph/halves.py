"""Weights that take half the bytes in a file: stored in FP16, read in FP32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


def stored_in_half(
    weights: Mapping[str, npt.NDArray[np.floating]],
) -> tuple[list[Any], list[Any]]:
    """Constants of a graph, and for each a node that gives it in FP32 when the graph is loaded.

    :param weights: Name in the graph -> weights, already rounded to what FP16 can tell.
    :return: Initializers and nodes.
    """
    from onnx import TensorProto, helper, numpy_helper

    initializers = [
        numpy_helper.from_array(np.ascontiguousarray(array, np.float16), f"{name}_half")
        for name, array in weights.items()
    ]
    nodes = [
        helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT) for name in weights
    ]
    return initializers, nodes
