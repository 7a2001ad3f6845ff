"""Beam search: the likeliest text among several followed at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Int64Array
from edge.generation.sampling import GenerationSettings, TokenRules

Constrain = Callable[[Float32Array, list[int]], Float32Array]
"""From log probabilities and a beam's new tokens to scores."""


@dataclass(frozen=True)
class Hypothesis:
    """A finished text."""

    token_ids: list[int]
    score: float
    """Log probability divided by length to the length penalty."""


STRETCH = 64
"""Scores whose maximum is looked at first when the largest are searched."""


class BeamSearch:
    """The beams of one prompt.

    Source: the search of ``transformers.generate``, which tests compare with token by token.

    :param settings: Of the generation.
    :param rules: Of the model.
    """

    def __init__(self, settings: GenerationSettings, rules: TokenRules) -> None:
        self.settings = settings
        self.rules = rules
        self.beams: list[list[int]] = [[] for _ in range(settings.n_beams)]
        # Every beam begins with the same tokens: only the first counts in the first step.
        self.scores = np.full(settings.n_beams, -1e9, np.float32)
        self.scores[0] = 0
        self.finished: list[Hypothesis] = []
        self.is_done = False

    def advance(self, log_probabilities: Float32Array, constrain: Constrain) -> list[int]:
        """Grow every beam by one token.

        :param log_probabilities: Of the next token of each beam, shape (beams, vocabulary).
        :param constrain: What is allowed.
        :return: The beam each of the new beams comes from.
        """
        n_beams, length = self.settings.n_beams, len(self.beams[0]) + 1
        rows = [
            constrain(row, beam) + score
            for row, beam, score in zip(log_probabilities, self.beams, self.scores, strict=True)
        ]
        candidates = self._best_candidates(np.concatenate(rows), log_probabilities.shape[1])
        is_last = length == self.settings.max_new_tokens
        running: list[tuple[float, int, list[int]]] = []
        for place, (score, beam, token) in enumerate(candidates):
            tokens = [*self.beams[beam], token]
            if not (is_last or token in self.rules.end_ids):
                running.append((score, beam, tokens))
            elif place < n_beams:
                finished = Hypothesis(tokens, score / length**self.settings.length_penalty)
                self.finished.append(finished)
        self.finished = sorted(self.finished, key=lambda h: -h.score)[:n_beams]
        if is_last:
            self.is_done = True
            return list(range(n_beams))
        running = running[:n_beams]
        self.beams = [tokens for _, _, tokens in running]
        self.scores = np.array([score for score, _, _ in running], np.float32)
        self.is_done = self._cannot_improve(length)
        return [beam for _, beam, _ in running]

    @property
    def best(self) -> Hypothesis:
        """The best finished text; there is one when the search is done."""
        return self.finished[0]

    def _best_candidates(self, scores: Float32Array, width: int) -> list[tuple[float, int, int]]:
        """(score, beam, token), best first: so many that enough remain if all ends come first."""
        n = min(max(2, 1 + len(self.rules.end_ids)) * self.settings.n_beams, len(scores))
        best = largest(scores, n)
        return [(float(scores[i]), int(i) // width, int(i) % width) for i in best]

    def _cannot_improve(self, length: int) -> bool:
        if len(self.finished) < self.settings.n_beams:
            return False
        if self.settings.early_stopping:
            return True
        hoped: float = float(self.scores[0]) / length**self.settings.length_penalty
        return hoped <= self.finished[-1].score


def largest(scores: Float32Array, n: int) -> Int64Array:
    """Places of the largest scores, best first.

    They lie in the ``n`` stretches with the largest maxima, which are found many times faster
    than the scores themselves could be sorted.

    :param scores: Shape (any,), at least ``n``.
    :param n: How many.
    """
    n_whole = len(scores) // STRETCH * STRETCH
    maxima = scores[:n_whole].reshape(-1, STRETCH).max(axis=1)
    places = np.arange(len(scores))
    if len(maxima) > n:
        stretches = np.argpartition(-maxima, n - 1)[:n]
        inside = places[:n_whole].reshape(-1, STRETCH)[stretches].ravel()
        places = np.concatenate([np.sort(inside), places[n_whole:]])
    return places[np.argsort(-scores[places], kind="stable")[:n]]
