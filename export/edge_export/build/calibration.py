"""What PyTorch shows of a checkpoint before it is rounded: how far its numbers reach on texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import AnyArray, Float32Array
from edge.bundles.specs import PromptFormat
from edge.generation.chat_format import Prompt, render_prompt
from edge_export.gates.perplexity import GATE_TOKENS
from edge_export.gates.seeds import Tokens, seed_windows
from edge_export.graph.decoder import CacheScales

CALIBRATION_TOKENS = 1024
"""Of each seed."""
MAX_ROUNDING_ERROR = 0.05
"""Of what a layer gives when its inputs are rounded to 8 bits as a whole, as a share of it."""
CACHE_MARGIN = 1.1
"""How much further than in the calibration text keys and values may reach."""


def calibration_texts(tokenizer: Any, form: PromptFormat, seeds: Path) -> list[Tokens]:
    """What the cache's scales are taken from: seed texts alone, and as requests.

    They are what follows the gate's texts. Keys and values of a chat format's markers reach further
    than those of words.

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
    requests = [
        tokenizer(render_prompt(p, form), add_special_tokens=added).input_ids for p in prompts
    ]
    return [*windows, *requests]


def cache_scales(model: Any, texts: Sequence[Tokens]) -> list[CacheScales]:
    """Steps of the INT8 cache, from how far keys and values reach on texts.

    :param model: Of transformers, decoder-only.
    :param texts: As tokens.
    :return: One a layer.
    """
    import torch

    layers: list[tuple[AnyArray, AnyArray]] = []
    for tokens in texts:
        with torch.inference_mode():
            cache = model(torch.tensor([tokens]), use_cache=True).past_key_values
        here = [(_reach(layer.keys), _reach(layer.values)) for layer in cache.layers]
        layers = [
            (np.maximum(keys, new_keys), np.maximum(values, new_values))
            for (keys, values), (new_keys, new_values) in zip(layers or here, here, strict=True)
        ]
    return [CacheScales(_step(keys), _step(values)) for keys, values in layers]


def _reach(tensor: Any) -> AnyArray:
    """Greatest size in each channel of (batch, heads, tokens, head size): (heads x head size,)."""
    reach: AnyArray = tensor.abs().amax(dim=(0, 2)).flatten().numpy()
    return reach


def _step(reach: AnyArray) -> Float32Array:
    step: Float32Array = (reach * CACHE_MARGIN / 127).astype(np.float32)
    return step


def far_reaching_layers(
    model: Any, names: Sequence[str], texts: Sequence[Tokens]
) -> frozenset[str]:
    """Layers whose inputs cannot be rounded to 8 bits as a whole.

    T5's feed-forward layers are known for it: single values are hundreds of times the usual, and
    steps that reach them leave nothing of the others.

    :param model: Of transformers, encoder-decoder.
    :param names: Layers to look at.
    :param texts: What it reads, as tokens.
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
        for tokens in texts:
            ids = torch.tensor([tokens])
            model(input_ids=ids, labels=ids[:, :1])
    for handle in handles:
        handle.remove()
    return frozenset(name for name, error in errors.items() if error > MAX_ROUNDING_ERROR)
