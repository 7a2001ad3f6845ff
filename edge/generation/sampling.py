"""From logits to tokens: how a text is generated, and the samplers that choose its tokens.

The order and the meaning of the settings are those of ``transformers.generate``, which tests
compare with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array


@dataclass(frozen=True)
class GenerationSettings:
    """How a text is generated.

    :raises ValueError: If a setting is outside what is allowed.
    """

    max_new_tokens: int = 256
    min_new_tokens: int = 0
    """The text cannot end before."""
    temperature: float = 0.0
    """0 for the likeliest token each time; else scores are divided by it and tokens drawn."""
    top_k: int = 0
    """Draw from this many likeliest tokens; 0 for all."""
    top_p: float = 1.0
    """Draw from the likeliest tokens that together have this probability."""
    repetition_penalty: float = 1.0
    """Above 1, tokens that were there before become less likely."""
    no_repeat_ngram_size: int = 0
    """No run of this many tokens comes twice; 0 to allow it."""
    no_repeat_answer_ngram_size: int = 0
    """The same within the answer: it may still say what the prompt said."""
    seed: int = 0
    """Of the draws; the same seed gives the same text."""
    n_beams: int = 1
    """Above 1, beam search: the likeliest text of so many followed at once. Draws nothing."""
    length_penalty: float = 1.0
    """Beam search divides a text's log probability by its length to this power."""
    early_stopping: bool = False
    """Whether beam search ends as soon as ``n_beams`` texts are finished."""
    stop: tuple[str, ...] = ()
    """Texts that end the generation; they are not part of the result."""

    def __post_init__(self) -> None:
        limits = (
            ("max_new_tokens", self.max_new_tokens >= 1, "at least 1"),
            ("min_new_tokens", 0 <= self.min_new_tokens <= self.max_new_tokens, "0 to the most"),
            ("temperature", self.temperature >= 0, "0 or more"),
            ("top_k", self.top_k >= 0, "0 or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0, at most 1"),
            ("repetition_penalty", self.repetition_penalty > 0, "above 0"),
            ("no_repeat_ngram_size", self.no_repeat_ngram_size >= 0, "0 or more"),
            (
                "no_repeat_answer_ngram_size",
                self.no_repeat_answer_ngram_size >= 0,
                "0 or more",
            ),
            ("seed", self.seed >= 0, "0 or more"),
            ("n_beams", self.n_beams >= 1, "at least 1"),
            ("stop", all(self.stop), "texts that are not empty"),
        )
        for name, is_allowed, allowed in limits:
            if not is_allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed is {allowed}")
        if self.n_beams > 1 and (self.temperature > 0 or self.stop):
            raise ValueError("beam search draws no tokens and knows no stop texts")


@dataclass(frozen=True)
class ControlTokens:
    """A model's tokens that begin and end a text."""

    end_ids: tuple[int, ...]
    """Any of them ends the text."""
    forced_first_id: int | None = None
    """The token every text begins with, if the model was trained so."""
    forced_last_id: int | None = None
    """The token a text ends with when it may not grow longer."""


Sampler = Callable[[Float32Array], int]
"""From the logits of all tokens, shape (vocabulary,), to a token id."""


def keep_top_k(logits: Float32Array, k: int) -> Float32Array:
    """Logits with all but the ``k`` greatest made impossible; equals of the last stay.

    :param logits: Shape (vocabulary,).
    :param k: At least 1.
    """
    least = np.partition(logits, -min(k, len(logits)))[-min(k, len(logits))]
    return np.where(logits < least, np.float32(-np.inf), logits)


def keep_top_p(logits: Float32Array, p: float) -> Float32Array:
    """Logits with all but the likeliest tokens, together of probability ``p``, made impossible.

    :param logits: Shape (vocabulary,).
    :param p: Above 0, at most 1.
    """
    chances = np.exp(log_softmax(logits))
    # All tokens rarer than an equal share of 1 - p are too little together: only others are sorted.
    is_rare = chances < (1 - p) / len(logits)
    others = np.flatnonzero(~is_rare)
    order = others[np.argsort(logits[others], kind="stable")]  # ascending: rare ones go first
    is_dropped = np.cumsum(chances[order]) + chances[is_rare].sum() <= 1 - p
    is_dropped[-1] = False
    changed: Float32Array = np.where(is_rare, np.float32(-np.inf), logits)
    changed[order[is_dropped]] = -np.inf
    return changed


def log_softmax(logits: Float32Array) -> Float32Array:
    """Log probabilities.

    :param logits: Shape (..., vocabulary).
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Float32Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def probabilities(logits: Float32Array, settings: GenerationSettings) -> Float32Array:
    """What tokens are sampled from: temperature first, then the likeliest.

    :param logits: Shape (vocabulary,).
    :param settings: With a temperature above 0.
    """
    logits = logits / np.float32(settings.temperature)
    if settings.top_k:
        logits = keep_top_k(logits, settings.top_k)
    if settings.top_p < 1:
        logits = keep_top_p(logits, settings.top_p)
    result: Float32Array = np.exp(log_softmax(logits))
    return result


def make_sampler(settings: GenerationSettings, prompt_index: int) -> Sampler:
    """The choice of one text's tokens: the likeliest, or drawn.

    :param settings: Of the generation.
    :param prompt_index: Which of several prompts it is; each has random numbers of its own.
    """
    if settings.temperature == 0:
        return lambda logits: int(logits.argmax())
    random = np.random.default_rng([settings.seed, prompt_index])

    def draw(logits: Float32Array) -> int:
        chances = probabilities(logits, settings).astype(np.float64)
        possible = np.flatnonzero(chances)
        chosen = chances[possible]
        return int(random.choice(possible, p=chosen / chosen.sum()))

    return draw
