"""The only place that talks to onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from edge.arrays import AnyArray
from edge.errors import InferenceError
from edge.runtime.providers import (
    CPU,
    CUDA,
    GPU_PROVIDERS,
    ON_CPU,
    PROVIDERS,
    Execution,
    Placement,
    checked,
    choose,
    provider_list,
)

MAX_DEFAULT_THREADS = 4
_SLOW_ON_CPU = ["SkipLayerNormFusion"]
"""Its kernel takes four times as long as the addition and the normalization it stands for."""
_SUM_OF_PRODUCTS = bytes.fromhex(
    "08053a5f0a180a01780a0177120179220d4d61744d756c496e7465676572120870726f64756374732a0f08040801"
    "10034201774a047f7f7f7f5a130a0178120e0a0c080212080a0208010a02080462130a0179120e0a0c080612080a"
    "0208010a02080142040a00100a"
)
"""An ONNX model: four unsigned bytes, each times 127, summed (tests/test_session.py makes it)."""


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


@cache
def products_overflow() -> bool:
    """Whether onnxruntime adds 8-bit products in 16 bits here, where the largest do not fit.

    So it does on x86 processors with AVX2 or AVX-512 that lack the VNNI instructions, unless it is
    told otherwise (docs/adr/0019-x86-without-vnni.md). Half a millisecond.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(_SUM_OF_PRODUCTS, options, providers=[PROVIDERS[CPU]])
    found = session.run(None, {"x": np.full((1, 4), 255, np.uint8)})[0]
    return int(found[0, 0]) != 4 * 255 * 127


