"""Where bundles are: the one inside the package, and those the user added."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from edge.bundles.files import verify_files
from edge.bundles.manifest import Bundle, read_bundle
from edge.errors import BundleError, OutputError

DEFAULT_BUNDLE = "minilm-l6-int8"
HOME_VARIABLE = "EDGE_INSIGHTS_HOME"


def embedded_models_folder() -> Path:
    """Folder of model folders that came with the program.

    In an installed wheel it lies inside the package, in a source checkout beside it.
    """
    package = Path(__file__).parents[1]
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def user_models_folder() -> Path:
    """Folder of the bundles added with ``edge models add``; need not exist."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home or click.get_app_dir("edge-insights")) / "models"


def list_bundles() -> list[Bundle]:
    """All bundles here, the default first; a broken folder is left out."""
    folders = [*sorted(embedded_models_folder().glob("*/*")), *_user_folders()]
    bundles = []
    for folder in folders:
        try:
            bundles.append(read_bundle(folder))
        except BundleError:
            continue
    return sorted(bundles, key=lambda bundle: (bundle.id != DEFAULT_BUNDLE, bundle.id))


def broken_folders() -> list[tuple[Path, str]]:
    """User bundle folders that cannot be read, with the reason."""
    broken = []
    for folder in _user_folders():
        try:
            read_bundle(folder)
        except BundleError as error:
            broken.append((folder, error.message))
    return broken


def _user_folders() -> list[Path]:
    folder = user_models_folder()
    return sorted(path for path in folder.glob("*") if path.is_dir() and path.name[0] != ".")


def find_summarizer(name: str | Path | None = None) -> Bundle | None:
    """A bundle fine-tuned for summarization, the smallest where there are several.

    :param name: ``name-precision`` or a bundle folder's path; None for any that is here.
    :return: None if there is none and none was named.
    :raises BundleError: If the named one is not here.
    """
    if name is not None:
        return find_bundle(name)
    summarizers = [
        bundle
        for bundle in list_bundles()
        if bundle.manifest.generator and bundle.manifest.generator.writes_summaries
    ]
    return min(summarizers, key=lambda bundle: bundle.size_bytes, default=None)


def find_bundle(name: str | Path | None = None) -> Bundle:
    """A bundle by name, by folder, or the default.

    :param name: ``name-precision``, a bundle folder's path, or None for the default.
    :raises BundleError: If there is none; the message lists what is here.
    """
    bundle_id = DEFAULT_BUNDLE if name is None else str(name)
    if name is not None and (os.sep in bundle_id or Path(name).is_dir()):
        return read_bundle(Path(name))
    bundles = list_bundles()
    for bundle in bundles:
        if bundle.id == bundle_id:
            return bundle
    raise BundleError(
        f"there is no model {bundle_id!r}; here are: {', '.join(b.id for b in bundles) or 'none'}",
        "Add one with 'edge models add FOLDER', or give the path of a bundle folder.",
    )


def add_bundle(source: Path, replace_existing: bool = False) -> Bundle:
    """Copy a bundle into the user's models, after checking it whole.

    :param source: Bundle folder, on a USB stick for example.
    :param replace_existing: Whether one of the same name may be replaced.
    :raises BundleError: If it is damaged, or there already.
    :raises OutputError: If it cannot be written.
    """
    bundle = read_bundle(source)
    target = user_models_folder() / bundle.id
    if target.exists() and not replace_existing:
        raise BundleError(
            f"model {bundle.id} was added before, to {target}",
            "Replace it with --force, or remove it with 'edge models remove'.",
        )
    return install_bundle(source, target, replace_existing)


def remove_bundle(name: str) -> Path:
    """Delete a bundle the user added; the embedded one stays.

    :param name: ``name-precision``.
    :raises BundleError: If the user added no such bundle.
    :raises OutputError: If it cannot be deleted.
    """
    folders = {path.name: path for path in _user_folders()}
    if name not in folders:
        embedded = name in {bundle.id for bundle in list_bundles()}
        what = "came with the program and stays" if embedded else "was never added"
        raise BundleError(
            f"model {name!r} {what}; added were: {', '.join(sorted(folders)) or 'none'}",
            "'edge models list' shows all models and where they are.",
        )
    try:
        shutil.rmtree(folders[name])
    except OSError as error:
        raise OutputError(
            f"cannot delete {folders[name]}: {error}", "Check permissions."
        ) from error
    return folders[name]


def install_bundle(source: Path, target: Path, replace_existing: bool) -> Bundle:
    """Copy a verified bundle's listed files to a folder in one step.

    :param source: Bundle folder.
    :param target: Folder to make; never left half written.
    :param replace_existing: Whether it may exist.
    :raises BundleError: If the source is damaged.
    :raises OutputError: If the target cannot be written.
    """
    bundle = read_bundle(source)
    verify_files(bundle)
    staging = target.with_name(f".{target.name}.new")
    retired = target.with_name(f".{target.name}.old")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (staging, retired):
            shutil.rmtree(leftover, ignore_errors=True)
        staging.mkdir()
        for name in ("manifest.json", *(file.path for file in bundle.manifest.files)):
            shutil.copyfile(source / name, staging / name)
        verify_files(read_bundle(staging))
        if target.exists() and replace_existing:
            target.rename(retired)
        staging.rename(target)
        shutil.rmtree(retired, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise OutputError(
            f"cannot write the bundle to {target}: {error.strerror or error}",
            "Check the folder's permissions and the free space.",
        ) from error
    return read_bundle(target)
