"""One bundle from a recipe: fetch, export, fuse, quantize, compare, write."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from edge import __version__
from edge.encoder import Encoder
from edge.errors import BundleError
from edge.manifest import (
    MANIFEST_NAME,
    Bundle,
    BundleFile,
    EncoderSpec,
    Golden,
    Manifest,
    TensorSpec,
    file_sha256,
    read_bundle,
)
from edge.store import find_bundle, install_bundle
from export.errors import ExportError, MissingExtraError, RecipeError
from export.fetch import Checkpoint, fetch
from export.heads import copy_heads
from export.parity import certify, compare, seed_sentences, torch_embeddings
from export.recipe import Recipe

GOLDEN_TEXTS = (
    "Big models are slow to serve, and halving the inference time decides whether we break even.",
    "My first question is how you got into machine learning.",
    "Thank you.",
)
GOLDEN_MIN_COSINE = 0.98
"""Other processors round INT8 otherwise; a wrong kernel lands far below this."""
TOOLS = ("torch", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime", "tokenizers")

Log = Callable[[str], None]


def build_bundle(recipe: Recipe, precision: str, output: Path, seeds: Path, log: Log) -> Bundle:
    """Build and certify one bundle; nothing is written unless the gate passes.

    :param recipe: The model's recipe.
    :param precision: One of the recipe's gates.
    :param output: Bundle folder to write; replaced as a whole if it exists.
    :param seeds: Transcripts whose sentences the gate compares.
    :param log: Told of each step.
    :raises ExportError: If a step fails or the gate refuses.
    """
    if precision not in recipe.gates:
        raise RecipeError(
            f"recipe {recipe.name} has no precision {precision!r}",
            f"It has: {', '.join(recipe.gates)}.",
        )
    require_extra()
    sentences = seed_sentences(seeds)
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        work = Path(temporary)
        checkpoint = fetch(recipe.sources, work, log)
        draft = _with_trained_heads(_draft(recipe, precision, checkpoint, work, log), log)
        log(f"comparing with PyTorch on {len(sentences)} sentences")
        reference = torch_embeddings(checkpoint.folder, sentences, recipe.encoder.max_tokens)
        encoder = Encoder(draft)
        report = compare(reference, encoder.encode(sentences))
        log(f"mean cosine {report.mean_cosine:.4f}, top-10 agreement {report.top10_agreement:.4f}")
        manifest = replace(
            draft.manifest,
            certificate=certify(
                report, recipe.gates[precision], precision, "PyTorch fp32, seed sentences"
            ),
            golden=golden_sample(encoder),
        )
        write_manifest(draft.folder, manifest)
        return install_bundle(draft.folder, output, replace_existing=True)


def _with_trained_heads(draft: Bundle, log: Log) -> Bundle:
    """The draft with the heads learned on the embedded bundle of the same weights, if any."""
    try:
        trained = find_bundle(f"{draft.manifest.name}-int8")
    except BundleError:
        trained = draft
    if trained.manifest.origin != draft.manifest.origin or not trained.manifest.heads:
        log("no heads were learned for these weights yet: see 'edge-export train'")
        return draft
    return copy_heads(trained, draft)


def require_extra() -> None:
    """Check that the export tools are installed.

    :raises MissingExtraError: Naming the command that installs them.
    """
    try:
        import accelerate  # noqa: F401
        import gguf  # noqa: F401
        import onnx  # noqa: F401
        import optimum.exporters.onnx  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"exporting needs {error.name or 'a package'}, which is not installed here",
            "Install the workstation side: pip install 'edge-insights[export]'",
        ) from error


def _draft(recipe: Recipe, precision: str, checkpoint: Checkpoint, work: Path, log: Log) -> Bundle:
    """A bundle folder that can be loaded but is not certified yet."""
    from export.graph import export_fp32, fuse
    from export.quantize import convert

    log("exporting with optimum")
    fused = fuse(export_fp32(checkpoint.folder, work, recipe.opset), work, recipe.optimize)
    log(f"converting to {precision}")
    folder = work / "bundle"
    folder.mkdir()
    quantization = convert(fused, folder / "model.onnx", precision, recipe.int8)
    tokenizer = checkpoint.folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise ExportError(
            f"{checkpoint.folder} has no tokenizer.json",
            "Save the checkpoint with a fast tokenizer.",
        )
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    inputs, outputs = tensor_specs(folder / "model.onnx")
    manifest = Manifest(
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
        encoder=_encoder_spec(recipe, checkpoint.folder, outputs[0]),
        certificate={},
        golden=Golden(("x",), ((0.0,) * outputs[0].shape[-1],), GOLDEN_MIN_COSINE),
        files=tuple(
            BundleFile(path.name, file_sha256(path), path.stat().st_size)
            for path in sorted(folder.iterdir())
        ),
    )
    write_manifest(folder, manifest)
    return read_bundle(folder)


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


def _encoder_spec(recipe: Recipe, checkpoint: Path, output: TensorSpec) -> EncoderSpec:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    return EncoderSpec(
        dimension=output.shape[-1],
        max_tokens=recipe.encoder.max_tokens,
        pooling=recipe.encoder.pooling,
        normalize=recipe.encoder.normalize,
        pad_token_id=tokenizer.pad_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
    )


def golden_sample(encoder: Encoder) -> Golden:
    """Vectors of some texts, for a device to compare its own with.

    :param encoder: The finished model.
    """
    vectors = encoder.encode(GOLDEN_TEXTS)
    rows = tuple(tuple(round(float(x), 5) for x in row) for row in vectors)
    return Golden(GOLDEN_TEXTS, rows, GOLDEN_MIN_COSINE)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a bundle's manifest.

    :param folder: The bundle folder.
    :param manifest: What to write.
    """
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
