"""A kit: one archive that installs Edge Insights on a device whose network cable is out."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edge.bundles.files import verify_files
from edge.bundles.manifest import Bundle, file_sha256
from edge.version import __version__
from edge_export.errors import KitError
from edge_export.log import Log, no_log
from edge_export.wheels import (
    PROJECT,
    PROJECT_PACKAGE,
    RUNTIME,
    Device,
    build_project_wheel,
    check_fits,
    check_python,
    fetch_wheel,
    package_of,
)

FILES = Path(__file__).parent / "kit_files"
DEVICES = {
    device.name: device
    for device in (
        Device("pi4", "aarch64", "3.11", 36, "Raspberry Pi OS 64-bit (Bookworm)"),
        Device("pi5", "aarch64", "3.11", 36, "Raspberry Pi OS 64-bit (Bookworm)"),
        Device("pi-zero-2w", "aarch64", "3.11", 36, "Raspberry Pi OS 64-bit (Bookworm)"),
        Device("jetson-orin", "aarch64", "3.10", 35, "JetPack 6 (Ubuntu 22.04)"),
        Device("x86", "x86_64", "3.11", 35, "any Linux of 2021 or later"),
    )
}


@dataclass(frozen=True)
class Kit:
    """A kit that was written."""

    path: Path
    name: str
    size_bytes: int
    sha256: str


def build_kit(
    device: Device,
    bundles: Sequence[Bundle],
    archive: Path,
    *,
    python: str | None = None,
    wheels: Sequence[Path] = (),
    log: Log = no_log,
) -> Kit:
    """Fetch and build the wheels, and write the archive. The same inputs give the same bytes.

    :param device: What it is for.
    :param bundles: Models beside the embedded one.
    :param archive: The archive, a tar file.
    :param python: Its Python, such as ``3.11``; None for what is usual there.
    :param wheels: Used in place of those that would be fetched or built, such as NVIDIA's build of
        onnxruntime for a Jetson.
    :param log: Told of each step.
    :raises KitError: If there are no known versions for that Python, or a wheel does not fit.
    :raises FetchError: If a wheel cannot be fetched or built.
    :raises BundleError: If a bundle is damaged.
    """
    python = python or device.python
    check_python(python)
    for bundle in bundles:
        verify_files(bundle)
    archive = archive.absolute()
    if not archive.parent.is_dir():
        raise KitError(f"there is no folder {archive.parent}", "Give another --archive.")
    with tempfile.TemporaryDirectory(dir=archive.parent) as work:
        folder = Path(work)
        given = {package_of(wheel): wheel for wheel in wheels}
        for name, wheel in given.items():
            check_fits(wheel, device, python)
            log(f"taking {wheel.name} for {name}")
        taken = [
            given.get(name) or fetch_wheel(name, device, python, folder, log) for name in RUNTIME
        ]
        taken.append(given.get(PROJECT_PACKAGE) or build_project_wheel(folder, log))
        pip = fetch_wheel("pip", device, python, folder, log)
        files = _contents(device, python, taken, pip, bundles)
        return _write(files, device, archive)


def _contents(
    device: Device, python: str, wheels: Sequence[Path], pip: Path, bundles: Sequence[Bundle]
) -> dict[str, bytes]:
    """Everything in the archive but the sums: path -> content."""
    files = {
        "install.sh": (FILES / "install.sh").read_bytes(),
        "edge-watch.service": (FILES / "edge-watch.service").read_bytes(),
        f"pip/{pip.name}": pip.read_bytes(),
        "licences/edge-insights/LICENSE": (_licence_folder() / "LICENSE").read_bytes(),
        "licences/edge-insights/NOTICE": (_licence_folder() / "NOTICE").read_bytes(),
    }
    for wheel in wheels:
        files[f"wheels/{wheel.name}"] = wheel.read_bytes()
        files |= {f"licences/{path}": text for path, text in _licences(wheel).items()}
    for bundle in bundles:
        inside = f"bundles/{bundle.manifest.name}/{bundle.manifest.precision}"
        for name in ("manifest.json", *(file.path for file in bundle.manifest.files)):
            files[f"{inside}/{name}"] = (bundle.folder / name).read_bytes()
    described = {
        "device": device.name,
        "system": device.system,
        "machine": device.machine,
        "python": python,
        "edge_insights": __version__,
        "wheels": sorted(wheel.name for wheel in wheels),
        "bundles": {
            bundle.id: {"sha256": bundle.sha256, "licence": bundle.manifest.licence}
            for bundle in bundles
        },
    }
    files["kit.json"] = (json.dumps(described, indent=1, sort_keys=True) + "\n").encode()
    identity = hashlib.sha256(_sums(files)).hexdigest()[:12]
    files["kit.env"] = (
        f"KIT={__version__}-{identity}\nMACHINE={device.machine}\nPYTHON_VERSION={python}\n"
    ).encode()
    return files


def _licence_folder() -> Path:
    """Where this project's licence lies: in a checkout, or beside the installed package."""
    if (PROJECT / "LICENSE").exists():
        return PROJECT
    from importlib.metadata import distribution

    files = distribution("edge-insights").files or ()
    licences = [path for path in files if path.name == "LICENSE"]
    if not licences:
        raise KitError("this installation has no licence file", "Install edge-insights again.")
    return Path(str(licences[0].locate())).parent


_LICENCE = re.compile(r"(licen[cs]e|copying|notice|thirdparty|authors)", re.IGNORECASE)


def _licences(wheel: Path) -> dict[str, bytes]:
    """Licence texts inside a wheel: package/path -> text."""
    package = wheel.name.split("-")[0]
    with zipfile.ZipFile(wheel) as archive:
        return {
            f"{package}/{PurePosixPath(name).name}": archive.read(name)
            for name in archive.namelist()
            if _LICENCE.match(PurePosixPath(name).name)
            and PurePosixPath(name).suffix in ("", ".txt", ".md", ".rst")
        }


def _sums(files: Mapping[str, bytes]) -> bytes:
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def _write(files: dict[str, bytes], device: Device, target: Path) -> Kit:
    """The archive, whole or not at all; nothing in it depends on when or by whom it was made."""
    files = {**files, "SHA256SUMS": _sums(files)}
    name = f"edge-insights-{__version__}-{device.name}"
    partial = target.with_name(f".{target.name}.partial")
    try:
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted(files):
                entry = tarfile.TarInfo(f"{name}/{path}")
                entry.size = len(files[path])
                entry.mode = 0o755 if path == "install.sh" else 0o644
                archive.addfile(entry, io.BytesIO(files[path]))
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise KitError(
            f"cannot write {target}: {error.strerror or error}",
            "Check the folder's permissions and the free space.",
        ) from error
    return Kit(target, name, target.stat().st_size, file_sha256(target))
