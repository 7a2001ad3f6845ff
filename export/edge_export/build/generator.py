"""A bundle that writes: the graph built from the checkpoint, compared by its perplexity."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import AnyArray, Float32Array
from edge.bundles.manifest import TASK_TEXT_GENERATION, Bundle, read_bundle
from edge.bundles.specs import GeneratorSpec, GoldenText, PromptFormat
from edge.generation.chat_format import Prompt, render
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge_export.build.bundle import draft_manifest, write_manifest
from edge_export.build.chat_format import prompt_format
from edge_export.gates.perplexity import Tokens, certify, compare, seed_windows
from edge_export.gates.rouge import measure_rouge
from edge_export.graph.block_quantization import BLOCK_SIZE, Blocks
from edge_export.graph.decoder import CacheScales, write_decoder
from edge_export.graph.decoder_config import read_architecture
from edge_export.graph.lora import LowRank, adapter_origin, add_adapter, read_adapter
from edge_export.graph.seq2seq import write_seq2seq
from edge_export.graph.seq2seq_config import read_seq2seq
from edge_export.graph.weights import BlockWeights, DynamicWeights, Weights
from edge_export.log import Log
from edge_export.recipe import GenerationRecipe, Recipe
from edge_export.sources.fetch import Checkpoint
from edge_export.sources.gguf import read_own_blocks

GOLDEN_TEXT = (
    "Big models are slow to serve, and halving the inference time decides whether we break even."
)
GOLDEN_MAX_DIFFERENCE = 0.1
"""Nats a token. Other processors round INT8 otherwise; a wrong kernel lands far above this."""
GATE_TOKENS, CALIBRATION_TOKENS = 512, 1024
"""Of each seed; the cache's scales are taken from what follows the gate's text."""
MAX_ROUNDING_ERROR = 0.05
"""Of what a layer gives when its inputs are rounded to 8 bits as a whole, as a share of it."""
CACHE_MARGIN = 1.1
"""How much further than in the calibration text keys and values may reach."""


def build_generator(
    recipe: Recipe, precision: str, checkpoint: Checkpoint, seeds: Path, work: Path, log: Log
) -> Bundle:
    """Build and certify a model that writes.

    :param recipe: With a generation part.
    :param precision: One of the recipe's.
    :param checkpoint: The weights.
    :param seeds: Transcripts the gate compares on.
    :param work: Folder to write to.
    :param log: Told of each step.
    :raises ExportError: If a step fails or the gate refuses.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    settings = recipe.generation
    assert settings is not None
    is_decoder = recipe.task == TASK_TEXT_GENERATION
    kind = AutoModelForCausalLM if is_decoder else AutoModelForSeq2SeqLM
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder)
    model = kind.from_pretrained(checkpoint.folder, dtype=torch.float32).eval()
    base, adapter = model.state_dict(), {}
    if settings.adapter is not None:
        adapter = read_adapter(settings.adapter)
        base = {name: tensor.clone() for name, tensor in base.items()}
        add_adapter(model, adapter)
        origin = {**checkpoint.origin, "adapter_sha256": adapter_origin(settings.adapter)}
        checkpoint = replace(checkpoint, origin=origin)
    folder = work / "bundle"
    folder.mkdir()
    log(f"building the {precision} graph")
    form = prompt_format(tokenizer, settings.prompt)
    if is_decoder:
        texts = partial(calibration_texts, tokenizer, form, seeds)
        sources = DecoderSources(model, state_arrays(model, base), adapter, checkpoint.gguf)
        quantization = _write_decoder(sources, settings, precision, texts, folder)
    else:
        quantization = _write_seq2seq(model, tokenizer, settings, precision, seeds, folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    manifest = draft_manifest(recipe, precision, checkpoint, quantization, folder)
    spec = _generator_spec(model, form, settings, _least_onnxruntime(quantization))
    manifest = replace(manifest, generator=spec)
    write_manifest(folder, manifest)
    generator = Generator(read_bundle(folder))
    windows = seed_windows(tokenizer, seeds, min(GATE_TOKENS, generator.spec.context_tokens))
    log(f"comparing with PyTorch on {sum(map(len, windows))} tokens")
    report = compare(lambda ids: _torch_scores(model, ids), generator.scores, windows)
    log(f"perplexity {report.perplexity:.3f}, PyTorch {report.reference_perplexity:.3f}")
    golden = replace(spec.golden, nats_per_token=round(generator.mean_nll(spec.golden.text), 5))
    certificate = dict(certify(report, recipe.generation_gates[precision], precision))
    if settings.references is not None:
        log("comparing with a person's sentences")
        certificate["rouge"] = measure_rouge(generator, settings.references, seeds)
    manifest = replace(manifest, certificate=certificate, generator=replace(spec, golden=golden))
    write_manifest(folder, manifest)
    return read_bundle(folder)


@dataclass(frozen=True)
class DecoderSources:
    """What a decoder-only bundle is written from."""

    model: Any
    """Of transformers, the adapter added."""
    base: Mapping[str, AnyArray]
    """The checkpoint's tensors, without the adapter."""
    adapter: Mapping[str, LowRank]
    gguf: Path | None


def state_arrays(model: Any, tensors: Mapping[str, Any] | None = None) -> dict[str, AnyArray]:
    """A model's tensors in FP32, each once: a head tied to the embedding is left out.

    :param model: Of transformers.
    :param tensors: Its tensors at another time; None for those it has.
    """
    found = model.state_dict() if tensors is None else tensors
    state = {name: tensor.float().numpy() for name, tensor in found.items()}
    tied = getattr(model, "_tied_weights_keys", None) or []
    if model.config.tie_word_embeddings:
        state = {name: array for name, array in state.items() if name not in tied}
    return state


def make_weights(
    state: Mapping[str, AnyArray],
    precision: str,
    own: Mapping[str, Blocks] | None = None,
    adapter: Mapping[str, LowRank] | None = None,
) -> Weights:
    """Weights in a precision.

    :param state: The checkpoint's tensors.
    :param precision: One of ``edge.bundles.manifest.PRECISIONS``.
    :param own: Layers that were blocks in the checkpoint already.
    :param adapter: What is computed beside layers in blocks.
    """
    if precision in ("fp32", "fp16"):
        return Weights(state, {"fp32": "float32", "fp16": "float16"}[precision])
    return BlockWeights(state, {"int8": 8, "int4": 4}[precision], own, adapter)


def calibration_texts(tokenizer: Any, form: PromptFormat, seeds: Path) -> list[Tokens]:
    """What the cache's scales are taken from: seed texts alone, and as requests.

    Keys and values of a chat format's markers reach further than those of words.

    :param tokenizer: Of transformers.
    :param form: How requests are put before the model.
    :param seeds: Folder of transcripts.
    """
    windows = seed_windows(tokenizer, seeds, CALIBRATION_TOKENS, GATE_TOKENS)
    texts = [tokenizer.decode(window[: CALIBRATION_TOKENS // 2]) for window in windows]
    prompts = [Prompt(text) for text in texts]
    if form.system_and_user is not None:
        prompts += [Prompt(text, "Answer briefly.") for text in texts]
    if form.following is not None:
        prompts += [Prompt("Go on.", turns=((text[:800], text[800:1600]),)) for text in texts]
    added = form.adds_special_tokens
    requests = [tokenizer(render(p, form), add_special_tokens=added).input_ids for p in prompts]
    return [*windows, *requests]


def cache_scales(model: Any, windows: Sequence[Tokens]) -> list[CacheScales]:
    """Steps of the INT8 cache, from how far keys and values reach on texts.

    :param model: Of transformers, decoder-only.
    :param windows: The texts.
    :return: One a layer.
    """
    import torch

    reach: list[list[AnyArray]] = []
    for window in windows:
        with torch.inference_mode():
            cache = model(torch.tensor([window]), use_cache=True).past_key_values
        own = [
            [t.abs().amax(dim=(0, 2)).flatten().numpy() for t in (layer.keys, layer.values)]
            for layer in cache.layers
        ]
        reach = [
            [np.maximum(a, b) for a, b in zip(*pair, strict=True)]
            for pair in zip(reach or own, own, strict=True)
        ]
    steps = [[(array * CACHE_MARGIN / 127).astype(np.float32) for array in pair] for pair in reach]
    return [CacheScales(keys, values) for keys, values in steps]


def _write_decoder(
    sources: DecoderSources,
    settings: GenerationRecipe,
    precision: str,
    calibration: Callable[[], Sequence[Tokens]],
    folder: Path,
) -> Mapping[str, Any]:
    model = sources.model
    architecture = read_architecture(model, settings.context_tokens)
    if precision in ("fp32", "fp16"):
        write_decoder(architecture, make_weights(state_arrays(model), precision), folder)
        return {"method": "none" if precision == "fp32" else "float16"}
    is_beside = precision == "int4"  # the steps of 4 bits are wider than what was learned
    state = sources.base if is_beside else state_arrays(model)
    own = {}
    if sources.gguf is not None:
        own = read_own_blocks(sources.gguf, state, architecture.head_size)
    weights = make_weights(state, precision, own, sources.adapter if is_beside else None)
    assert isinstance(weights, BlockWeights)
    scales = None
    if settings.cache == "int8":
        fitting = [window[: architecture.context_tokens] for window in calibration()]
        scales = cache_scales(model, fitting)
    write_decoder(architecture, weights, folder, scales)
    return {
        "method": "blocks",
        "block_size": BLOCK_SIZE,
        "n_layers_as_in_gguf": len(weights.kept_names),
        "cache": settings.cache,
    }


def _write_seq2seq(
    model: Any,
    tokenizer: Any,
    settings: GenerationRecipe,
    precision: str,
    seeds: Path,
    folder: Path,
) -> Mapping[str, Any]:
    state = state_arrays(model)
    source, target = _lengths(model.config, settings)
    architecture = read_seq2seq(model, state, source, target)
    decoder = make_weights(state, precision)
    encoder, kept = decoder, frozenset[str]()
    if precision == "int8":
        windows = seed_windows(tokenizer, seeds, min(CALIBRATION_TOKENS, source))
        kept = far_reaching_layers(model, architecture.encoder_layers, windows)
        encoder = DynamicWeights(state, kept)
    write_seq2seq(architecture, encoder, decoder, folder)
    if precision in ("fp32", "fp16"):
        return {"method": "none" if precision == "fp32" else "float16"}
    return {
        "method": "blocks",
        "block_size": BLOCK_SIZE,
        "encoder": "dynamic" if precision == "int8" else "blocks",
        "encoder_layers_in_blocks": sorted(kept),
    }


def far_reaching_layers(
    model: Any, names: Sequence[str], windows: Sequence[Tokens]
) -> frozenset[str]:
    """Layers whose inputs cannot be rounded to 8 bits as a whole.

    T5's feed-forward layers are known for it: single values are hundreds of times the usual, and
    steps that reach them leave nothing of the others.

    :param model: Of transformers, encoder-decoder.
    :param names: Layers to look at.
    :param windows: Texts to read.
    :return: Names of layers.
    """
    import torch

    errors: dict[str, float] = {}

    def measure(name: str) -> Callable[[Any, Any], None]:
        def hook(layer: Any, inputs: Any) -> None:
            x = inputs[0]
            step = (x.max() - x.min()) / 255
            rounded = torch.round(x / step) * step
            lost = torch.nn.functional.linear(rounded - x, layer.weight).norm()
            error = float(lost / torch.nn.functional.linear(x, layer.weight).norm())
            errors[name] = max(error, errors.get(name, 0.0))

        return hook

    handles = [model.get_submodule(name).register_forward_pre_hook(measure(name)) for name in names]
    with torch.inference_mode():
        for window in windows:
            ids = torch.tensor([window])
            model(input_ids=ids, labels=ids[:, :1])
    for handle in handles:
        handle.remove()
    return frozenset(name for name, error in errors.items() if error > MAX_ROUNDING_ERROR)


def _lengths(config: Any, settings: GenerationRecipe) -> tuple[int, int]:
    """Longest text and longest answer."""
    limit = getattr(config, "max_position_embeddings", None) or settings.context_tokens
    source = min(limit, settings.context_tokens)
    return source, min(settings.max_new_tokens or source, limit)


def _least_onnxruntime(quantization: Mapping[str, Any]) -> str:
    """Found by running tests/data/bundles on every release; docs/adr/0011-decoder.md."""
    if quantization.get("cache") == "int8":
        return "1.27"
    return "1.23" if quantization["method"] == "blocks" else "1.20"


def _generator_spec(
    model: Any, form: PromptFormat, settings: GenerationRecipe, least_onnxruntime: str
) -> GeneratorSpec:
    config, generation = model.config, model.generation_config
    ends = generation.eos_token_id if generation.eos_token_id is not None else config.eos_token_id
    context_tokens, max_new_tokens = _lengths(config, settings)
    defaults = {**recommended_settings(generation, config.is_encoder_decoder), **settings.defaults}
    GenerationSettings(**defaults)
    is_encoder_decoder = config.is_encoder_decoder
    return GeneratorSpec(
        context_tokens=context_tokens,
        max_new_tokens=max_new_tokens,
        end_token_ids=tuple(ends) if isinstance(ends, list) else (ends,),
        prompt=form,
        defaults=defaults,
        golden=GoldenText(GOLDEN_TEXT, 0.0, GOLDEN_MAX_DIFFERENCE),
        least_onnxruntime=least_onnxruntime,
        start_token_id=config.decoder_start_token_id if is_encoder_decoder else None,
        pad_token_id=config.pad_token_id if is_encoder_decoder else None,
        first_token_id=generation.forced_bos_token_id,
        last_token_id=generation.forced_eos_token_id,
        writes_summaries=settings.writes_summaries,
    )


def recommended_settings(generation: Any, is_encoder_decoder: bool) -> dict[str, Any]:
    """A checkpoint's generation settings by our names.

    :param generation: A ``GenerationConfig`` of transformers.
    :param is_encoder_decoder: Whether its lengths count the start token.
    """
    named = {
        "n_beams": generation.num_beams,
        "length_penalty": generation.length_penalty,
        "early_stopping": generation.early_stopping is True,
        "no_repeat_ngram_size": generation.no_repeat_ngram_size,
        "repetition_penalty": generation.repetition_penalty,
        "max_new_tokens": generation.max_new_tokens,
        "min_new_tokens": generation.min_new_tokens,
    }
    if generation.do_sample and generation.num_beams in (None, 1):
        named["temperature"] = generation.temperature
        named["top_k"], named["top_p"] = generation.top_k, generation.top_p
    if is_encoder_decoder:
        changed = generation.to_diff_dict()
        for ours, theirs in (("max_new_tokens", "max_length"), ("min_new_tokens", "min_length")):
            if theirs in changed:
                named[ours] = max(changed[theirs] - 1, 0)
    usual = json.loads(json.dumps(GenerationSettings().__dict__))
    return {name: v for name, v in named.items() if v is not None and v != usual[name]}


def _torch_scores(model: Any, token_ids: Tokens) -> tuple[Float32Array, Sequence[int]]:
    """PyTorch's scores of a text's tokens; see ``edge.generation.generator.Generator.scores``."""
    import torch

    with torch.inference_mode():
        if model.config.is_encoder_decoder:
            ids = torch.tensor([token_ids])
            return model(input_ids=ids, labels=ids).logits[0].numpy(), token_ids
        logits = model(torch.tensor([token_ids])).logits[0]
    return logits[:-1].numpy(), token_ids[1:]
