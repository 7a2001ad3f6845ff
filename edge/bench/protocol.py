"""What a run and its fresh processes say to each other: a job as a file, events as lines of JSON.

Either side may be of an older build (``--beside``): a field that one side does not know it passes
over, and one that it is not told has its default. Named tuples, as a cold command's process makes
these classes, too, and a dataclass takes it five times as long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

STARTED = "EDGE_BENCH_STARTED_NS"
"""Environment variable: when a process was started, in nanoseconds since the epoch."""


class Job(NamedTuple):
    """What a process is to do."""

    scenario: str
    bundle: str
    """``name-precision``, or a bundle folder."""
    threads: int
    provider: str
    max_rss_bytes: int
    """0 for any."""
    words: int
    """Of each transcript."""
    samples: int
    """To take, after one that is not kept."""
    seconds: float
    """Go on at least this long."""
    texts: Sequence[str] = ()
    """To embed, or to write about."""
    prefill_tokens: int = 0
    decode_tokens: int = 0
    transcripts: Sequence[str] = ()
    """Paths."""
    output: str = ""
    """The file or folder of what is made of them."""
    command: Sequence[str] = ()
    """Of a cold one: the arguments of ``edge``."""


class Loaded(NamedTuple):
    """The model is ready."""

    load_ms: float | None = None
    provider: str | None = None
    """Execution provider that runs it, as onnxruntime names it."""
    quality: Mapping[str, Any] | None = None
    """Fields of ``edge.bench.record.Quality``."""


class Warm(NamedTuple):
    """What comes now is kept."""


class Sample(NamedTuple):
    """One sample."""

    stages_ns: Mapping[str, int]
    """Name of each stage -> its time."""
    ns: int = 0
    """Its whole time; a cold command's is its parent's to measure."""
    episodes: int | None = None
    audio_s: float | None = None
    """How long the speech is that was digested."""
    tokens_in: int | None = None
    tokens_out: int | None = None


class End(NamedTuple):
    """There is no more to come."""

    peak_rss_bytes: int


Event = Loaded | Warm | Sample | End
_EVENTS: dict[str, type[Event]] = {"loaded": Loaded, "warm": Warm, "sample": Sample, "end": End}
_Message = TypeVar("_Message", Job, Loaded, Warm, Sample, End)


def job_to_json(job: Job) -> str:
    """A job as the text of a file.

    :param job: The job.
    """
    return json.dumps(job._asdict())


def job_from_json(text: str | bytes) -> Job:
    """A job of a file's text.

    :param text: As ``job_to_json`` gives it.
    """
    return _known(Job, json.loads(text))


def event_to_json(event: Event) -> str:
    """An event as a line of text.

    :param event: The event.
    """
    (name,) = (name for name, kind in _EVENTS.items() if isinstance(event, kind))
    known = {key: value for key, value in event._asdict().items() if value is not None}
    return json.dumps({"event": name, **known})


def event_from_json(line: str | bytes) -> Event:
    """An event of a line of text.

    :param line: As ``event_to_json`` gives it.
    """
    document = json.loads(line)
    kind: type[Any] = _EVENTS[document["event"]]
    event: Event = _known(kind, document)
    return event


def _known(kind: type[_Message], document: Mapping[str, Any]) -> _Message:
    """A message of what its kind knows of a document."""
    names: tuple[str, ...] = kind._fields
    return kind(**{name: document[name] for name in names if name in document})
