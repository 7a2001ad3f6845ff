"""One bundle from a recipe: fetch, export, quantize, compare, write."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge import __version__
from edge.bundles.manifest import (
    MANIFEST_NAME,
    Bundle,
    BundleFile,
    Manifest,
    TensorSpec,
    file_sha256,
)
from edge.bundles.store import install_bundle
from edge_export.errors import RecipeError
from edge_export.extras import EXPORTING, require
from edge_export.log import Log
from edge_export.recipe import Recipe
from edge_export.sources.fetch import Checkpoint, fetch

TOOLS = ("torch", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime", "tokenizers")


def build_bundle(recipe: Recipe, precision: str, output: Path, seeds: Path, log: Log) -> Bundle:
    """Build and certify one bundle; nothing is written unless the gate passes.

    :param recipe: The model's recipe.
    :param precision: One of the recipe's gates.
    :param output: Bundle folder to write; replaced as a whole if it exists.
    :param seeds: Transcripts whose sentences the gate compares.
    :param log: Told of each step.
    :raises ExportError: If a step fails or the gate refuses.
    """
    from edge_export.build.encoder import build_encoder
    from edge_export.build.generator import build_generator

    if precision not in recipe.precisions:
        raise RecipeError(
            f"recipe {recipe.name} has no precision {precision!r}",
            f"It has: {', '.join(recipe.precisions)}.",
        )
    require(EXPORTING, "exporting", "export")
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        work = Path(temporary)
        checkpoint = fetch(recipe.sources, work, log)
        build = build_generator if recipe.generation else build_encoder
        bundle = build(recipe, precision, checkpoint, seeds, work, log)
        return install_bundle(bundle.folder, output, replace_existing=True)


def draft_manifest(
    recipe: Recipe,
    precision: str,
    checkpoint: Checkpoint,
    quantization: Mapping[str, Any],
    folder: Path,
) -> Manifest:
    """What is known of a bundle before the model has run.

    :param recipe: The model's recipe.
    :param precision: Of the bundle.
    :param checkpoint: Where the weights came from.
    :param quantization: How they were converted.
    :param folder: The bundle's files.
    """
    inputs, outputs = tensor_specs(folder / "model.onnx")
    return Manifest(
        name=recipe.name,
        task=recipe.task,
        precision=precision,
        licence=recipe.licence,
        origin=checkpoint.origin,
        quantization=quantization,
        tool_versions={
            "edge-insights": __version__,
            "python": platform.python_version(),
            **{tool: version(tool) for tool in TOOLS},
        },
        inputs=inputs,
        outputs=outputs,
        certificate={},
        files=tuple(
            BundleFile(path.name, file_sha256(path), path.stat().st_size)
            for path in sorted(folder.iterdir())
        ),
    )


def tensor_specs(model: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs of an ONNX file.

    :param model: The file.
    """
    import onnx

    graph = onnx.load(model, load_external_data=False).graph

    def specs(values) -> tuple[TensorSpec, ...]:  # type: ignore[no-untyped-def]
        return tuple(
            TensorSpec(
                value.name,
                onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower(),
                tuple(dim.dim_value or -1 for dim in value.type.tensor_type.shape.dim),
            )
            for value in values
        )

    return specs(graph.input), specs(graph.output)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a bundle's manifest.

    :param folder: The bundle folder.
    :param manifest: What to write.
    """
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
