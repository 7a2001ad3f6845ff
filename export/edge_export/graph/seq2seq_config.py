"""What an encoder-decoder checkpoint's configuration says, in one form for both families.

T5 normalizes before each part, by the root mean square, and knows positions by distance; BART
and Pegasus have classic layer norms, after each part or before it, and absolute positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge.arrays import Float32Array
from edge_export.errors import ExportError
from edge_export.graph.families import SEQ2SEQ_FAMILIES, refuse_unknown_family

ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "gelu_new": "gelu_tanh"}
BART_POSITION_OFFSET = 2
"""BART's table of positions begins with two rows that nothing uses."""


@dataclass(frozen=True)
class AttentionNames:
    """Layers of one attention."""

    query: str
    key: str
    value: str
    output: str
    norm: str


@dataclass(frozen=True)
class FeedForwardNames:
    """Layers of one feed-forward part."""

    inner: tuple[str, ...]
    """One, or the gate and what it lets through."""
    output: str
    norm: str


@dataclass(frozen=True)
class Side:
    """The encoder or the decoder."""

    embedding: str
    self_attention: tuple[AttentionNames, ...]
    """One a layer."""
    cross_attention: tuple[AttentionNames, ...]
    """As many in the decoder, none in the encoder."""
    feed_forward: tuple[FeedForwardNames, ...]
    first_norm: str | None
    """Of the embeddings, where they are normalized."""
    last_norm: str | None
    """Of what comes out, where the parts are normalized before."""
    positions: Float32Array | None = None
    """Added to the embeddings, shape (positions, width)."""
    distance_bias: Float32Array | None = None
    """Added to the attention, shape (distances, heads): of the key's place less the query's,
    from the most negative up."""


@dataclass(frozen=True)
class Seq2Seq:
    """An encoder, and a decoder that attends to what it made."""

    encoder: Side
    decoder: Side
    n_heads: int
    head_size: int
    width: int
    vocabulary_size: int
    attention_scale: float
    norm_epsilon: float
    has_mean_norm: bool
    """Whether norms subtract the mean and add a bias."""
    normalizes_before: bool
    activation: str
    """One of the values of ``ACTIVATIONS``."""
    embedding_scale: float
    head: str
    head_scale: float
    head_bias: Float32Array | None

    @property
    def encoder_layers(self) -> tuple[str, ...]:
        """Layers that read the text: the encoder's, and the keys and values attended to."""
        attention = [
            name
            for names in self.encoder.self_attention
            for name in (names.query, names.key, names.value, names.output)
        ]
        cross = [n for names in self.decoder.cross_attention for n in (names.key, names.value)]
        fed = [n for names in self.encoder.feed_forward for n in (*names.inner, names.output)]
        return (*attention, *fed, *cross)


def read_seq2seq(model: Any, state: Mapping[str, Any], source: int, target: int) -> Seq2Seq:
    """The architecture of a loaded model.

    :param model: A transformers sequence-to-sequence model.
    :param state: Its tensors.
    :param source: Longest text to prepare for.
    :param target: Longest answer to prepare for.
    :raises ExportError: If the family, or a setting of it, is not known here.
    """
    config = model.config
    refuse_unknown_family(config, "encoder-decoder", SEQ2SEQ_FAMILIES)
    is_t5 = config.model_type == "t5"
    activation = config.dense_act_fn if is_t5 else config.activation_function
    if activation not in ACTIVATIONS:
        raise ExportError(
            f"the activation {activation!r} is not known", f"Known are {', '.join(ACTIVATIONS)}."
        )
    return (_t5 if is_t5 else _bart)(model, state, source, target, ACTIVATIONS[activation])


def _t5(model: Any, state: Mapping[str, Any], source: int, target: int, activation: str) -> Seq2Seq:
    config = model.config
    has_head = "lm_head.weight" in state
    return Seq2Seq(
        encoder=_t5_side("encoder", config, state, _distance_bias(model, "encoder", source)),
        decoder=_t5_side("decoder", config, state, _distance_bias(model, "decoder", target)),
        n_heads=config.num_heads,
        head_size=config.d_kv,
        width=config.d_model,
        vocabulary_size=config.vocab_size,
        attention_scale=1.0,
        norm_epsilon=config.layer_norm_epsilon,
        has_mean_norm=False,
        normalizes_before=True,
        activation=activation,
        embedding_scale=1.0,
        head="lm_head" if has_head else "shared",
        head_scale=1.0 if has_head else config.d_model**-0.5,
        head_bias=None,
    )


