"""Packages that only some commands need: a clear error where they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from edge_export.errors import MissingExtraError

EXPORTING = ("accelerate", "gguf", "onnx", "optimum.exporters.onnx", "torch", "transformers")


def require(packages: Sequence[str], doing: str, extra: str) -> None:
    """Check that packages are installed.

    :param packages: Names to import.
    :param doing: What needs them, as the error says it.
    :param extra: The extra or extras that bring them.
    :raises MissingExtraError: Naming the command that installs them.
    """
    for name in packages:
        try:
            import_module(name)
        except ImportError as error:
            raise MissingExtraError(
                f"{doing} needs {error.name or name}, which is not installed here",
                f"Install the workstation side: pip install 'edge-insights[{extra}]'",
            ) from error
