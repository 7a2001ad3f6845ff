"""Beam search: the likeliest text among several followed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Int64Array
from edge.generation.logits_processors import process_logits
from edge.generation.sampling import ControlTokens, GenerationSettings

BLOCK = 64
"""Scores whose maximum is looked at first when the largest are searched."""


@dataclass(frozen=True)
class Hypothesis:
    """A finished text."""

    token_ids: list[int]
    score: float
    """Log probability divided by length to the length penalty."""


class BeamSearch:
    """The beams of one prompt.

    Source: the search of ``transformers.generate``, which tests compare with token by token.

    :param settings: Of the generation.
    :param control: Of the model.
    :param history: What the text repeats if it says it again: the prompt's own tokens.
    """

    def __init__(
        self, settings: GenerationSettings, control: ControlTokens, history: Sequence[int] = ()
    ) -> None:
        self.settings = settings
        self.control = control
        self.beams: list[list[int]] = [[] for _ in range(settings.n_beams)]
        """New tokens of each."""
        # Every beam begins with the same tokens: only the first counts in the first step.
        self.scores = np.full(settings.n_beams, -1e9, np.float32)
        self.scores[0] = 0
        self.finished: list[Hypothesis] = []
        self.is_done = False
        self._history = history

    def advance(self, log_probabilities: Float32Array) -> list[int]:
        """Grow every beam by one token.

        :param log_probabilities: Of the next token of each beam, shape (beams, vocabulary).
        :return: The beam each of the new beams comes from.
        """
        n_beams, length = self.settings.n_beams, len(self.beams[0]) + 1
        is_last = length == self.settings.max_new_tokens
        running: list[tuple[float, int, list[int]]] = []
        for rank, (score, beam, token) in enumerate(self._best_candidates(log_probabilities)):
            token_ids = [*self.beams[beam], token]
            if not (is_last or token in self.control.end_ids):
                running.append((score, beam, token_ids))
            elif rank < n_beams:
                normalized = score / length**self.settings.length_penalty
                self.finished.append(Hypothesis(token_ids, normalized))
        self.finished = sorted(self.finished, key=lambda h: -h.score)[:n_beams]
        if is_last:
            self.is_done = True
            return list(range(n_beams))
        running = running[:n_beams]
        self.beams = [token_ids for _, _, token_ids in running]
        self.scores = np.array([score for score, _, _ in running], np.float32)
        self.is_done = self._cannot_improve(length)
        return [beam for _, beam, _ in running]

    @property
    def best(self) -> Hypothesis:
        """The best finished text; there is one when the search is done."""
        return self.finished[0]

    def _best_candidates(self, log_probabilities: Float32Array) -> list[tuple[float, int, int]]:
        """(score, beam, token), best first: so many that enough remain if all ends come first."""
        rows = [
            process_logits(row, [*self._history, *beam], len(beam), self.settings, self.control)
            + score
            for row, beam, score in zip(log_probabilities, self.beams, self.scores, strict=True)
        ]
        scores, width = np.concatenate(rows), log_probabilities.shape[1]
        n = min(max(2, 1 + len(self.control.end_ids)) * self.settings.n_beams, len(scores))
        return [(float(scores[i]), int(i) // width, int(i) % width) for i in largest(scores, n)]

    def _cannot_improve(self, length: int) -> bool:
        if len(self.finished) < self.settings.n_beams:
            return False
        if self.settings.early_stopping:
            return True
        best_possible: float = float(self.scores[0]) / length**self.settings.length_penalty
        return best_possible <= self.finished[-1].score


def largest(scores: Float32Array, n: int) -> Int64Array:
    """Indices of the largest scores, best first.

    They lie in the ``n`` blocks with the largest maxima, which are found many times faster than
    the scores themselves could be sorted.

    :param scores: Shape (any,), at least ``n``.
    :param n: How many.
    """
    n_in_blocks = len(scores) // BLOCK * BLOCK
    maxima = scores[:n_in_blocks].reshape(-1, BLOCK).max(axis=1)
    indices = np.arange(len(scores))
    if len(maxima) > n:
        blocks = np.argpartition(-maxima, n - 1)[:n]
        inside = indices[:n_in_blocks].reshape(-1, BLOCK)[blocks].ravel()
        indices = np.concatenate([np.sort(inside), indices[n_in_blocks:]])
    return indices[np.argsort(-scores[indices], kind="stable")[:n]]
