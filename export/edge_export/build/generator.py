"""The bundle of a model that writes: graphs from the checkpoint, compared by their perplexity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from edge.bundles.manifest import TASK_TEXT_GENERATION, Bundle
from edge.generation.generator import Generator
from edge_export.build.generator_graph import (
    LoadedCheckpoint,
    load_checkpoint,
    write_decoder_graph,
    write_seq2seq_graphs,
)
from edge_export.build.generator_spec import generator_spec
from edge_export.build.job import BuildJob
from edge_export.gates.perplexity import GATE_TOKENS, certify, compare, torch_scores
from edge_export.gates.rouge import measure_rouge
from edge_export.gates.seeds import seed_windows
from edge_export.graph.lora import adapter_origin
from edge_export.manifest import write_manifest
from edge_export.recipe import GenerationRecipe
from edge_export.sources.chat_template import prompt_format


def build_generator(job: BuildJob, settings: GenerationRecipe) -> Bundle:
    """Build and certify a model that writes.

    :param job: What is built, and where.
    :param settings: The recipe's generation part.
    :raises ExportError: If a step fails or the gate refuses.
    """
    is_decoder = job.recipe.task == TASK_TEXT_GENERATION
    loaded = load_checkpoint(job.checkpoint, settings, is_decoder)
    folder = job.work / "bundle"
    folder.mkdir()
    job.log(f"building the {job.precision} graph")
    form = prompt_format(loaded.tokenizer, settings.prompt)
    if is_decoder:
        quantization = write_decoder_graph(job, loaded, settings, form, folder)
    else:
        quantization = write_seq2seq_graphs(job, loaded, settings, folder)
    loaded.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    spec = generator_spec(loaded.model, form, settings, quantization)
    manifest = replace(
        job.draft_manifest(quantization, folder),
        origin={**job.checkpoint.origin, **_adapter_origin(settings)},
        generator=spec,
    )
    generator = Generator(write_manifest(folder, manifest))
    certificate = _certificate(job, settings, loaded, generator)
    mean_nll = round(generator.mean_nll(spec.golden.text), 5)
    golden = replace(spec.golden, nats_per_token=mean_nll)
    manifest = replace(manifest, certificate=certificate, generator=replace(spec, golden=golden))
    return write_manifest(folder, manifest)


def _adapter_origin(settings: GenerationRecipe) -> Mapping[str, Any]:
    if settings.adapter is None:
        return {}
    return {"adapter_sha256": adapter_origin(settings.adapter)}


def _certificate(
    job: BuildJob, settings: GenerationRecipe, loaded: LoadedCheckpoint, generator: Generator
) -> Mapping[str, Any]:
    """What was measured of the draft, if it passes its gate."""
    n_tokens = min(GATE_TOKENS, generator.spec.context_tokens)
    windows = seed_windows(loaded.tokenizer, job.seeds, n_tokens)
    job.log(f"comparing with PyTorch on {sum(map(len, windows))} tokens")
    report = compare(partial(torch_scores, loaded.model), generator.text_logits, windows)
    job.log(f"perplexity {report.perplexity:.3f}, PyTorch {report.reference_perplexity:.3f}")
    certificate = certify(report, job.recipe.generation_gates[job.precision], job.precision)
    if settings.references is None:
        return certificate
    job.log("comparing with a person's sentences")
    rouge = measure_rouge(generator, settings.references, job.seeds)
    return {**certificate, "rouge": rouge}
