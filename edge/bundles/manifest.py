"""The seam between workstation and device: what a bundle folder says about itself.

``export`` writes it, ``edge`` reads and checks it, both through this module. A bundle is
one flat folder: ``manifest.json`` and the files it lists. docs/adr/0002-bundle.md tells why.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge.bundles.specs import (
    EncoderSpec,
    GeneratorSpec,
    Golden,
    HeadSpec,
    encoder_spec,
    generator_spec,
    golden,
    head_spec,
    require_text,
)
from edge.errors import BundleError

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
TASK_SENTENCE_EMBEDDING = "sentence-embedding"
TASK_TEXT_GENERATION = "text-generation"
"""A decoder-only model goes on from a prompt."""
TASK_TEXT_TO_TEXT = "text2text-generation"
"""An encoder-decoder model makes a text of another one."""
GENERATION_TASKS = (TASK_TEXT_GENERATION, TASK_TEXT_TO_TEXT)
PRECISIONS = ("fp32", "fp16", "int8", "int4")

COPY_AGAIN = "Copy the bundle again from where it was built, or rebuild it with edge-export."
"""What to do about a bundle that is not as it was built."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 23
"""Large: between two of them a thread waits for its turn in Python."""
_MAX_MANIFEST_BYTES = 1 << 20


