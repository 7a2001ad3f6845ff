"""Checkpoints of every family with random weights: real architectures, a minute to none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CHATML = (
    "{% for m in messages %}{{ '<|start|>' + m['role'] + '\n' + m['content'] + '<|end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant\n' }}{% endif %}"
)
N_SPECIAL = 4
VOCABULARY_SIZE = 256 + N_SPECIAL
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY_SIZE, "hidden_size": 64, "intermediate_size": 96,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 256, "initializer_range": 0.2, "bos_token_id": 1,
    "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip


def save_tokenizer(folder: Path, chat_template: str | None = CHATML, has_end: bool = False) -> Any:
    """A tokenizer of single bytes, with a chat template or with an end after every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|start|>", "<|end|>", "<|unk|>"]
    tokens = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(special)
    if has_end:
        backend.post_processor = processors.TemplateProcessing(
            single="$A <|end|>", special_tokens=[("<|end|>", 2)]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<|pad|>", bos_token="<|start|>",
        eos_token="<|end|>", unk_token="<|unk|>", clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)
    return tokenizer


def decoder_config(family: str) -> Any:
    """A small configuration of a decoder-only family, with what sets the family apart."""
    import transformers as t

    makers = {
        "llama": lambda: t.LlamaConfig(**SIZES, tie_word_embeddings=False),
        "llama-scaled": lambda: t.LlamaConfig(
            **SIZES, tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
            rope_scaling={
                "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
            },
        ),
        "qwen2": lambda: t.Qwen2Config(**SIZES, tie_word_embeddings=True),
        "qwen3": lambda: t.Qwen3Config(**SIZES, head_dim=32, tie_word_embeddings=True),
        "gemma3": lambda: t.Gemma3TextConfig(
            **{**SIZES, "num_hidden_layers": 3}, head_dim=32, query_pre_attn_scalar=24,
            sliding_window=16, sliding_window_pattern=2, tie_word_embeddings=True,
        ),
    }  # fmt: skip
    return makers[family]()


DECODERS = ("llama", "llama-scaled", "qwen2", "qwen3", "gemma3")


def save_decoder(family: str, folder: Path) -> Any:
    """Write a checkpoint of a decoder-only family."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = _stirred(AutoModelForCausalLM.from_config(decoder_config(family)))
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return model


def seq2seq_config(family: str) -> Any:
    """A small configuration of an encoder-decoder family."""
    import transformers as t

    t5 = {
        "vocab_size": VOCABULARY_SIZE, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 3,
        "num_decoder_layers": 2, "num_heads": 6, "relative_attention_num_buckets": 16,
        "relative_attention_max_distance": 64, "pad_token_id": 0, "eos_token_id": 2,
        "decoder_start_token_id": 0, "initializer_factor": 1.0,
    }  # fmt: skip
    bart = {
        "vocab_size": VOCABULARY_SIZE, "d_model": 64, "encoder_layers": 3, "decoder_layers": 2,
        "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 96,
        "decoder_ffn_dim": 96, "max_position_embeddings": 256, "pad_token_id": 0,
        "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2, "init_std": 0.2,
        "forced_eos_token_id": 2,
    }  # fmt: skip
    makers = {
        "t5": lambda: t.T5Config(**t5, feed_forward_proj="relu"),
        "flan-t5": lambda: t.T5Config(
            **t5, feed_forward_proj="gated-gelu", tie_word_embeddings=False
        ),
        "bart": lambda: t.BartConfig(**bart, scale_embedding=False, forced_bos_token_id=1),
        "pegasus": lambda: t.PegasusConfig(**bart, scale_embedding=True),
    }
    return makers[family]()


SEQ2SEQ = ("t5", "flan-t5", "bart", "pegasus")


def save_seq2seq(family: str, folder: Path) -> Any:
    """Write a checkpoint of an encoder-decoder family."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    torch.manual_seed(1)
    model = _stirred(AutoModelForSeq2SeqLM.from_config(seq2seq_config(family)))
    model.save_pretrained(folder)
    save_tokenizer(folder, chat_template=None, has_end=True)
    return model


def _stirred(model: Any) -> Any:
    """Norms and biases begin as ones and zeros: nothing would be tested."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        if model.config.model_type == "t5":  # tied and random, it would only repeat itself
            model.lm_head.weight.mul_(0.1)
        if hasattr(model, "final_logits_bias"):
            model.final_logits_bias.normal_(std=0.5)
    return model.eval()


def save_encoder(folder: Path, family: str = "Bert", hidden_size: int = 48) -> Path:
    """An encoder of 2 layers with random weights and the real tokenizer.

    :param folder: To write to.
    :param family: ``Bert`` or ``MPNet``.
    :param hidden_size: Of its states.
    """
    import torch
    import transformers

    from edge.bundles.store import find_bundle

    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(
        vocab_size=30522, hidden_size=hidden_size, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, pad_token_id=0,
    )  # fmt: skip
    getattr(transformers, f"{family}Model")(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(find_bundle().folder / "tokenizer.json"),
        pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]",
        mask_token="[MASK]", model_max_length=512,
    ).save_pretrained(folder)  # fmt: skip
    return folder
