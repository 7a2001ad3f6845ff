"""A sentence encoder's bundle: optimum's export, fused, quantized, compared by its vectors."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from edge.bundles.manifest import Bundle
from edge.bundles.specs import EncoderSpec, Golden
from edge.bundles.store import find_bundle
from edge.errors import BundleError
from edge.runtime.encoder import Encoder
from edge_export.build.encoder_graph import export_fp32, fuse
from edge_export.build.job import BuildJob
from edge_export.build.quantize import convert
from edge_export.errors import ExportError
from edge_export.gates.embeddings import certify, compare, torch_embeddings
from edge_export.gates.seeds import seed_sentences
from edge_export.graph.lora import adapter_origin, add_adapter, read_adapter
from edge_export.graph.reader import read_reader
from edge_export.log import Log
from edge_export.manifest import write_heads, write_manifest
from edge_export.recipe import EncoderRecipe
from edge_export.sources.fetch import Checkpoint

GOLDEN_TEXTS = (
    "Big models are slow to serve, and halving the inference time decides whether we break even.",
    "My first question is how you got into machine learning.",
    "Thank you.",
)
GOLDEN_MIN_COSINE = 0.98
"""Other processors round INT8 otherwise; a wrong kernel lands far below this."""


def build_encoder(job: BuildJob, settings: EncoderRecipe) -> Bundle:
    """Build and certify a sentence encoder.

    :param job: What is built, and where.
    :param settings: The recipe's encoder.
    :raises ExportError: If a step fails or the gate refuses.
    """
    sentences = seed_sentences(job.seeds)
    if settings.reader is not None:
        adapted = adapted_checkpoint(job.checkpoint, settings.reader, job.work / "adapted")
        job = replace(job, checkpoint=adapted)
    draft = _with_trained_heads(_draft(job, settings), job.log)
    if settings.reader is not None:
        draft = _with_reader(draft, settings.reader)
    job.log(f"comparing with PyTorch on {len(sentences)} sentences")
    reference = torch_embeddings(job.checkpoint.folder, sentences, settings.max_tokens)
    encoder = Encoder(draft)
    report = compare(reference, encoder.encode(sentences))
    job.log(f"mean cosine {report.mean_cosine:.4f}, top-10 agreement {report.top10_agreement:.4f}")
    gate = job.recipe.encoder_gates[job.precision]
    manifest = replace(
        draft.manifest,
        certificate=certify(report, gate, job.precision, "PyTorch fp32, seed sentences"),
        golden=golden_sample(encoder),
    )
    return write_manifest(draft.folder, manifest)


def adapted_checkpoint(checkpoint: Checkpoint, reader: Path, folder: Path) -> Checkpoint:
    """A checkpoint with the adapter that was taught with the reader added to its weights.

    :param checkpoint: The one it was taught on.
    :param reader: Folder of the adapter.
    :param folder: To write to.
    :raises RecipeError: If it cannot be read.
    """
    from transformers import AutoModel

    adapter = read_adapter(reader)
    shutil.copytree(checkpoint.folder, folder)
    model = AutoModel.from_pretrained(checkpoint.folder)
    add_adapter(model, adapter)
    model.save_pretrained(folder)
    origin = {**checkpoint.origin, "adapter_sha256": adapter_origin(reader)}
    return replace(checkpoint, folder=folder, origin=origin)


def _with_reader(draft: Bundle, reader: Path) -> Bundle:
    """The draft with the head that was taught with its weights."""
    files = read_reader(reader)
    (draft.folder / files.spec.file).write_bytes(files.head_bytes())
    others = [head for head in draft.manifest.heads if head.name != files.spec.name]
    return write_heads(draft, [*others, files.spec])


def _with_trained_heads(draft: Bundle, log: Log) -> Bundle:
    """The draft with the heads learned on the embedded bundle of the same weights, if any."""
    try:
        trained = find_bundle(f"{draft.manifest.name}-int8")
    except BundleError:
        trained = draft
    if trained.manifest.origin != draft.manifest.origin or not trained.manifest.heads:
        log("no heads were learned for these weights yet: see 'edge-export train'")
        return draft
    return _copy_heads(trained, draft)


def _copy_heads(source: Bundle, target: Bundle) -> Bundle:
    """Another bundle's heads: those of the same model in another precision."""
    for head in source.manifest.heads:
        (target.folder / head.file).write_bytes(source.path(head.file).read_bytes())
    return write_heads(target, source.manifest.heads)


def _draft(job: BuildJob, settings: EncoderRecipe) -> Bundle:
    """A bundle folder that can be loaded but is not certified yet."""
    checkpoint = job.checkpoint.folder
    job.log("exporting with optimum")
    exported = export_fp32(checkpoint, job.work, settings.opset)
    fused = fuse(exported, job.work, settings.optimize)
    job.log(f"converting to {job.precision}")
    folder = job.work / "bundle"
    folder.mkdir()
    quantization = convert(fused, folder / "model.onnx", job.precision, settings.int8)
    tokenizer = checkpoint / "tokenizer.json"
    if not tokenizer.is_file():
        raise ExportError(
            f"{checkpoint} has no tokenizer.json", "Save the checkpoint with a fast tokenizer."
        )
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    manifest = job.draft_manifest(quantization, folder)
    dimension = manifest.outputs[0].shape[-1]
    manifest = replace(
        manifest,
        encoder=_encoder_spec(settings, checkpoint, dimension),
        golden=Golden(("x",), ((0.0,) * dimension,), GOLDEN_MIN_COSINE),
    )
    return write_manifest(folder, manifest)


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
