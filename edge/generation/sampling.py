"""From scores to tokens: what a generated text may and may not say next.

Every function takes the scores of all tokens and gives new ones; the order and the meaning of
the settings are those of ``transformers.generate``, which tests compare with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
class TokenRules:
    """Tokens with a meaning for the generation."""

    end_ids: tuple[int, ...]
    """Any of them ends the text."""
    first_id: int | None = None
    """The token every text begins with, if the model was trained so."""
    last_id: int | None = None
    """The token a text ends with when it may not grow longer."""


Draw = Callable[[Float32Array], int]


def constrain(
    scores: Float32Array,
    history: Sequence[int],
    n_new: int,
    settings: GenerationSettings,
    rules: TokenRules,
) -> Float32Array:
    """Scores after everything that forbids or discourages tokens.

    :param scores: Scores of all tokens, shape (vocabulary,).
    :param history: Tokens so far, the prompt included where the model reads it as its own text.
    :param n_new: How many of them are new.
    :param settings: Of the generation.
    :param rules: Of the model.
    """
    if settings.repetition_penalty != 1:
        scores = penalize_repetition(scores, history, settings.repetition_penalty)
    if settings.no_repeat_ngram_size:
        scores = forbid(scores, repeating_tokens(history, settings.no_repeat_ngram_size))
    if settings.no_repeat_answer_ngram_size:
        new = history[len(history) - n_new :]
        scores = forbid(scores, repeating_tokens(new, settings.no_repeat_answer_ngram_size))
    if n_new < settings.min_new_tokens:
        scores = forbid(scores, rules.end_ids)
    if rules.first_id is not None and n_new == 0:
        scores = force(scores, rules.first_id)
    if rules.last_id is not None and n_new == settings.max_new_tokens - 1:
        scores = force(scores, rules.last_id)
    return scores


def penalize_repetition(
    scores: Float32Array, history: Sequence[int], penalty: float
) -> Float32Array:
    """Scores of tokens seen before divided by the penalty, or multiplied where negative.

    :param scores: Shape (vocabulary,).
    :param history: Tokens seen.
    :param penalty: Above 1 to discourage.
    """
    changed: Float32Array = scores.copy()
    seen = np.unique(np.asarray(history, np.int64))
    found = scores[seen]
    changed[seen] = np.where(found < 0, found * penalty, found / penalty)
    return changed


def repeating_tokens(history: Sequence[int], size: int) -> list[int]:
    """Tokens that would complete a run of ``size`` tokens that was there before.

    :param history: Tokens so far.
    :param size: Length of the runs.
    """
    if len(history) + 1 < size:
        return []
    begun = tuple(history[len(history) - size + 1 :])
    starts = range(len(history) - size + 1)
    return [history[i + size - 1] for i in starts if tuple(history[i : i + size - 1]) == begun]


def forbid(scores: Float32Array, token_ids: Sequence[int]) -> Float32Array:
    """Scores with some tokens made impossible.

    :param scores: Shape (vocabulary,).
    :param token_ids: The tokens.
    """
    changed: Float32Array = scores.copy()
    changed[list(token_ids)] = -np.inf
    return changed


def force(scores: Float32Array, token_id: int) -> Float32Array:
    """Scores that leave one token.

    :param scores: Shape (vocabulary,).
    :param token_id: The token.
    """
    changed = np.full_like(scores, -np.inf)
    changed[token_id] = 0
    return changed


def keep_top_k(scores: Float32Array, k: int) -> Float32Array:
    """Scores with all but the ``k`` greatest made impossible; equals of the last stay.

    :param scores: Shape (vocabulary,).
    :param k: At least 1.
    """
    least = np.partition(scores, -min(k, len(scores)))[-min(k, len(scores))]
    return np.where(scores < least, np.float32(-np.inf), scores)


def keep_top_p(scores: Float32Array, p: float) -> Float32Array:
    """Scores with all but the likeliest tokens, together of probability ``p``, made impossible.

    :param scores: Shape (vocabulary,).
    :param p: Above 0, at most 1.
    """
    chances = np.exp(log_softmax(scores))
    # All tokens rarer than an equal share of 1 - p are too little together: only others are sorted.
    is_rare = chances < (1 - p) / len(scores)
    others = np.flatnonzero(~is_rare)
    order = others[np.argsort(scores[others], kind="stable")]  # ascending: rare ones go first
    is_dropped = np.cumsum(chances[order]) + chances[is_rare].sum() <= 1 - p
    is_dropped[-1] = False
    changed: Float32Array = np.where(is_rare, np.float32(-np.inf), scores)
    changed[order[is_dropped]] = -np.inf
    return changed


def log_softmax(scores: Float32Array) -> Float32Array:
    """Log probabilities.

    :param scores: Shape (..., vocabulary).
    """
    shifted = scores - scores.max(axis=-1, keepdims=True)
    result: Float32Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def probabilities(scores: Float32Array, settings: GenerationSettings) -> Float32Array:
    """What tokens are drawn from: temperature first, then the likeliest.

    :param scores: Shape (vocabulary,).
    :param settings: With a temperature above 0.
    """
    scores = scores / np.float32(settings.temperature)
    if settings.top_k:
        scores = keep_top_k(scores, settings.top_k)
    if settings.top_p < 1:
        scores = keep_top_p(scores, settings.top_p)
    result: Float32Array = np.exp(log_softmax(scores))
    return result


def drawer(settings: GenerationSettings, place: int) -> Draw:
    """The choice of one text's tokens.

    :param settings: Of the generation.
    :param place: Which of several prompts it is; each draws for itself.
    :return: A function from scores, shape (vocabulary,), to a token id.
    """
    if settings.temperature == 0:
        return lambda scores: int(scores.argmax())
    random = np.random.default_rng([settings.seed, place])

    def draw(scores: Float32Array) -> int:
        chances = probabilities(scores, settings).astype(np.float64)
        possible = np.flatnonzero(chances)
        chosen = chances[possible]
        return int(random.choice(possible, p=chosen / chosen.sum()))

    return draw
