"""Array types, named by their elements; shapes are told where arrays are born."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[Any]
Float32Array = npt.NDArray[np.float32]
"""Vectors and logits, as models give them."""
Float64Array = npt.NDArray[np.float64]
"""Measures and scores."""
FloatArray = npt.NDArray[np.floating[Any]]
"""Of either precision."""
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
