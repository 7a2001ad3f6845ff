"""The files of a bundle, checked before anything loads them: unchanged, and self-contained.

onnxruntime follows a tensor's external-data path wherever it leads (older versions even out of
the model's folder), so the paths are read from the protobuf wire format first, without the onnx
package. Field numbers: onnx.proto3 of the ONNX 1.x standard.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from edge.bundles.manifest import COPY_AGAIN, Bundle, file_sha256
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


def verify_files(bundle: Bundle) -> None:
    """Check that every listed file is there, whole and unchanged, and nothing is a link.

    :param bundle: As ``read_bundle`` gives it.
    :raises BundleError: At the first file that differs.
    """
    for file in bundle.manifest.files:
        path = bundle.folder / file.path
        if path.is_symlink() or not path.is_file():
            raise BundleError(f"{path} is missing or is no regular file", COPY_AGAIN)
        size_bytes = path.stat().st_size
        if size_bytes != file.size_bytes:
            raise BundleError(
                f"{path} has {size_bytes} bytes, its manifest says {file.size_bytes}", COPY_AGAIN
            )
        digest = file_sha256(path)
        if digest != file.sha256:
            raise BundleError(
                f"{path} was changed: sha256 {digest}, its manifest says {file.sha256}", COPY_AGAIN
            )


def model_path(bundle: Bundle, name: str = "model.onnx") -> Path:
    """Path of an ONNX file that refers to nothing outside its bundle.

    :param bundle: The bundle.
    :param name: The file's name.
    :raises BundleError: If it is not listed, or refers outside.
    """
    model = bundle.path(name)
    outside = external_data_paths(model) - {file.path for file in bundle.manifest.files}
    if outside:
        raise BundleError(
            f"{model} refers to files outside its bundle: {sorted(outside)[:3]}",
            "Do not use this bundle unless you know who made it; export it again.",
        )
    return model


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
