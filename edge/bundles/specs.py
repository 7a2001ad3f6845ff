"""What a manifest says about a model: how to feed it, and what it gave where it was built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EncoderSpec:
    """How token ids become one vector a sentence."""

    dimension: int
    max_tokens: int
    """Tokens of one model input, special tokens included."""
    pooling: str
    """Only ``mean`` is known: over the tokens that are no padding."""
    normalize: bool
    """Whether vectors are scaled to length 1."""
    pad_token_id: int
    cls_token_id: int
    sep_token_id: int


@dataclass(frozen=True)
class HeadSpec:
    """One learned head: a small ONNX file, what it reads, and where it came from."""

    name: str
    file: str
    features: tuple[str, ...]
    """Names of the features it reads, in order, as the program measures them."""
    training: Mapping[str, Any]
    """Data (names and hashes), documents, rows, tools."""
    certificate: Mapping[str, Any]
    """Largest difference between the ONNX file and the trained model, and on how many rows."""


@dataclass(frozen=True)
class Golden:
    """Texts and the vectors the bundle gave for them when it was built."""

    texts: tuple[str, ...]
    embeddings: tuple[tuple[float, ...], ...]
    """Shape (texts, dimension)."""
    min_cosine: float
    """A device whose vectors agree less than this does not run the model right."""


@dataclass(frozen=True)
class PromptFormat:
    """How a request is put before the model; ``{user}`` and ``{system}`` are filled in."""

    user: str
    """A request alone."""
    system_and_user: str | None = None
    """A request under an instruction of the system; None where the model knows none."""
    following: str | None = None
    """A further request after an answer, ``{answer}``; None where the model knows no turns."""
    adds_special_tokens: bool = False
    """Whether the tokenizer puts its own markers around it."""


@dataclass(frozen=True)
class GoldenText:
    """A text and how unlikely the bundle found it when it was built."""

    text: str
    nats_per_token: float
    """Mean negative log likelihood of its tokens; an encoder-decoder model reads the text first
    and then has to write it."""
    max_difference: float
    """A device that differs by more does not run the model right."""


@dataclass(frozen=True)
class GeneratorSpec:
    """How a generative model is used."""

    context_tokens: int
    """Longest prompt; of a decoder-only model, prompt and answer together."""
    max_new_tokens: int
    """Longest answer."""
    end_token_ids: tuple[int, ...]
    prompt: PromptFormat
    defaults: Mapping[str, Any]
    """What the checkpoint recommends, by name of ``GenerationSettings``."""
    golden: GoldenText
    least_onnxruntime: str
    """Oldest onnxruntime that has all its operators and runs them right."""
    start_token_id: int | None = None
    """What an encoder-decoder model's answer begins with."""
    pad_token_id: int | None = None
    first_token_id: int | None = None
    """Forced as the first token of an answer."""
    last_token_id: int | None = None
    """Forced as the last token of an answer that is as long as allowed."""
    writes_summaries: bool = False
    """Whether it was fine-tuned for the requests of ``edge.abstractive.requests``."""


def encoder_spec(entry: Mapping[str, Any]) -> EncoderSpec:
    """From parsed JSON.

    :param entry: As ``dataclasses.asdict`` gives it.
    :raises KeyError, TypeError, ValueError: If a field is missing or malformed.
    """
    spec = EncoderSpec(
        dimension=int(entry["dimension"]),
        max_tokens=int(entry["max_tokens"]),
        pooling=require_text(entry["pooling"]),
        normalize=bool(entry["normalize"]),
        pad_token_id=int(entry["pad_token_id"]),
        cls_token_id=int(entry["cls_token_id"]),
        sep_token_id=int(entry["sep_token_id"]),
    )
    if spec.pooling != "mean":
        raise ValueError(f"pooling {spec.pooling!r} is not 'mean'")
    if spec.dimension < 1 or spec.max_tokens < 3:
        raise ValueError("encoder sizes must be positive")
    return spec


def golden(entry: Mapping[str, Any], dimension: int) -> Golden:
    """From parsed JSON.

    :param entry: As ``dataclasses.asdict`` gives it.
    :param dimension: Of the vectors.
    :raises KeyError, TypeError, ValueError: If a field is missing or malformed.
    """
    sample = Golden(
        texts=tuple(require_text(line) for line in entry["texts"]),
        embeddings=tuple(tuple(float(x) for x in row) for row in entry["embeddings"]),
        min_cosine=float(entry["min_cosine"]),
    )
    if len(sample.texts) != len(sample.embeddings) or not sample.texts:
        raise ValueError("golden texts and embeddings do not match")
    if any(len(row) != dimension for row in sample.embeddings):
        raise ValueError("golden embeddings have another dimension")
    return sample


def head_spec(entry: Mapping[str, Any]) -> HeadSpec:
    """From parsed JSON.

    :param entry: As ``dataclasses.asdict`` gives it.
    :raises KeyError, TypeError, ValueError: If a field is missing or malformed.
    """
    return HeadSpec(
        name=require_text(entry["name"]),
        file=require_text(entry["file"]),
        features=tuple(require_text(name) for name in entry["features"]),
        training=dict(entry["training"]),
        certificate=dict(entry["certificate"]),
    )


def generator_spec(entry: Mapping[str, Any]) -> GeneratorSpec:
    """From parsed JSON.

    :param entry: As ``dataclasses.asdict`` gives it.
    :raises KeyError, TypeError, ValueError: If a field is missing or malformed.
    """
    prompt, sample = entry["prompt"], entry["golden"]
    optional = ("start_token_id", "pad_token_id", "first_token_id", "last_token_id")
    spec = GeneratorSpec(
        context_tokens=int(entry["context_tokens"]),
        max_new_tokens=int(entry["max_new_tokens"]),
        end_token_ids=tuple(int(i) for i in entry["end_token_ids"]),
        prompt=PromptFormat(
            user=require_text(prompt["user"]),
            system_and_user=_optional_text(prompt.get("system_and_user")),
            following=_optional_text(prompt.get("following")),
            adds_special_tokens=bool(prompt["adds_special_tokens"]),
        ),
        defaults=dict(entry["defaults"]),
        golden=GoldenText(
            text=require_text(sample["text"]),
            nats_per_token=float(sample["nats_per_token"]),
            max_difference=float(sample["max_difference"]),
        ),
        least_onnxruntime=require_text(entry["least_onnxruntime"]),
        **{name: None if entry.get(name) is None else int(entry[name]) for name in optional},
        writes_summaries=bool(entry.get("writes_summaries", False)),
    )
    if spec.context_tokens < 2 or spec.max_new_tokens < 1:
        raise ValueError("generator sizes must be positive")
    if "{user}" not in spec.prompt.user:
        raise ValueError("the prompt has no place for {user}")
    return spec


def require_text(value: Any) -> str:
    """A value that has to be a text.

    :param value: From parsed JSON.
    :raises ValueError: If it is none.
    """
    if not isinstance(value, str):
        raise ValueError(f"{value!r} should be a text")
    return value


def _optional_text(value: Any) -> str | None:
    return None if value is None else require_text(value)
