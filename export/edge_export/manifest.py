"""The manifest of a bundle in the making: drafted from its files, completed, written."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge.bundles.manifest import (
    MANIFEST_NAME,
    Bundle,
    BundleFile,
    Manifest,
    TensorSpec,
    file_sha256,
    read_bundle,
)
from edge.bundles.specs import HeadSpec
from edge.version import __version__


@dataclass(frozen=True)
class ModelIdentity:
    """What a bundle holds, whatever its precision."""

    name: str
    task: str
    licence: str
    origin: Mapping[str, Any]
    """Where the weights came from."""


def draft_manifest(
    model: ModelIdentity,
    precision: str,
    quantization: Mapping[str, Any],
    tools: Sequence[str],
    folder: Path,
) -> Manifest:
    """What is known of a bundle before the model has run.

    :param model: Which model it is.
    :param precision: One of ``edge.bundles.manifest.PRECISIONS``.
    :param quantization: How the weights were converted.
    :param tools: Packages whose versions are recorded.
    :param folder: The bundle's files, ``model.onnx`` among them.
    """
    inputs, outputs = tensor_specs(folder / "model.onnx")
    return Manifest(
        name=model.name,
        task=model.task,
        precision=precision,
        licence=model.licence,
        origin=model.origin,
        quantization=quantization,
        tool_versions={
            "edge-insights": __version__,
            "python": platform.python_version(),
            **package_versions(tools),
        },
        inputs=inputs,
        outputs=outputs,
        certificate={},
        files=tuple(_bundle_file(path) for path in sorted(folder.iterdir())),
    )


def package_versions(packages: Sequence[str]) -> dict[str, str]:
    """Package -> its version here, for the record.

    :param packages: Names of installed packages.
    """
    return {package: version(package) for package in packages}


def tensor_specs(model: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs of an ONNX file.

    :param model: The file.
    """
    import onnx

    graph = onnx.load(model, load_external_data=False).graph

    def specs(values: Any) -> tuple[TensorSpec, ...]:
        return tuple(
            TensorSpec(
                value.name,
                onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower(),
                tuple(dim.dim_value or -1 for dim in value.type.tensor_type.shape.dim),
            )
            for value in values
        )

    return specs(graph.input), specs(graph.output)


def write_manifest(folder: Path, manifest: Manifest) -> Bundle:
    """Write a bundle's manifest.

    :param folder: The bundle folder.
    :param manifest: What to write.
    :return: The bundle, as a device will read it.
    :raises BundleError: If a device would refuse it.
    """
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return read_bundle(folder)


def write_heads(bundle: Bundle, heads: Sequence[HeadSpec]) -> Bundle:
    """Name a bundle's heads, in place of those it had, in its manifest.

    :param bundle: Its folder holds the heads' files.
    :param heads: All heads it will have.
    """
    old = {head.file for head in bundle.manifest.heads}
    kept = [file for file in bundle.manifest.files if file.path not in old]
    added = [_bundle_file(bundle.folder / head.file) for head in heads]
    files = tuple(sorted([*kept, *added], key=lambda file: file.path))
    return write_manifest(bundle.folder, replace(bundle.manifest, heads=tuple(heads), files=files))


def _bundle_file(path: Path) -> BundleFile:
    return BundleFile(path.name, file_sha256(path), path.stat().st_size)
