"""Records on disk: one JSON document each, which ``record.schema.json`` beside this file describes.

The parts of a case lie there side by side. Version 1 is the first; its first records lack
``beside`` and ``max_rss_bytes``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from edge.bench.record import (
    CaseRecord,
    Quality,
    Record,
    Resources,
    Setup,
    Timing,
    Workload,
)
from edge.bench.statistics import Distribution
from edge.device.state import Identity
from edge.errors import BenchError
from edge.files import write_atomically

SCHEMA_VERSION = 1
_LATER = frozenset({"beside", "max_rss_bytes"})
"""Fields that the first records lack."""
Json = dict[str, Any]
_Part = TypeVar(
    "_Part", Record, Identity, Setup, Workload, Timing, Resources, Quality, Distribution
)


def record_to_json(record: Record) -> Json:
    """A record as it lies on disk.

    :param record: The run.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": record.run_id,
        "utc": record.utc,
        "tool_version": record.tool_version,
        "git_commit": record.git_commit,
        "ort_version": record.ort_version,
        **asdict(record.identity),
        "arena": record.arena,
        "beside": record.beside,
        "power_source": record.power_source,
        "power_reason": record.power_reason,
        "finished": record.is_finished,
        "cases": [_case_to_json(case) for case in record.cases],
        "valid": record.is_valid,
        "invalid_reasons": list(record.invalid_reasons),
    }


def _case_to_json(case: CaseRecord) -> Json:
    return {
        **asdict(case.setup),
        **asdict(case.workload),
        **asdict(case.timing),
        **asdict(case.resources),
        "quality": None if case.quality is None else asdict(case.quality),
        "warnings": list(case.warnings),
        "valid": case.is_valid,
        "invalid_reasons": list(case.invalid_reasons),
    }


def record_from_json(document: Json) -> Record:
    """A record of what lies on disk.

    :param document: As ``record_to_json`` gives it.
    :raises KeyError: If something is missing.
    """
    return _read(
        Record,
        {
            **document,
            "identity": _read(Identity, document),
            "is_finished": document["finished"],
            "cases": tuple(map(case_from_json, document["cases"])),
            "invalid_reasons": tuple(document["invalid_reasons"]),
        },
    )


def case_from_json(document: Json) -> CaseRecord:
    """A case of what lies on disk.

    :param document: One of a record's.
    :raises KeyError: If something is missing.
    """
    times = {
        **document,
        "e2e_ms": _read(Distribution, document["e2e_ms"]),
        "samples_ns": tuple(map(tuple, document["samples_ns"])),
        "reference_ns": tuple(document["reference_ns"]),
    }
    return CaseRecord(
        setup=_read(Setup, document),
        workload=_read(Workload, document),
        timing=_read(Timing, times),
        resources=_read(Resources, document),
        quality=_read(Quality, document["quality"]) if document["quality"] else None,
        warnings=tuple(document["warnings"]),
        invalid_reasons=tuple(document["invalid_reasons"]),
    )


def _read(kind: type[_Part], document: Json) -> _Part:
    """The part of a document that a class has fields for."""
    names = [field.name for field in fields(kind)]
    known = (name for name in names if name in document or name not in _LATER)
    return kind(**{name: document[name] for name in known})


def save(record: Record, path: Path) -> None:
    """Write a record so that it is there whole or not at all.

    :param record: The run.
    :param path: The file.
    :raises OutputError: If it cannot be written.
    """
    write_atomically(path, json.dumps(record_to_json(record), indent=1) + "\n")


def load(path: Path) -> Record:
    """Read a record.

    :param path: As ``save`` wrote it.
    :raises BenchError: If it is none, or of another version.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchError(
            f"cannot read {path}: {error.strerror or error}", "Give a record of 'edge bench'."
        ) from error
    except ValueError as error:
        raise BenchError(
            f"{path} is no JSON: {error}", "Give a record that 'edge bench' wrote."
        ) from error
    if not isinstance(document, dict) or not {"cases", "schema_version"} <= document.keys():
        raise _no_record(path)
    if document["schema_version"] != SCHEMA_VERSION:
        raise BenchError(
            f"{path} has schema version {document['schema_version']}; this program reads "
            f"{SCHEMA_VERSION}",
            "Use the edge-insights that wrote it, or measure again.",
        )
    try:
        return record_from_json(document)
    except (KeyError, TypeError) as error:
        raise _no_record(path) from error


def _no_record(path: Path) -> BenchError:
    return BenchError(
        f"{path} is no record of the latency suite", "Give a record that 'edge bench' wrote."
    )
