"""Which of onnxruntime's execution providers runs a model: asked for, chosen, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import InferenceError, OptionError

AUTO, CPU, CUDA, TENSORRT, XNNPACK = "auto", "cpu", "cuda", "tensorrt", "xnnpack"
PROVIDERS = {
    CPU: "CPUExecutionProvider",
    CUDA: "CUDAExecutionProvider",
    TENSORRT: "TensorrtExecutionProvider",
    XNNPACK: "XnnpackExecutionProvider",
}
"""Our name -> onnxruntime's."""
GPU_PROVIDERS = frozenset({CUDA, TENSORRT})
CACHE_VARIABLE = "EDGE_INSIGHTS_CACHE"

_ENCODERS_ON_GPU, _GENERATORS_ON_GPU = ("fp32", "fp16"), ("fp16",)
"""Precisions that a GPU runs whole. A generator's attention has 16-bit kernels only: in others it
would run on the CPU and copy the caches to and fro at each token, an encoder-decoder's wrongly
(docs/adr/0016-providers.md)."""
_SPARING: dict[str, Any] = {"arena_extend_strategy": "kSameAsRequested"}
"""Memory is taken in blocks as large as they have to be: other work shares a small board's."""
_EFFICIENT_ATTENTION = "2"
"""onnxruntime's number of the memory-efficient attention."""
_HOW = {
    CUDA: "It comes with onnxruntime-gpu, or with NVIDIA's own build for a Jetson.",
    TENSORRT: "It comes with onnxruntime-gpu beside TensorRT, or with NVIDIA's build for a Jetson.",
    XNNPACK: "It needs an onnxruntime that was built with it (--use_xnnpack).",
}


@dataclass(frozen=True)
class Execution:
    """How models are to be run.

    :raises OptionError: If there is no such provider, or options are for none.
    """

    provider: str = CPU
    """Of ``PROVIDERS``, or ``auto``: a GPU for what it is good at, else the CPU."""
    options: Mapping[str, str] = field(default_factory=dict)
    """For that provider, as onnxruntime names them."""
    strict: bool = False
    """Whether another provider than the one asked for is an error."""
    fp16_on_cpu: bool = True
    """Whether a 16-bit model may run on a CPU."""

    def __post_init__(self) -> None:
        if self.provider not in (AUTO, *PROVIDERS):
            raise OptionError(
                f"there is no provider {self.provider!r}",
                f"Providers are {', '.join((AUTO, *PROVIDERS))}.",
            )
        if self.options and self.provider == AUTO:
            raise OptionError(
                f"options {dict(self.options)} without the provider that they are for",
                "Name the provider, too.",
            )


ON_CPU = Execution()


@dataclass(frozen=True)
class Placement:
    """Where a model runs."""

    asked: str
    """``auto``, or of ``PROVIDERS``."""
    ran: str
    """Of ``PROVIDERS``."""
    reason: str = ""
    """Why that is not what was asked for, or what ``auto`` went by; may be empty."""

    @property
    def execution_provider(self) -> str:
        """What runs it, by onnxruntime's name."""
        return PROVIDERS[self.ran]

    @property
    def fell_back(self) -> bool:
        """Whether another provider runs it than the one that was named."""
        return self.asked not in (AUTO, self.ran)


def choose(
    execution: Execution, available: Sequence[str], precision: str, is_generator: bool = False
) -> Placement:
    """The provider to try for a model.

    :param execution: What was asked for.
    :param available: What onnxruntime offers, by its names.
    :param precision: Of the model.
    :param is_generator: Whether it generates texts, on a KV cache.
    :raises InferenceError: If it is not offered and ``strict``, or the CPU may not run the model.
    """
    asked = execution.provider
    wanted = asked if asked != AUTO else CUDA if PROVIDERS[CUDA] in available else CPU
    on_gpu = _GENERATORS_ON_GPU if is_generator else _ENCODERS_ON_GPU
    if PROVIDERS[wanted] not in available:
        offered = ", ".join(name for name, full in PROVIDERS.items() if full in available)
        placement = Placement(asked, CPU, f"this onnxruntime offers {offered}. {_HOW[asked]}")
    elif wanted in GPU_PROVIDERS and precision not in on_gpu:
        kind = "models that write" if is_generator else "encoders"
        reason = f"of {kind}, GPUs run {' and '.join(on_gpu)}, and this is {precision}"
        placement = Placement(asked, CPU, reason)
    else:
        placement = Placement(asked, wanted)
    require_allowed(placement, execution, precision)
    return placement


def require_allowed(placement: Placement, execution: Execution, precision: str) -> None:
    """Refuse a placement that was not to be.

    :param placement: Where the model is to run, or runs.
    :param execution: What was asked for.
    :param precision: Of the model.
    :raises InferenceError: If it is another one and ``strict``, or the CPU may not run the model.
    """
    if placement.fell_back and execution.strict:
        raise InferenceError(
            f"execution provider {placement.asked!r} was asked for and does not run: "
            f"{placement.reason}",
            "Leave out --strict to go on with the CPU, or choose another --provider.",
        )
    if precision == "fp16" and placement.ran == CPU and not execution.fp16_on_cpu:
        reason = f" ({placement.asked} does not run: {placement.reason})" * placement.fell_back
        raise InferenceError(
            f"a 16-bit model on a CPU takes no less time than a 32-bit one{reason}: processors "
            "compute in 32 bits, and turn every number there and back",
            "Use an int8 bundle here, or --fp16-on-cpu to run it all the same; 'edge doctor' "
            "measures what is fastest on this device.",
        )


def provider_list(
    placement: Placement,
    execution: Execution,
    precision: str,
    is_generator: bool = False,
    runtime: tuple[int, ...] = (),
) -> list[tuple[str, dict[str, Any]]]:
    """Providers as onnxruntime takes them, the chosen one first, the CPU last.

    :param placement: What ``choose`` gave.
    :param execution: What was asked for.
    :param precision: Of the model.
    :param is_generator: Whether it generates texts.
    :param runtime: onnxruntime's release, as numbers.
    """
    options = dict(execution.options) if placement.ran == execution.provider else {}
    if placement.ran == CPU:
        return [(PROVIDERS[CPU], _SPARING | options)]
    defaults = dict(_SPARING) if placement.ran == CUDA else {}
    if placement.ran == CUDA and precision == "fp16" and not is_generator and runtime >= (1, 20):
        # The kernels it would take by itself are set up anew, in 40 ms, for every length it meets.
        defaults["sdpa_kernel"] = _EFFICIENT_ATTENTION
    elif placement.ran == TENSORRT:
        folder = cache_folder() / "tensorrt"
        folder.mkdir(parents=True, exist_ok=True)
        defaults = {
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": str(folder),
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": str(folder),
            "trt_fp16_enable": str(precision == "fp16"),
        }
    chosen = [(PROVIDERS[placement.ran], defaults | options)]
    if placement.ran == TENSORRT:  # what TensorRT does not know, CUDA may
        chosen.append((PROVIDERS[CUDA], _SPARING))
    return [*chosen, (PROVIDERS[CPU], _SPARING)]


def cache_folder() -> Path:
    """Folder of what can be made again, such as TensorRT's engines; need not exist."""
    folder = os.environ.get(CACHE_VARIABLE)
    if folder:
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-insights"


def parse_option(text: str) -> tuple[str, str]:
    """A provider option as it is written on the command line.

    :param text: ``NAME=VALUE``.
    :raises ValueError: If it is none.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{text!r} is no option; write NAME=VALUE, such as device_id=0")
    return name.strip(), value.strip()
