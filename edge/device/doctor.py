"""Facts about this device that decide how fast and whether a digest can be made."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version

from edge.device.kernel import cpu_flags, cpu_model, meminfo
from edge.runtime.int8_products import products_overflow
from edge.runtime.session import available_providers, default_threads
from edge.version import __version__

# What speeds up 8-bit and 16-bit models, by the names Linux gives them.
_FEATURES = (
    "avx2", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8", "f16c",
    "neon", "asimd", "asimddp", "i8mm", "asimdhp", "fphp", "bf16",
)  # fmt: skip


def device_facts() -> Iterator[tuple[str, str]]:
    """(name, value) of each fact, for a person."""
    yield "edge-insights", __version__
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    for package in ("onnxruntime", "numpy", "tokenizers", "click"):
        yield package, version(package)
    yield "providers", ", ".join(available_providers())
    yield "cpu", cpu_model()
    yield "cpu features", ", ".join(_cpu_features()) or "none known"
    yield (
        "8-bit products",
        "exact, by slower kernels: this processor has no VNNI" if products_overflow() else "exact",
    )
    yield "cores", f"{os.cpu_count()} ({default_threads()} threads by default)"
    yield "memory", _memory()


def _cpu_features() -> list[str]:
    flags = cpu_flags()
    return [feature for feature in _FEATURES if feature in flags]


def _memory() -> str:
    amounts = meminfo()
    if "MemTotal" not in amounts:
        return "unknown"
    available = amounts.get("MemAvailable", 0)
    return f"{amounts['MemTotal'] / 1e9:.1f} GB, {available / 1e9:.1f} GB available"
