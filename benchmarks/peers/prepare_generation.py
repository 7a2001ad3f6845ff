"""Make everything ``benchmarks.generation`` compares, once, in ``build/generation``.

Run by ``make bench-generation`` in an environment of its own, with the extras export and peers.
The shapes of T5-small and BART-base get random weights: their times do not depend on them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from edge_export.build.bundle import build_bundle
from edge_export.recipe import FolderSource, GenerationGate, GenerationRecipe, Recipe, load_recipe
from edge_export.sources.fetch import fetch
from edge_export.sources.gguf import unpack_gguf

from benchmarks.generation.comparisons import FOLDER
from benchmarks.peers.summarizer_gguf import write_summarizer
from benchmarks.processes import ROOT

SHAPES = ("t5-small", "bart-base")


def main() -> None:
    """Make what is not there yet; a step that was interrupted is made again."""
    gguf, checkpoint = FOLDER / "smollm2.gguf", FOLDER / "smollm2"
    _make(gguf, _fetch_gguf)
    _make(checkpoint, partial(unpack_gguf, gguf))
    for precision in ("fp32", "int8", "int4"):
        _make(FOLDER / f"edge-smollm2-{precision}", partial(_smollm2, precision))
    for precision in ("fp32", "fp16", "int8", "int4"):
        _make(FOLDER / f"edge-spoken-{precision}", partial(_summarizer, precision))
    _make(FOLDER / "spoken-gguf", partial(_summarizer_gguf, gguf))
    _make(FOLDER / "plain-smollm2", partial(_plain_export, checkpoint))
    _make(FOLDER / "plain-smollm2-int8", partial(_quantize, FOLDER / "plain-smollm2"))
    for shape in SHAPES:
        random, plain = FOLDER / shape, FOLDER / f"plain-{shape}"
        _make(random, partial(_random_checkpoint, shape))
        _make(FOLDER / f"edge-{shape}-int8", partial(_seq2seq, random))
        _make(plain, partial(_plain_export, random))
        _make(FOLDER / f"plain-{shape}-int8", partial(_quantize, plain))
        _make(FOLDER / f"ctranslate2-{shape}", partial(_ctranslate2, random))


def _make(target: Path, make: Callable[[Path], None]) -> None:
    if target.exists():
        return
    print(f"making {target.name}", file=sys.stderr)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".") as temporary:
        draft = Path(temporary) / target.name
        make(draft)
        draft.rename(target)


def _fetch_gguf(target: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        checkpoint = fetch(load_recipe("smollm2-135m").sources[:1], Path(temporary))
        assert checkpoint.gguf is not None
        shutil.copyfile(checkpoint.gguf, target)


def _log(message: str) -> None:
    print(f"  {message}", file=sys.stderr)


def _smollm2(precision: str, target: Path) -> None:
    source = (FolderSource(FOLDER / "smollm2.gguf"),)
    recipe = replace(load_recipe("smollm2-135m"), sources=source)
    build_bundle(recipe, precision, target, ROOT / "seeds", _log)


def _summarizer(precision: str, target: Path) -> None:
    source = (FolderSource(FOLDER / "smollm2.gguf"),)
    recipe = replace(load_recipe("spoken-135m"), sources=source)
    build_bundle(recipe, precision, target, ROOT / "seeds", _log)


def _summarizer_gguf(gguf: Path, target: Path) -> None:
    recipe = load_recipe("spoken-135m")
    assert recipe.generation is not None
    assert recipe.generation.adapter is not None
    write_summarizer(gguf, recipe.generation.adapter, target)


def _seq2seq(checkpoint: Path, target: Path) -> None:
    recipe = Recipe(
        checkpoint.name,
        "text2text-generation",
        "random weights",
        "Apache-2.0",
        (FolderSource(checkpoint),),
        generation=GenerationRecipe(context_tokens=1024),
        generation_gates={"int8": GenerationGate(max_perplexity_increase=1.0)},
    )
    build_bundle(recipe, "int8", target, ROOT / "seeds", _log)


def _random_checkpoint(shape: str, target: Path) -> None:
    import torch
    from transformers import AutoModelForSeq2SeqLM, BartConfig, T5Config

    torch.manual_seed(0)
    config: Any = T5Config(decoder_start_token_id=0)
    if shape == "bart-base":
        config = BartConfig(
            d_model=768, encoder_layers=6, decoder_layers=6, encoder_attention_heads=12,
            decoder_attention_heads=12, encoder_ffn_dim=3072, decoder_ffn_dim=3072,
            forced_bos_token_id=None, normalize_before=False, add_final_layer_norm=False,
            add_bias_logits=False, normalize_embedding=True, static_position_embeddings=False,
        )  # fmt: skip
    AutoModelForSeq2SeqLM.from_config(config).eval().save_pretrained(target)
    _byte_tokenizer(config.vocab_size).save_pretrained(target)


def _byte_tokenizer(size: int) -> Any:
    """As many tokens as the model's table has rows, so that every tool takes it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<s>", "</s>", "<unk>"]
    tokens = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokens += [f"<more{i}>" for i in range(size - len(tokens))]
    backend = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(special)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>",
    )  # fmt: skip


def _plain_export(checkpoint: Path, target: Path) -> None:
    from optimum.onnxruntime import ORTModelForCausalLM, ORTModelForSeq2SeqLM

    is_decoder = checkpoint.name.startswith("smollm2")
    model_class = ORTModelForCausalLM if is_decoder else ORTModelForSeq2SeqLM
    model_class.from_pretrained(checkpoint, export=True).save_pretrained(target)


def _quantize(plain: Path, target: Path) -> None:
    from optimum.onnxruntime import ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    settings = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=False)
    for path in plain.glob("*.onnx"):
        quantizer = ORTQuantizer.from_pretrained(plain, file_name=path.name)
        quantizer.quantize(save_dir=target, quantization_config=settings)
    for path in plain.glob("*.json"):
        if not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)


def _ctranslate2(checkpoint: Path, target: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(checkpoint)).convert(str(target), quantization="int8")


if __name__ == "__main__":
    main()
