"""Errors a user can meet.

::

    EdgeError                 what went wrong, and what to do next
    |- TranscriptError        the input is no transcript we can read
    |- BundleError            a model bundle is missing, damaged or not for this program
    |- InferenceError         onnxruntime could not run the model
    |- MemoryLimitError       the work does not fit below the ceiling that was given
    |- OptionError            an option has a value that is not allowed
    |- BenchError             a measurement cannot be made, or a record of one not be used
    `- OutputError            a result could not be written
"""

from __future__ import annotations


class EdgeError(Exception):
    """Base of every expected failure.

    :param message: What happened, the value met, and what is allowed.
    :param hint: What the user can do next; one sentence.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class TranscriptError(EdgeError):
    """The input cannot be read as a transcript."""


class BundleError(EdgeError):
    """A model bundle is missing, damaged, unsafe or of another kind."""


class InferenceError(EdgeError):
    """The model could not be loaded or run by onnxruntime."""


class MemoryLimitError(EdgeError):
    """The work does not fit below the ceiling on memory that was given."""


class OptionError(EdgeError):
    """An option has a value that is not allowed."""


class BenchError(EdgeError):
    """A measurement cannot be made, or a record of one cannot be used."""


class OutputError(EdgeError):
    """A result could not be written."""
