"""Find the outside files an ONNX model refers to, without the onnx package.

onnxruntime follows a tensor's external-data path wherever it leads (older versions even
out of the model's folder), so the paths are read from the protobuf wire format first.
Field numbers: onnx.proto3 of the ONNX 1.x standard.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from edge.errors import BundleError

# Which fields of a message hold which messages, down to the external-data entries.
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_MAX_DEPTH = 64
_LOCATION = b"location"


def external_data_paths(model: Path) -> set[str]:
    """Every external-data location named anywhere in an ONNX file.

    :param model: The file.
    :raises BundleError: If the file is no well-formed ONNX model.
    """
    return {value for key, value in _external_entries(model) if key == "location"}


def external_data_bytes(model: Path) -> int:
    """Bytes of the weights an ONNX file keeps outside; what several tensors share counts once.

    :param model: The file.
    :raises BundleError: If the file is no well-formed ONNX model.
    """
    entries = _external_entries(model)
    offsets = [value for key, value in entries if key == "offset"]
    lengths = [int(value) for key, value in entries if key == "length"]
    return sum(dict(zip(offsets, lengths, strict=True)).values())


def _external_entries(model: Path) -> list[tuple[str, str]]:
    """(key, value) of every external-data entry, tensor by tensor."""
    try:
        with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            if view.find(_LOCATION) < 0:  # no entry without its key: nothing to walk through for
                return []
            return list(_entries(view, 0, len(view), "model", 0))
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise BundleError(
            f"{model} is no well-formed ONNX model: {error}",
            "Copy the bundle again from where it was built.",
        ) from error


def _entries(
    view: mmap.mmap, start: int, end: int, message: str, depth: int
) -> Iterator[tuple[str, str]]:
    if depth > _MAX_DEPTH:
        raise ValueError("messages are nested too deeply")
    if message == "entry":
        fields = {number: view[a:b] for number, a, b in _fields(view, start, end)}
        yield fields.get(1, b"").decode("utf-8"), fields.get(2, b"").decode("utf-8")
        return
    children = _CHILDREN[message]
    for number, a, b in _fields(view, start, end):
        if number in children:
            yield from _entries(view, a, b, children[number], depth + 1)


def _fields(view: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, start, end) of each length-delimited field of a message."""
    position = start
    while position < end:
        key, position = _varint(view, position, end)
        wire_type = key & 7
        if wire_type == 2:
            length, position = _varint(view, position, end)
            if position + length > end:
                raise ValueError("a field is longer than its message")
            yield key >> 3, position, position + length
            position += length
        elif wire_type == 0:
            _, position = _varint(view, position, end)
        elif wire_type in (1, 5):
            position += 8 if wire_type == 1 else 4
        else:
            raise ValueError(f"wire type {wire_type} does not occur in ONNX")


def _varint(view: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 64:
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number is cut short")
