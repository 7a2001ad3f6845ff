"""A checkpoint folder from a GGUF file, as ``save_pretrained`` would have written it.

transformers reads the weights; the tokenizer it makes of the file is another one (a SentencePiece
model's, whatever the file says: a fifth more tokens for SmolLM2, and text with marker characters).
So it is rebuilt here from the file's own tokens, merges and the name of its way to split words.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_export.errors import ExportError
from edge_export.graph.block_quantization import Blocks, read_gguf_blocks

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
_WIDE = r"|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS: Mapping[str, Sequence[str]] = {
    "gpt-2": (_GPT2,),
    "smollm": (r"\p{N}", _GPT2),
    "llama-bpe": (_CONTRACTIONS + _WIDE % r"\p{N}{1,3}",),
    "qwen2": (_CONTRACTIONS + _WIDE % r"\p{N}",),
}
"""``tokenizer.ggml.pre`` -> expressions that split words one after the other.

Source: what llama.cpp does for each name (``llama-vocab.cpp``); tests compare ids.
"""
KEEPS_WHOLE_WORDS = ("llama-bpe",)
"""Where a word that is a token is never built from merges."""
CONTROL, USER_DEFINED = 3, 4
"""Kinds of tokens that are found in text before it is split (``tokenizer.ggml.token_type``)."""


def unpack_gguf(file: Path, folder: Path) -> None:
    """Write config, weights (FP32) and tokenizer of a GGUF file as a checkpoint folder.

    The folder is there as a whole or not at all; one that was there is replaced.

    :param file: The GGUF file.
    :param folder: Folder to write.
    :raises ExportError: If the file cannot be read, or splits words in an unknown way.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as temporary:
        draft = Path(temporary) / folder.name
        save_tokenizer(read_fields(file), draft)
        _save_weights(file, draft)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)


def read_fields(file: Path) -> dict[str, Any]:
    """What a GGUF file says about its model and tokenizer, by key.

    :param file: The GGUF file.
    :raises ExportError: If it is none.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ExportError(
            f"{file} cannot be read as GGUF: {error}", "Give a .gguf file, whole and not a link."
        ) from error
    return {key: field.contents() for key, field in reader.fields.items()}


def save_tokenizer(fields: Mapping[str, Any], folder: Path) -> None:
    """Write ``tokenizer.json`` and, with the chat template, ``tokenizer_config.json``.

    :param fields: As ``read_fields`` gives them.
    :param folder: Folder to write; made if it is not there.
    :raises ExportError: If the tokenizer is of a kind that cannot be rebuilt.
    """
    tokenizer = rebuild_tokenizer(fields)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = json.dumps(_tokenizer_settings(fields), indent=1, ensure_ascii=False) + "\n"
    (folder / "tokenizer_config.json").write_text(settings, encoding="utf-8")


LAYER_NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip
"""GGUF's names of a layer's matrices -> the checkpoint's."""
SAME_WITHIN = 1e-6
"""A block's weights are a product and a sum of halves: FP32 computes them alike to this."""


def read_checkpoint_blocks(
    file: Path, state: Mapping[str, Any], head_size: int
) -> dict[str, Blocks]:
    """The blocks of a GGUF file, by the checkpoint's names, where they are its very weights.

    :param file: The GGUF file.
    :param state: Tensors of the checkpoint unpacked from it.
    :param head_size: Of the attention: some families' queries and keys are stored in pairs.
    """
    blocks_by_layer = {}
    for name, blocks in read_gguf_blocks(file).items():
        layer = _layer_name(name)
        weights = state.get(f"{layer}.weight")
        if weights is None:
            continue
        rows = np.arange(len(weights))
        orders = [rows]
        if len(rows) % head_size == 0:
            orders.append(rows.reshape(-1, head_size // 2, 2).swapaxes(1, 2).reshape(-1))
        for order in orders:
            candidate = blocks.take_rows(order)
            if np.abs(candidate.dequantized() - weights).max() < SAME_WITHIN:
                blocks_by_layer[layer] = candidate
                break
    return blocks_by_layer


def _layer_name(name: str) -> str:
    """The checkpoint's name of a GGUF matrix; "" for what has none."""
    tables = {"token_embd.weight": "model.embed_tokens", "output.weight": "lm_head"}
    if name in tables:
        return tables[name]
    parts = name.split(".")  # blk.3.attn_q.weight
    if len(parts) != 4 or parts[2] not in LAYER_NAMES:
        return ""
    return f"model.layers.{parts[1]}.{LAYER_NAMES[parts[2]]}"


def rebuild_tokenizer(fields: Mapping[str, Any]) -> Any:
    """The file's byte-level BPE as a ``tokenizers.Tokenizer``.

    :param fields: As ``read_fields`` gives them.
    :raises ExportError: If the tokenizer is of another kind or splits words in an unknown way.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    kind, pre = fields.get("tokenizer.ggml.model"), str(fields.get("tokenizer.ggml.pre"))
    if kind != "gpt2" or pre not in SPLITS:
        raise ExportError(
            f"the tokenizer is of kind {kind!r} and splits words by {pre!r}",
            f"Known are byte-level BPE ('gpt2') with {', '.join(SPLITS)}. Export from the "
            "Hugging Face checkpoint instead.",
        )
    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    model = models.BPE(vocab=vocabulary, merges=merges, ignore_merges=pre in KEEPS_WHOLE_WORDS)
    tokenizer = Tokenizer(model)
    splits = [pre_tokenizers.Split(Regex(e), behavior="isolated") for e in SPLITS[pre]]
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    kinds = zip(tokens, fields["tokenizer.ggml.token_type"], strict=True)
    for token, token_kind in kinds:
        if token_kind in (CONTROL, USER_DEFINED):
            is_special = token_kind == CONTROL
            tokenizer.add_tokens([AddedToken(token, special=is_special, normalized=False)])
    return tokenizer


def _tokenizer_settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What transformers keeps in ``tokenizer_config.json``."""
    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    names = {"bos": "bos_token", "eos": "eos_token", "unknown": "unk_token", "padding": "pad_token"}
    ids = {name: fields.get(f"tokenizer.ggml.{key}_token_id") for key, name in names.items()}
    architecture = fields["general.architecture"]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": fields[f"{architecture}.context_length"],
        **{name: tokens[i] for name, i in ids.items() if i is not None},
        **({"chat_template": fields[key]} if (key := "tokenizer.chat_template") in fields else {}),
    }


def _save_weights(file: Path, folder: Path) -> None:
    """Dequantized once, by transformers, which knows how each architecture's tensors are called."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32
        )
    except (ValueError, KeyError, OSError) as error:
        raise ExportError(
            f"transformers cannot read the weights of {file}: {error}",
            "Export from the Hugging Face checkpoint instead.",
        ) from error
    model.save_pretrained(folder)
