"""A checkpoint that writes as graphs of a precision: its weights, and how each was converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edge.arrays import AnyArray
from edge.bundles.specs import PromptFormat
from edge_export.build.calibration import (
    CALIBRATION_TOKENS,
    cache_scales,
    calibration_texts,
    far_reaching_layers,
)
from edge_export.build.generator_spec import longest_texts
from edge_export.build.job import BuildJob
from edge_export.gates.seeds import seed_windows
from edge_export.graph.block_quantization import BLOCK_SIZE
from edge_export.graph.decoder import write_decoder
from edge_export.graph.decoder_config import read_architecture
from edge_export.graph.lora import LowRank, add_adapter, read_adapter
from edge_export.graph.seq2seq import write_seq2seq
from edge_export.graph.seq2seq_config import read_seq2seq
from edge_export.graph.weights import BlockWeights, DynamicWeights, Weights
from edge_export.recipe import GenerationRecipe
from edge_export.sources.fetch import Checkpoint
from edge_export.sources.gguf import read_checkpoint_blocks

FLOAT_TYPES = {"fp32": "float32", "fp16": "float16"}
"""Precision -> element type of weights that are not quantized."""
FLOAT_METHODS = {"fp32": "none", "fp16": "float16"}
"""Precision -> what the manifest calls it."""
BITS = {"int8": 8, "int4": 4}
"""Precision -> bits of a quantized weight."""


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint that writes, loaded by PyTorch in FP32."""

    model: Any
    """Of transformers, the adapter added."""
    tokenizer: Any
    """Of transformers."""
    adapter: Mapping[str, LowRank]
    """Empty where the recipe has none."""
    base_tensors: Mapping[str, Any]
    """The checkpoint's tensors without the adapter, of PyTorch."""
    gguf: Path | None
    """The GGUF file the checkpoint was unpacked from, if it was."""

    @cached_property
    def state(self) -> Mapping[str, AnyArray]:
        """The model's tensors."""
        return state_arrays(self.model, self.model.state_dict())

    @cached_property
    def base_state(self) -> Mapping[str, AnyArray]:
        """The model's tensors without the adapter."""
        return state_arrays(self.model, self.base_tensors)


def load_checkpoint(
    checkpoint: Checkpoint, settings: GenerationRecipe, is_decoder: bool
) -> LoadedCheckpoint:
    """Load a checkpoint and add the recipe's adapter.

    :param checkpoint: The weights.
    :param settings: Of the recipe.
    :param is_decoder: Whether it is decoder-only, not encoder-decoder.
    :raises RecipeError: If the adapter cannot be read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    kind = AutoModelForCausalLM if is_decoder else AutoModelForSeq2SeqLM
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder)
    model = kind.from_pretrained(checkpoint.folder, dtype=torch.float32).eval()
    base, adapter = model.state_dict(), dict[str, LowRank]()
    if settings.adapter is not None:
        adapter = read_adapter(settings.adapter)
        base = {name: tensor.clone() for name, tensor in base.items()}
        add_adapter(model, adapter)
    return LoadedCheckpoint(model, tokenizer, adapter, base, checkpoint.gguf)


def state_arrays(model: Any, tensors: Mapping[str, Any]) -> dict[str, AnyArray]:
    """A model's tensors in FP32, each once: a head tied to the embedding is left out.

    :param model: Of transformers.
    :param tensors: Its tensors, now or at another time, by name.
    """
    state = {name: tensor.float().numpy() for name, tensor in tensors.items()}
    tied = getattr(model, "_tied_weights_keys", None) or []
    if model.config.tie_word_embeddings:
        state = {name: array for name, array in state.items() if name not in tied}
    return state


def make_weights(state: Mapping[str, AnyArray], precision: str) -> Weights:
    """Weights in a precision.

    :param state: The checkpoint's tensors.
    :param precision: One of ``edge.bundles.manifest.PRECISIONS``.
    """
    if precision in FLOAT_TYPES:
        return Weights(state, FLOAT_TYPES[precision])
    return BlockWeights(state, BITS[precision])


def write_decoder_graph(
    job: BuildJob,
    loaded: LoadedCheckpoint,
    settings: GenerationRecipe,
    form: PromptFormat,
    folder: Path,
) -> Mapping[str, Any]:
    """Write a decoder-only model.

    :param job: What is built.
    :param loaded: The checkpoint.
    :param settings: Of the recipe.
    :param form: How requests are put before the model.
    :param folder: Folder to write to.
    :return: How it was converted, for the manifest.
    :raises ExportError: If the model is of a family or width that cannot be written.
    """
    architecture = read_architecture(loaded.model, settings.context_tokens)
    if job.precision in FLOAT_TYPES:
        write_decoder(architecture, make_weights(loaded.state, job.precision), folder)
        return {"method": FLOAT_METHODS[job.precision]}
    is_beside = job.precision == "int4"  # the steps of 4 bits are wider than what was learned
    state = loaded.base_state if is_beside else loaded.state
    blocks = {}
    if loaded.gguf is not None:
        blocks = read_checkpoint_blocks(loaded.gguf, state, architecture.head_size)
    adapter = loaded.adapter if is_beside else None
    weights = BlockWeights(state, BITS[job.precision], blocks, adapter)
    scales = None
    if settings.cache == "int8":
        texts = calibration_texts(loaded.tokenizer, form, job.seeds)
        fitting = [tokens[: architecture.context_tokens] for tokens in texts]
        scales = cache_scales(loaded.model, fitting)
    write_decoder(architecture, weights, folder, scales)
    return {
        "method": "blocks",
        "block_size": BLOCK_SIZE,
        "n_layers_as_in_gguf": len(weights.kept_names),
        "cache": settings.cache,
    }


def write_seq2seq_graphs(
    job: BuildJob, loaded: LoadedCheckpoint, settings: GenerationRecipe, folder: Path
) -> Mapping[str, Any]:
    """Write an encoder-decoder model; in INT8 its encoder rounds inputs where they allow it.

    :param job: What is built.
    :param loaded: The checkpoint.
    :param settings: Of the recipe.
    :param folder: Folder to write to.
    :return: How it was converted, for the manifest.
    :raises ExportError: If the model is of a family or width that cannot be written.
    """
    source, target = longest_texts(loaded.model.config, settings)
    architecture = read_seq2seq(loaded.model, loaded.state, source, target)
    decoder = make_weights(loaded.state, job.precision)
    if job.precision in FLOAT_TYPES:
        write_seq2seq(architecture, decoder, decoder, folder)
        return {"method": FLOAT_METHODS[job.precision]}
    encoder, kept = decoder, frozenset[str]()
    if job.precision == "int8":
        texts = seed_windows(loaded.tokenizer, job.seeds, min(CALIBRATION_TOKENS, source))
        kept = far_reaching_layers(loaded.model, architecture.encoder_layers, texts)
        encoder = DynamicWeights(loaded.state, kept)
    write_seq2seq(architecture, encoder, decoder, folder)
    return {
        "method": "blocks",
        "block_size": BLOCK_SIZE,
        "encoder": "dynamic" if job.precision == "int8" else "blocks",
        "encoder_layers_in_blocks": sorted(kept),
    }
