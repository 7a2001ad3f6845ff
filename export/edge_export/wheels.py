"""Wheels that a device can install: of pinned versions, fetched, built or given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.version import __version__
from edge_export.errors import FetchError, KitError
from edge_export.log import Log

PROJECT = Path(__file__).parents[2]
"""The checkout, where this module is in one."""
PROJECT_PACKAGE = "edge_insights"
RUNTIME = ("onnxruntime", "numpy", "tokenizers", "click")
_SINCE_3_11 = {
    "onnxruntime": "1.31.1",
    "numpy": "2.4.6",
    "tokenizers": "0.22.2",
    "click": "8.5.1",
    "pip": "26.3",
}
_LAST_FOR_3_10 = {"onnxruntime": "1.23.2", "numpy": "2.2.6"}
PINS: Mapping[str, Mapping[str, str]] = {
    "3.10": _SINCE_3_11 | _LAST_FOR_3_10,
    **dict.fromkeys(("3.11", "3.12", "3.13"), _SINCE_3_11),
}
"""Python -> package -> version: the same kit comes out tomorrow. ``pip`` only installs."""


@dataclass(frozen=True)
class Device:
    """What a kit has to fit."""

    name: str
    machine: str
    """As ``uname -m`` prints it."""
    python: str
    """Of the system that is usual there."""
    glibc_minor: int
    """Of that system's C library, 2.x: newer wheels do not load."""
    system: str


def check_python(python: str) -> None:
    """Refuse a Python without known versions.

    :param python: Such as ``3.11``.
    :raises KitError: If it is none of those.
    """
    if python not in PINS:
        raise KitError(
            f"Python {python} is none a kit can be made for: {', '.join(PINS)}",
            "Give one of them with --python.",
        )


def package_of(wheel: Path) -> str:
    """The package that a wheel stands in for: onnxruntime's builds go by several names.

    :param wheel: Its file.
    """
    name = wheel.name.split("-")[0].lower().replace("-", "_")
    return "onnxruntime" if name.startswith("onnxruntime") else name


def check_fits(wheel: Path, device: Device, python: str) -> None:
    """Refuse a wheel for another processor or Python.

    :param wheel: Its file.
    :param device: What it is for.
    :param python: Of the device.
    :raises KitError: If it does not fit, or is no wheel.
    """
    parts = wheel.name.removesuffix(".whl").split("-")
    if wheel.suffix != ".whl" or len(parts) < 5 or not wheel.is_file():
        raise KitError(f"{wheel} is no wheel", "Give a file named like NAME-1.0-cp311-...whl.")
    interpreter, abi, platform = parts[-3:]
    fits_machine = platform == "any" or platform.endswith(device.machine)
    fits_python = abi in ("none", "abi3") or interpreter == f"cp{python.replace('.', '')}"
    if not (fits_machine and fits_python):
        raise KitError(
            f"{wheel.name} does not fit {device.name}: {device.machine}, Python {python}",
            "Give a wheel for that processor and Python, or another --device or --python.",
        )


def fetch_wheel(name: str, device: Device, python: str, folder: Path, log: Log) -> Path:
    """A wheel of the device's platform, of the pinned version.

    :param name: The package.
    :param device: What it is for.
    :param python: Of the device.
    :param folder: Folder to write to.
    :param log: Told of it.
    :raises FetchError: If it cannot be had.
    """
    requirement = f"{name}=={PINS[python][name]}"
    log(f"fetching {requirement}")
    target = folder / name
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    for minor in range(17, device.glibc_minor + 1):
        command += ["--platform", f"manylinux_2_{minor}_{device.machine}"]
    command += ["--platform", f"manylinux2014_{device.machine}", "--dest", str(target), requirement]
    return _run_pip(command, target, f"fetch {requirement} for {device.name}, Python {python}")


def build_project_wheel(folder: Path, log: Log) -> Path:
    """The wheel of the checkout that this module is in.

    :param folder: Folder to write to.
    :param log: Told of it.
    :raises KitError: If it is in none.
    :raises FetchError: If it cannot be built.
    """
    if not (PROJECT / "pyproject.toml").exists():
        raise KitError(
            "edge-export is not run from a checkout, which its wheel could be built of",
            "Give the wheel that it was installed from: "
            f"--wheel {PROJECT_PACKAGE}-{__version__}-....whl",
        )
    log(f"building {PROJECT_PACKAGE}")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--wheel-dir", str(folder / PROJECT_PACKAGE), str(PROJECT)]
    return _run_pip(command, folder / PROJECT_PACKAGE, f"build the wheel of {PROJECT}")


def _run_pip(command: Sequence[str], target: Path, what: str) -> Path:
    # The packaging tools take this for the time of every file in a wheel.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=target.parent
    )
    wheels = sorted(target.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        lines = [line for line in result.stderr.split("\n") if "ERROR" in line]
        raise FetchError(
            f"pip cannot {what}: {(lines or ['no wheel came'])[-1]}",
            "Check the network, or give the wheel with --wheel FILE.",
        )
    return wheels[0]