@dataclass(frozen=True)
class BundleFile:
    """One file of the bundle."""

    path: str
    """Plain file name; no folders."""
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class TensorSpec:
    """Name, element type and shape of a model input or output; -1 is any length."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """All that is known of a bundle."""

    name: str
    task: str
    precision: str
    licence: str
    """SPDX identifier of the weights."""
    origin: Mapping[str, Any]
    """Where the weights came from: kind, package or repository, version, hashes."""
    quantization: Mapping[str, Any]
    tool_versions: Mapping[str, str]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    certificate: Mapping[str, Any]
    """What the quality gate measured against the PyTorch model, and its limits."""
    files: tuple[BundleFile, ...]
    encoder: EncoderSpec | None = None
    """Of a sentence encoder, and so is ``golden``."""
    golden: Golden | None = None
    generator: GeneratorSpec | None = None
    """Of a generative model."""
    heads: tuple[HeadSpec, ...] = ()
    schema_version: int = field(default=SCHEMA_VERSION)

    def to_json(self) -> str:
        """The manifest as its file is written: sorted keys, one line a leaf."""
        document = {key: value for key, value in asdict(self).items() if value is not None}
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest and hashes were checked."""

    folder: Path
    manifest: Manifest
    sha256: str
    """Of manifest.json, and so, through the hashes in it, of the whole bundle."""

    @property
    def id(self) -> str:
        """``name-precision``, the name users type."""
        return f"{self.manifest.name}-{self.manifest.precision}"

    @property
    def size_bytes(self) -> int:
        """Size of all listed files."""
        return sum(file.size_bytes for file in self.manifest.files)

    def path(self, name: str) -> Path:
        """Path of a listed file.

        :param name: Plain file name.
        :raises BundleError: If the manifest does not list it.
        """
        if name not in {file.path for file in self.manifest.files}:
            raise BundleError(f"bundle {self.id} has no file {name!r}", "Export the bundle again.")
        return self.folder / name


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle's manifest without hashing its files.

    :param folder: The bundle folder.
    :raises BundleError: If it is missing, malformed, newer than this program or unsafe.
    """
    path = folder / MANIFEST_NAME
    try:
        if path.is_symlink() or path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise BundleError(f"{path} is a link or too large to be a manifest", COPY_AGAIN)
        raw = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"no model bundle in {folder}: {error.strerror or error}",
            "A bundle is a folder with a manifest.json; 'edge models list' shows what is here.",
        ) from error
    try:
        document = json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BundleError(f"{path} is damaged: {error}", COPY_AGAIN) from error
    manifest = manifest_from_dict(document, path)
    return Bundle(folder, manifest, hashlib.sha256(raw).hexdigest())


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces.

    :param path: The file.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def manifest_from_dict(document: Any, path: Path) -> Manifest:
    """Build a manifest from parsed JSON, checking every field.

    :param document: What ``json.loads`` gave.
    :param path: Named in errors.
    :raises BundleError: If a field is missing, of a wrong type or not allowed.
    """
    if not isinstance(document, dict):
        raise BundleError(f"{path} is not a JSON object", COPY_AGAIN)
    version = document.get("schema_version")
    if not isinstance(version, int) or version < 1:
        raise BundleError(f"{path}: schema_version is {version!r}, not a number", COPY_AGAIN)
    if version > SCHEMA_VERSION:
        raise BundleError(
            f"{path} has schema version {version}; this program reads up to {SCHEMA_VERSION}",
            "Update edge-insights on this device, or export the bundle with its version.",
        )
    try:
        manifest = _build(document)
    except (KeyError, TypeError, ValueError) as error:
        what = f"has no {error}" if isinstance(error, KeyError) else f"is malformed: {error}"
        raise BundleError(f"{path} {what}", COPY_AGAIN) from error
    _check_allowed(manifest, path)
    return manifest


def _build(document: Mapping[str, Any]) -> Manifest:
    task = require_text(document["task"])
    encoder = sample = generator = None
    if task == TASK_SENTENCE_EMBEDDING:
        encoder = encoder_spec(document["encoder"])
        sample = golden(document["golden"], encoder.dimension)
    elif task in GENERATION_TASKS:
        generator = generator_spec(document["generator"])
    return Manifest(
        name=require_text(document["name"]),
        task=task,
        precision=require_text(document["precision"]),
        licence=require_text(document["licence"]),
        origin=dict(document["origin"]),
        quantization=dict(document["quantization"]),
        tool_versions=dict(document["tool_versions"]),
        inputs=tuple(_tensor(entry) for entry in document["inputs"]),
        outputs=tuple(_tensor(entry) for entry in document["outputs"]),
        certificate=dict(document["certificate"]),
        files=tuple(
            BundleFile(require_text(f["path"]), require_text(f["sha256"]), int(f["size_bytes"]))
            for f in document["files"]
        ),
        encoder=encoder,
        golden=sample,
        generator=generator,
        heads=tuple(head_spec(head) for head in document.get("heads", ())),
    )


def _tensor(entry: Mapping[str, Any]) -> TensorSpec:
    shape = tuple(int(n) for n in entry["shape"])
    return TensorSpec(require_text(entry["name"]), require_text(entry["dtype"]), shape)


def _check_allowed(manifest: Manifest, path: Path) -> None:
    """Refuse what this program cannot run."""
    tasks = (TASK_SENTENCE_EMBEDDING, *GENERATION_TASKS)
    if manifest.task not in tasks:
        raise BundleError(
            f"{path}: task {manifest.task!r} is none of {', '.join(tasks)}",
            "Update edge-insights on this device; 'edge models list' shows what is here.",
        )
    if manifest.precision not in PRECISIONS:
        raise BundleError(
            f"{path}: precision {manifest.precision!r} is none of {', '.join(PRECISIONS)}",
            COPY_AGAIN,
        )
    _check_files(manifest, path)


def _check_files(manifest: Manifest, path: Path) -> None:
    """Refuse names that could reach outside the bundle, and hashes that are none."""
    names = [file.path for file in manifest.files]
    for name in (manifest.name, *names):
        if not _NAME.fullmatch(name) or name == MANIFEST_NAME:
            raise BundleError(f"{path}: {name!r} is no plain name inside the bundle", COPY_AGAIN)
    if len(set(names)) != len(names) or not {"model.onnx", "tokenizer.json"} <= set(names):
        raise BundleError(
            f"{path} must list model.onnx and tokenizer.json, each file once", COPY_AGAIN
        )
    if not {head.file for head in manifest.heads} <= set(names):
        raise BundleError(f"{path}: a head's file is not listed", COPY_AGAIN)
    if not all(_SHA256.fullmatch(file.sha256) for file in manifest.files):
        raise BundleError(f"{path}: a sha256 is not 64 hexadecimal digits", COPY_AGAIN)