def _t5_side(side: str, config: Any, state: Mapping[str, Any], distance_bias: Float32Array) -> Side:
    n_layers = config.num_layers if side == "encoder" else config.num_decoder_layers

    def attention(i: int, sublayer: int, kind: str) -> AttentionNames:
        prefix = f"{side}.block.{i}.layer.{sublayer}"
        query, key, value, output = (f"{prefix}.{kind}.{part}" for part in "qkvo")
        return AttentionNames(query, key, value, output, f"{prefix}.layer_norm")

    def feed_forward(i: int) -> FeedForwardNames:
        prefix = f"{side}.block.{i}.layer.{1 if side == 'encoder' else 2}"
        dense = f"{prefix}.DenseReluDense"
        gated = (f"{dense}.wi_0", f"{dense}.wi_1")
        inner = gated if f"{gated[0]}.weight" in state else (f"{dense}.wi",)
        return FeedForwardNames(inner, f"{dense}.wo", f"{prefix}.layer_norm")

    crossing = range(n_layers) if side == "decoder" else ()
    return Side(
        embedding="shared",
        self_attention=tuple(attention(i, 0, "SelfAttention") for i in range(n_layers)),
        cross_attention=tuple(attention(i, 1, "EncDecAttention") for i in crossing),
        feed_forward=tuple(feed_forward(i) for i in range(n_layers)),
        first_norm=None,
        last_norm=f"{side}.final_layer_norm",
        distance_bias=distance_bias,
    )


def _distance_bias(model: Any, side: str, length: int) -> Float32Array:
    """The model's own buckets at every distance; the decoder looks back only."""
    import torch

    attention = getattr(model, side).block[0].layer[0].SelfAttention
    last = length if side == "encoder" else 1
    distances = torch.arange(1 - length, last)
    buckets = attention._relative_position_bucket(
        distances,
        bidirectional=side == "encoder",
        num_buckets=attention.relative_attention_num_buckets,
        max_distance=attention.relative_attention_max_distance,
    )
    bias: Float32Array = attention.relative_attention_bias(buckets).detach().float().numpy()
    return bias


def _bart(
    model: Any, state: Mapping[str, Any], source: int, target: int, activation: str
) -> Seq2Seq:
    config = model.config
    is_bart = config.model_type == "bart"
    bias = state["final_logits_bias"][0]
    return Seq2Seq(
        encoder=_bart_side("encoder", config, state, source),
        decoder=_bart_side("decoder", config, state, target),
        n_heads=config.decoder_attention_heads,
        head_size=config.d_model // config.decoder_attention_heads,
        width=config.d_model,
        vocabulary_size=config.vocab_size,
        attention_scale=(config.d_model // config.decoder_attention_heads) ** -0.5,
        norm_epsilon=1e-5,
        has_mean_norm=True,
        normalizes_before=not is_bart,
        activation=activation,
        embedding_scale=config.d_model**0.5 if config.scale_embedding else 1.0,
        head="lm_head" if "lm_head.weight" in state else "model.shared",
        head_scale=1.0,
        head_bias=bias if bias.any() else None,
    )


def _bart_side(side: str, config: Any, state: Mapping[str, Any], length: int) -> Side:
    if config.encoder_attention_heads != config.decoder_attention_heads:
        raise ExportError("encoder and decoder have different numbers of heads", "")
    is_bart = config.model_type == "bart"
    n_layers = config.encoder_layers if side == "encoder" else config.decoder_layers

    def attention(i: int, kind: str) -> AttentionNames:
        prefix = f"model.{side}.layers.{i}.{kind}"
        query, key, value, output = (f"{prefix}.{p}_proj" for p in ("q", "k", "v", "out"))
        return AttentionNames(query, key, value, output, f"{prefix}_layer_norm")

    def feed_forward(i: int) -> FeedForwardNames:
        prefix = f"model.{side}.layers.{i}"
        return FeedForwardNames((f"{prefix}.fc1",), f"{prefix}.fc2", f"{prefix}.final_layer_norm")

    crossing = range(n_layers) if side == "decoder" else ()
    first = BART_POSITION_OFFSET if is_bart else 0
    positions = state[f"model.{side}.embed_positions.weight"]
    return Side(
        embedding="model.shared",
        self_attention=tuple(attention(i, "self_attn") for i in range(n_layers)),
        cross_attention=tuple(attention(i, "encoder_attn") for i in crossing),
        feed_forward=tuple(feed_forward(i) for i in range(n_layers)),
        first_norm=f"model.{side}.layernorm_embedding" if is_bart else None,
        last_norm=None if is_bart else f"model.{side}.layer_norm",
        positions=positions[first : first + length],
    )
