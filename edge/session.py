"""The only place that talks to onnxruntime."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from edge.errors import InferenceError

Array = npt.NDArray[np.generic]
MAX_DEFAULT_THREADS = 4


def available_providers() -> list[str]:
    """Execution providers of the installed onnxruntime."""
    return list(ort.get_available_providers())


def runtime_version() -> str:
    """Version of the installed onnxruntime."""
    return str(ort.__version__)


def default_threads() -> int:
    """Cores this process may use, at most 4."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(MAX_DEFAULT_THREADS, len(os.sched_getaffinity(0))))
    return max(1, min(MAX_DEFAULT_THREADS, os.cpu_count() or 1))


class Session:
    """A loaded ONNX model on the CPU.

    :param model: The ONNX file.
    :param intra_op_num_threads: Threads inside one operator.
    :raises InferenceError: If onnxruntime cannot load the file.
    """

    def __init__(self, model: Path, intra_op_num_threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = intra_op_num_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; warnings are for whoever exports
        # The arena never gives memory back: off, the peak stays near one batch's need.
        options.enable_cpu_mem_arena = False
        options.use_deterministic_compute = True
        try:
            self._session = ort.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises a dozen unrelated types
            raise InferenceError(
                f"onnxruntime {ort.__version__} cannot load {model}: {_first_line(error)}",
                "Check the bundle with 'edge models verify'; a newer onnxruntime may be needed.",
            ) from error
        self.input_names = frozenset(entry.name for entry in self._session.get_inputs())
        self.execution_provider: str = self._session.get_providers()[0]

    def run(self, feeds: dict[str, Array]) -> Array:
        """First output for the given inputs; inputs the model does not have are left out.

        :param feeds: Input name -> array.
        :raises InferenceError: If onnxruntime fails.
        """
        known = {name: array for name, array in feeds.items() if name in self.input_names}
        try:
            output: Array = self._session.run(None, known)[0]
        except Exception as error:
            raise InferenceError(
                f"onnxruntime failed while running the model: {_first_line(error)}",
                "Run 'edge doctor' to see whether the model works on this device at all.",
            ) from error
        return output


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
