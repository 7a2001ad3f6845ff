"""Arrays that a model reads and writes in place, in the processor's memory or in a GPU's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnxruntime as ort

from edge.arrays import AnyArray
from edge.errors import InferenceError
from edge.runtime.providers import CUDA


@dataclass(frozen=True, eq=False)
class GpuArray:
    """An array in a GPU's memory, or a row of one."""

    value: ort.OrtValue
    """Owns the memory, of the whole array."""
    gpu: int
    """The GPU's number."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pointer: int

    @classmethod
    def of(cls, array: AnyArray, gpu: int) -> GpuArray:
        """A copy of an array in a GPU's memory.

        :param array: Any shape.
        :param gpu: The GPU's number.
        """
        value = ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), CUDA, gpu)
        return cls(value, gpu, array.shape, array.dtype, value.data_ptr())

    def row(self, i: int) -> GpuArray:
        """A row, shape (1, ...), in the same memory.

        :param i: Which.
        """
        n_bytes = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        return replace(self, shape=(1, *self.shape[1:]), pointer=self.pointer + i * n_bytes)

    def write(self, array: AnyArray) -> None:
        """Replace the content of a whole array.

        :param array: Of the same shape and type.
        """
        self.value.update_inplace(np.ascontiguousarray(array))

    def to_cpu(self) -> AnyArray:
        """A whole array, copied to the processor's memory."""
        array: AnyArray = self.value.numpy()
        return array


class Binding:
    """A model tied to its arrays; see ``edge.runtime.session.Session.bind``.

    :param session: onnxruntime's.
    :param inputs: Input name -> contiguous array.
    :param outputs: Output name -> contiguous array.
    :param rebinds: Whether inputs are copied to the model as they are bound, and so have to be
        bound before each run.
    :raises InferenceError: If an array does not fit the model.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        inputs: Mapping[str, AnyArray | GpuArray],
        outputs: Mapping[str, AnyArray | GpuArray],
        rebinds: bool = False,
    ) -> None:
        self._session = session
        self._arrays = (inputs, outputs)  # onnxruntime holds no reference to their memory
        self._binding = session.io_binding()
        # One value an array, also where it is an input and an output.
        self._values = {
            id(array): ort.OrtValue.ortvalue_from_numpy(array)
            for array in (*inputs.values(), *outputs.values())
            if not isinstance(array, GpuArray)
        }
        self._bound_at_runs: dict[str, ort.OrtValue] = {}
        try:
            for name, array in inputs.items():
                self._bind_input(name, array, rebinds)
            for name, array in outputs.items():
                self._bind_output(name, array)
        except Exception as error:
            raise run_error(error) from error

    def run(self) -> None:
        """Run the model once on what the arrays hold now.

        :raises InferenceError: If onnxruntime fails.
        """
        try:
            for name, value in self._bound_at_runs.items():
                self._binding.bind_ortvalue_input(name, value)
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            raise run_error(error) from error

    def _bind_input(self, name: str, array: AnyArray | GpuArray, rebinds: bool) -> None:
        if isinstance(array, GpuArray):
            self._binding.bind_input(
                name, CUDA, array.gpu, array.dtype.type, array.shape, array.pointer
            )
        elif rebinds:
            self._bound_at_runs[name] = self._values[id(array)]
        else:
            self._binding.bind_ortvalue_input(name, self._values[id(array)])

    def _bind_output(self, name: str, array: AnyArray | GpuArray) -> None:
        if isinstance(array, GpuArray):
            self._binding.bind_output(
                name, CUDA, array.gpu, array.dtype.type, array.shape, array.pointer
            )
        else:
            self._binding.bind_ortvalue_output(name, self._values[id(array)])


def run_error(error: Exception) -> InferenceError:
    """What a user is told where a run failed.

    :param error: onnxruntime's.
    """
    return InferenceError(
        f"onnxruntime failed while running the model: {first_line(error)}",
        "Run 'edge doctor' to see whether the model works on this device at all.",
    )


def first_line(error: Exception) -> str:
    """The first line of a message that goes on with a stack trace.

    :param error: onnxruntime's.
    """
    return str(error).strip().split("\n")[0]
