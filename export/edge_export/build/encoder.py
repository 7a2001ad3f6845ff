"""A sentence encoder's bundle: optimum's export, fused, quantized, compared by its vectors."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from edge.bundles.manifest import Bundle, read_bundle
from edge.bundles.specs import EncoderSpec, Golden
from edge.bundles.store import find_bundle
from edge.errors import BundleError
from edge.runtime.encoder import Encoder
from edge_export.build.bundle import draft_manifest, write_manifest
from edge_export.errors import ExportError
from edge_export.gates.embeddings import certify, compare, seed_sentences, torch_embeddings
from edge_export.log import Log
from edge_export.recipe import EncoderRecipe, Recipe
from edge_export.sources.fetch import Checkpoint
from edge_export.training.to_onnx import copy_heads

GOLDEN_TEXTS = (
    "Big models are slow to serve, and halving the inference time decides whether we break even.",
    "My first question is how you got into machine learning.",
    "Thank you.",
)
GOLDEN_MIN_COSINE = 0.98
"""Other processors round INT8 otherwise; a wrong kernel lands far below this."""


def build_encoder(
    recipe: Recipe, precision: str, checkpoint: Checkpoint, seeds: Path, work: Path, log: Log
) -> Bundle:
    """Build and certify a sentence encoder.

    :param recipe: With an encoder.
    :param precision: One of the recipe's.
    :param checkpoint: The weights.
    :param seeds: Transcripts whose sentences the gate compares.
    :param work: Folder to write to.
    :param log: Told of each step.
    :raises ExportError: If a step fails or the gate refuses.
    """
    settings = recipe.encoder
    assert settings is not None
    sentences = seed_sentences(seeds)
    draft = _draft(recipe, settings, precision, checkpoint, work, log)
    draft = _with_trained_heads(draft, log)
    log(f"comparing with PyTorch on {len(sentences)} sentences")
    reference = torch_embeddings(checkpoint.folder, sentences, settings.max_tokens)
    encoder = Encoder(draft)
    report = compare(reference, encoder.encode(sentences))
    log(f"mean cosine {report.mean_cosine:.4f}, top-10 agreement {report.top10_agreement:.4f}")
    gate = recipe.encoder_gates[precision]
    manifest = replace(
        draft.manifest,
        certificate=certify(report, gate, precision, "PyTorch fp32, seed sentences"),
        golden=golden_sample(encoder),
    )
    write_manifest(draft.folder, manifest)
    return read_bundle(draft.folder)


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


def _draft(
    recipe: Recipe,
    settings: EncoderRecipe,
    precision: str,
    checkpoint: Checkpoint,
    work: Path,
    log: Log,
) -> Bundle:
    """A bundle folder that can be loaded but is not certified yet."""
    from edge_export.build.encoder_graph import export_fp32, fuse
    from edge_export.build.quantize import convert

    log("exporting with optimum")
    exported = export_fp32(checkpoint.folder, work, settings.opset)
    fused = fuse(exported, work, settings.optimize)
    log(f"converting to {precision}")
    folder = work / "bundle"
    folder.mkdir()
    quantization = convert(fused, folder / "model.onnx", precision, settings.int8)
    tokenizer = checkpoint.folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise ExportError(
            f"{checkpoint.folder} has no tokenizer.json",
            "Save the checkpoint with a fast tokenizer.",
        )
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    manifest = draft_manifest(recipe, precision, checkpoint, quantization, folder)
    dimension = manifest.outputs[0].shape[-1]
    manifest = replace(
        manifest,
        encoder=_encoder_spec(settings, checkpoint.folder, dimension),
        golden=Golden(("x",), ((0.0,) * dimension,), GOLDEN_MIN_COSINE),
    )
    write_manifest(folder, manifest)
    return read_bundle(folder)


def _encoder_spec(settings: EncoderRecipe, checkpoint: Path, dimension: int) -> EncoderSpec:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    return EncoderSpec(
        dimension=dimension,
        max_tokens=settings.max_tokens,
        pooling=settings.pooling,
        normalize=settings.normalize,
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
