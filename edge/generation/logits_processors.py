"""Logits processors: what a generated text may and may not say next.

Every function takes logits, or in a beam search log probabilities, of all tokens and gives new
ones; order and meaning are those of ``transformers.generate``, which tests compare with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import Float32Array
from edge.generation.sampling import ControlTokens, GenerationSettings


def process_logits(
    logits: Float32Array,
    history: Sequence[int],
    n_new: int,
    settings: GenerationSettings,
    control: ControlTokens,
) -> Float32Array:
    """Logits after every processor that the settings and the model ask for.

    :param logits: Of all tokens, shape (vocabulary,).
    :param history: Tokens so far, the prompt included where the model reads it as its own text.
    :param n_new: How many of them are new.
    :param settings: Of the generation.
    :param control: Of the model.
    """
    if settings.repetition_penalty != 1:
        logits = penalize_repetition(logits, history, settings.repetition_penalty)
    if settings.no_repeat_ngram_size:
        logits = ban_tokens(logits, repeating_tokens(history, settings.no_repeat_ngram_size))
    if settings.no_repeat_answer_ngram_size:
        answer = history[len(history) - n_new :]
        logits = ban_tokens(logits, repeating_tokens(answer, settings.no_repeat_answer_ngram_size))
    if n_new < settings.min_new_tokens:
        logits = ban_tokens(logits, control.end_ids)
    if control.forced_first_id is not None and n_new == 0:
        logits = force_token(logits, control.forced_first_id)
    if control.forced_last_id is not None and n_new == settings.max_new_tokens - 1:
        logits = force_token(logits, control.forced_last_id)
    return logits


def penalize_repetition(
    logits: Float32Array, history: Sequence[int], penalty: float
) -> Float32Array:
    """Logits of tokens seen before divided by the penalty, or multiplied where negative.

    :param logits: Shape (vocabulary,).
    :param history: Tokens seen.
    :param penalty: Above 1 to discourage.
    """
    processed: Float32Array = logits.copy()
    seen_ids = np.unique(np.asarray(history, np.int64))
    seen = logits[seen_ids]
    processed[seen_ids] = np.where(seen < 0, seen * penalty, seen / penalty)
    return processed


def repeating_tokens(history: Sequence[int], n: int) -> list[int]:
    """Tokens that would complete an n-gram that was there before.

    :param history: Tokens so far.
    :param n: Tokens of an n-gram.
    """
    if len(history) + 1 < n:
        return []
    begun = tuple(history[len(history) - n + 1 :])
    starts = range(len(history) - n + 1)
    return [history[i + n - 1] for i in starts if tuple(history[i : i + n - 1]) == begun]


def ban_tokens(logits: Float32Array, token_ids: Sequence[int]) -> Float32Array:
    """Logits with some tokens made impossible.

    :param logits: Shape (vocabulary,).
    :param token_ids: The tokens.
    """
    processed: Float32Array = logits.copy()
    processed[list(token_ids)] = -np.inf
    return processed


def force_token(logits: Float32Array, token_id: int) -> Float32Array:
    """Logits that leave one token possible.

    :param logits: Shape (vocabulary,).
    :param token_id: The token.
    """
    processed = np.full_like(logits, -np.inf)
    processed[token_id] = 0
    return processed
