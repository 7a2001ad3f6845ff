"""Edge Insights, device side: a transcript in, a digest out, offline.

::

    import edge
    digest = edge.digest("episode.srt")
    print(digest.summary)

``docs/python.md`` is the page of this door. Names load when they are used: importing the package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edge.version import __version__

if TYPE_CHECKING:
    from edge.abstractive.drafts import Summarizer
    from edge.api import (
        ChapterEvent,
        Digest,
        DigestEvent,
        Event,
        ProgressEvent,
        digest,
        digest_stream,
        load_encoder,
        load_writer,
    )
    from edge.digester import Digester, open_digester
    from edge.errors import (
        BundleError,
        EdgeError,
        InferenceError,
        MemoryLimitError,
        OptionError,
        OutputError,
        TranscriptError,
    )
    from edge.options import DigestOptions, ModelOptions, Observer
    from edge.records import Transcript
    from edge.runtime.encoder import Encoder
    from edge.runtime.providers import Execution
    from edge.transcript import parse_transcript, read_transcript

__all__ = [
    "BundleError",
    "ChapterEvent",
    "Digest",
    "DigestEvent",
    "DigestOptions",
    "Digester",
    "EdgeError",
    "Encoder",
    "Event",
    "Execution",
    "InferenceError",
    "MemoryLimitError",
    "ModelOptions",
    "Observer",
    "OptionError",
    "OutputError",
    "ProgressEvent",
    "Summarizer",
    "Transcript",
    "TranscriptError",
    "__version__",
    "digest",
    "digest_stream",
    "load_encoder",
    "load_writer",
    "open_digester",
    "parse_transcript",
    "read_transcript",
]

_HOMES = {
    "edge.errors": (
        "BundleError", "EdgeError", "InferenceError", "MemoryLimitError", "OptionError",
        "OutputError", "TranscriptError",
    ),
    "edge.digester": ("Digester", "open_digester"),
    "edge.options": ("DigestOptions", "ModelOptions", "Observer"),
    "edge.transcript": ("parse_transcript", "read_transcript"),
    "edge.records": ("Transcript",),
    "edge.runtime.encoder": ("Encoder",),
    "edge.runtime.providers": ("Execution",),
    "edge.abstractive.drafts": ("Summarizer",),
}  # fmt: skip
"""Where a name comes from, if not from ``edge.api``."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((home for home, names in _HOMES.items() if name in names), "edge.api")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
