"""Errors of the export side; they share the device side's base.

::

    EdgeError
    `- ExportError
       |- RecipeError         a recipe cannot be read or names what is not there
       |- FetchError          weights could not be fetched, or are not the recorded ones
       |- GateError           the exported model differs too much from PyTorch's
       |- KitError            a kit cannot be made for that device or of these wheels
       |- TrainingDataError   training data is missing or malformed
       `- MissingExtraError   torch, transformers, optimum or onnx is not installed
"""

from __future__ import annotations

from edge.errors import EdgeError


class ExportError(EdgeError):
    """Base of the export side's errors."""


class RecipeError(ExportError):
    """A recipe cannot be read, or asks for what is not known."""


class FetchError(ExportError):
    """Weights could not be fetched, or are not the ones the recipe records."""


class GateError(ExportError):
    """The exported model failed its quality gate; no bundle was written."""


class KitError(ExportError):
    """An offline kit cannot be made of what was given."""


class MissingExtraError(ExportError):
    """The ``export`` extra is not installed."""


class TrainingDataError(ExportError):
    """Training data that is missing or not what docs/training.md describes."""