@dataclass(frozen=True)
class TensorInfo:
    """Element type and shape of an input or output; -1 is any length."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


class Session:
    """A loaded ONNX model.

    :param model: The ONNX file.
    :param intra_op_num_threads: Threads inside one operator.
    :param arena: Whether memory is kept from run to run: for a model that runs often on inputs of
        many shapes, whose pieces would otherwise lie scattered (docs/adr/0015-speed.md).
    :param execution: The provider that is to run it.
    :param precision: Of the model.
    :param writes: Whether it writes texts, on caches.
    :raises InferenceError: If onnxruntime cannot load the file, or ``execution`` forbids how it
        would run.
    """

    def __init__(
        self,
        model: Path,
        intra_op_num_threads: int,
        arena: bool = False,
        execution: Execution = ON_CPU,
        precision: str = "fp32",
        writes: bool = False,
    ) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = intra_op_num_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; warnings are for whoever exports
        options.enable_cpu_mem_arena = arena
        options.enable_mem_pattern = not arena  # a plan and a block for every shape it meets
        options.use_deterministic_compute = True
        # Smaller pieces of work at the end of an operator: no thread waits long for the others.
        options.add_session_config_entry("session.dynamic_block_base", "4")
        if products_overflow():
            options.add_session_config_entry("session.x64quantprecision", "1")
        placement = choose(execution, available_providers(), precision, writes)
        session, error = None, ""
        if placement.ran != CPU:
            release = tuple(int(part) for part in runtime_version().split(".")[:2])
            providers = provider_list(placement, execution, precision, writes, release)
            session, error = _try_provider(model, options, placement, providers)
        if error:
            placement = checked(replace(placement, ran=CPU, reason=error), execution, precision)
        self._session = session or _load(
            model, options, provider_list(placement, execution, precision)
        )
        self.placement = placement
        self.gpu: int | None = None
        """Number of the GPU that it runs on, and in whose memory its arrays are best kept."""
        if placement.ran in GPU_PROVIDERS:
            self.gpu = int(execution.options.get("device_id", 0))
        self.inputs = {entry.name: _tensor(entry) for entry in self._session.get_inputs()}
        self.outputs = {entry.name: _tensor(entry) for entry in self._session.get_outputs()}

    def run(self, feeds: dict[str, AnyArray]) -> AnyArray:
        """First output for the given inputs; inputs the model does not have are left out.

        :param feeds: Input name -> array.
        :raises InferenceError: If onnxruntime fails.
        """
        return next(iter(self.run_all(feeds).values()))

    def run_all(self, feeds: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """All outputs for the given inputs; inputs the model does not have are left out.

        :param feeds: Input name -> array.
        :return: Output name -> array, in the model's order.
        :raises InferenceError: If onnxruntime fails.
        """
        known = {name: array for name, array in feeds.items() if name in self.inputs}
        try:
            return dict(zip(self.outputs, self._session.run(None, known), strict=True))
        except Exception as error:
            raise _failed(error) from error

    def bind(
        self, inputs: Mapping[str, AnyArray | GpuArray], outputs: Mapping[str, AnyArray | GpuArray]
    ) -> Binding:
        """Tie arrays to the model for runs that copy nothing that is where the model runs.

        An array may be an input and an output at once, where the model's operators allow it.

        :param inputs: Input name -> contiguous array, read at each run.
        :param outputs: Output name -> contiguous array, written at each run.
        :raises InferenceError: If an array does not fit the model.
        """
        return Binding(self._session, inputs, outputs, rebinds=self.gpu is not None)


def _try_provider(
    model: Path,
    options: ort.SessionOptions,
    placement: Placement,
    providers: list[tuple[str, dict[str, Any]]],
) -> tuple[ort.InferenceSession | None, str]:
    """A session on another provider than the CPU, or why there is none."""
    if placement.ran in GPU_PROVIDERS and hasattr(ort, "preload_dlls"):
        ort.preload_dlls(directory="")  # NVIDIA's libraries may be Python packages
    try:
        session = ort.InferenceSession(str(model), options, providers=providers, enable_fallback=0)
    except Exception as error:
        return None, _first_line(error)
    ran = session.get_providers()[0]
    if ran != PROVIDERS[placement.ran]:
        return None, f"onnxruntime could not set it up and took {ran}"
    return session, ""


def _load(
    model: Path, options: ort.SessionOptions, providers: list[tuple[str, dict[str, Any]]]
) -> ort.InferenceSession:
    """A session on the CPU."""
    try:
        return ort.InferenceSession(
            str(model), options, providers=providers, disabled_optimizers=_SLOW_ON_CPU
        )
    except Exception as error:  # onnxruntime raises a dozen unrelated types
        raise InferenceError(
            f"onnxruntime {ort.__version__} cannot load {model}: {_first_line(error)}",
            "Check the bundle with 'edge models verify'; a newer onnxruntime may be needed.",
        ) from error


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
    """Arrays that a model reads and writes in place; see ``Session.bind``.

    :param session: onnxruntime's.
    :param inputs: As for ``Session.bind``.
    :param outputs: As for ``Session.bind``.
    :param rebinds: Whether inputs are copied to the model as they are bound, and so have to be
        bound before each run.
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
        self._values = {
            id(array): ort.OrtValue.ortvalue_from_numpy(array)
            for array in (*inputs.values(), *outputs.values())
            if not isinstance(array, GpuArray)
        }
        self._bound_at_runs = {
            name: self._values[id(array)]
            for name, array in inputs.items()
            if rebinds and not isinstance(array, GpuArray)
        }
        try:
            for name, array in inputs.items():
                if isinstance(array, GpuArray):
                    self._binding.bind_input(
                        name, CUDA, array.gpu, array.dtype.type, array.shape, array.pointer
                    )
                elif name not in self._bound_at_runs:
                    self._binding.bind_ortvalue_input(name, self._values[id(array)])
            for name, array in outputs.items():
                if isinstance(array, GpuArray):
                    self._binding.bind_output(
                        name, CUDA, array.gpu, array.dtype.type, array.shape, array.pointer
                    )
                else:
                    self._binding.bind_ortvalue_output(name, self._values[id(array)])
        except Exception as error:
            raise _failed(error) from error

    def run(self) -> None:
        """Run the model once on what the arrays hold now.

        :raises InferenceError: If onnxruntime fails.
        """
        try:
            for name, value in self._bound_at_runs.items():
                self._binding.bind_ortvalue_input(name, value)
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            raise _failed(error) from error


def _tensor(entry: ort.NodeArg) -> TensorInfo:
    shape = tuple(n if isinstance(n, int) else -1 for n in entry.shape)
    return TensorInfo(np.dtype(_DTYPES.get(entry.type, "object")), shape)


def _failed(error: Exception) -> InferenceError:
    return InferenceError(
        f"onnxruntime failed while running the model: {_first_line(error)}",
        "Run 'edge doctor' to see whether the model works on this device at all.",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
