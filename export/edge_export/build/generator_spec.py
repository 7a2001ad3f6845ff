"""How a device is to use a model that writes: lengths, tokens, settings, a sample to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.bundles.specs import GeneratorSpec, GoldenText, PromptFormat
from edge.generation.sampling import GenerationSettings
from edge_export.recipe import GenerationRecipe

GOLDEN_TEXT = (
    "Big models are slow to serve, and halving the inference time decides whether we break even."
)
GOLDEN_MAX_DIFFERENCE = 0.1
"""Nats a token. Other processors round INT8 otherwise; a wrong kernel lands far above this."""


def generator_spec(
    model: Any, form: PromptFormat, settings: GenerationRecipe, quantization: Mapping[str, Any]
) -> GeneratorSpec:
    """How the bundle of a checkpoint is used; its golden text is not measured yet.

    :param model: Of transformers.
    :param form: How requests are put before it.
    :param settings: Of the recipe.
    :param quantization: How the weights were converted.
    :raises ValueError: If recipe or checkpoint recommend settings that are not allowed.
    """
    config, generation = model.config, model.generation_config
    ends = generation.eos_token_id if generation.eos_token_id is not None else config.eos_token_id
    context_tokens, max_new_tokens = longest_texts(config, settings)
    defaults = {**recommended_settings(generation, config.is_encoder_decoder), **settings.defaults}
    GenerationSettings(**defaults)  # refuses what a device would refuse
    is_encoder_decoder = config.is_encoder_decoder
    return GeneratorSpec(
        context_tokens=context_tokens,
        max_new_tokens=max_new_tokens,
        end_token_ids=tuple(ends) if isinstance(ends, list) else (ends,),
        prompt=form,
        defaults=defaults,
        golden=GoldenText(GOLDEN_TEXT, 0.0, GOLDEN_MAX_DIFFERENCE),
        least_onnxruntime=_least_onnxruntime(quantization),
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
    usual = asdict(GenerationSettings())
    return {name: v for name, v in named.items() if v is not None and v != usual[name]}


def longest_texts(config: Any, settings: GenerationRecipe) -> tuple[int, int]:
    """Tokens of the longest text and of the longest answer.

    :param config: The checkpoint's, of transformers.
    :param settings: Of the recipe.
    """
    limit = getattr(config, "max_position_embeddings", None) or settings.context_tokens
    source = min(limit, settings.context_tokens)
    return source, min(settings.max_new_tokens or source, limit)


def _least_onnxruntime(quantization: Mapping[str, Any]) -> str:
    """Found by running tests/data/bundles on every release; docs/adr/0011-decoder.md."""
    if quantization.get("cache") == "int8":
        return "1.27"
    return "1.23" if quantization["method"] == "blocks" else "1.20"
