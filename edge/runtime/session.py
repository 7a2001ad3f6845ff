"""A loaded ONNX model, and the onnxruntime that runs it.

Beside it, only ``edge.runtime.binding`` (arrays used in place) and ``edge.runtime.int8_products``
(a probe of the processor) talk to onnxruntime.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from edge.arrays import AnyArray
from edge.errors import InferenceError
from edge.runtime.binding import Binding, GpuArray, first_line, run_error
from edge.runtime.int8_products import products_overflow
from edge.runtime.providers import (
    CPU,
    GPU_PROVIDERS,
    ON_CPU,
    PROVIDERS,
    Execution,
    Placement,
    choose,
    provider_list,
    require_allowed,
)

MAX_DEFAULT_THREADS = 4
_SLOW_ON_CPU = ["SkipLayerNormFusion"]
"""Its kernel takes four times as long as the addition and the normalization it stands for."""
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


def available_providers() -> list[str]:
    """Execution providers of the installed onnxruntime."""
    return list(ort.get_available_providers())


def runtime_version() -> str:
    """Version of the installed onnxruntime."""
    return str(ort.__version__)


def release(version: str) -> tuple[int, ...]:
    """Major and minor number of a version, to be compared.

    :param version: Of onnxruntime.
    """
    return tuple(int(part) for part in version.split(".")[:2])


def default_threads() -> int:
    """Cores this process may use, at most 4."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, min(MAX_DEFAULT_THREADS, len(os.sched_getaffinity(0))))
    return max(1, min(MAX_DEFAULT_THREADS, os.cpu_count() or 1))


@dataclass(frozen=True)
class TensorInfo:
    """Element type and shape of an input or output; -1 is any length."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Session:
    """A loaded ONNX model.

    :param model: The ONNX file.
    :param intra_op_num_threads: Threads inside one operator.
    :param arena: Whether memory is kept from run to run: for a model that runs often on inputs of
        many shapes, whose pieces would otherwise lie scattered (docs/adr/0015-speed.md).
    :param execution: The provider that is to run it.
    :param precision: Of the model.
    :param is_generator: Whether it generates texts, on a KV cache.
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
        is_generator: bool = False,
    ) -> None:
        options = _session_options(intra_op_num_threads, arena)
        self._session, self.placement = _open(model, options, execution, precision, is_generator)
        self.gpu: int | None = None
        """Number of the GPU that it runs on, and in whose memory its arrays are best kept."""
        if self.placement.ran in GPU_PROVIDERS:
            self.gpu = int(execution.options.get("device_id", 0))
        self.inputs = {entry.name: _tensor_info(entry) for entry in self._session.get_inputs()}
        self.outputs = {entry.name: _tensor_info(entry) for entry in self._session.get_outputs()}

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
            raise run_error(error) from error

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


def _session_options(intra_op_num_threads: int, arena: bool) -> ort.SessionOptions:
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
    return options


def _open(
    model: Path,
    options: ort.SessionOptions,
    execution: Execution,
    precision: str,
    is_generator: bool,
) -> tuple[ort.InferenceSession, Placement]:
    """The model on the provider to try, or on the CPU where that cannot be set up."""
    placement = choose(execution, available_providers(), precision, is_generator)
    if placement.ran != CPU:
        here = release(runtime_version())
        providers = provider_list(placement, execution, precision, is_generator, here)
        session, reason = _try_provider(model, options, placement, providers)
        if session is not None:
            return session, placement
        placement = replace(placement, ran=CPU, reason=reason)
        require_allowed(placement, execution, precision)
    return _load_on_cpu(model, options, provider_list(placement, execution, precision)), placement


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
        return None, first_line(error)
    ran = session.get_providers()[0]
    if ran != PROVIDERS[placement.ran]:
        return None, f"onnxruntime could not set it up and took {ran}"
    return session, ""


def _load_on_cpu(
    model: Path, options: ort.SessionOptions, providers: list[tuple[str, dict[str, Any]]]
) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(
            str(model), options, providers=providers, disabled_optimizers=_SLOW_ON_CPU
        )
    except Exception as error:  # onnxruntime raises a dozen unrelated types
        raise InferenceError(
            f"onnxruntime {ort.__version__} cannot load {model}: {first_line(error)}",
            "Check the bundle with 'edge models verify'; a newer onnxruntime may be needed.",
        ) from error


def _tensor_info(entry: ort.NodeArg) -> TensorInfo:
    shape = tuple(n if isinstance(n, int) else -1 for n in entry.shape)
    return TensorInfo(np.dtype(_DTYPES.get(entry.type, "object")), shape)
