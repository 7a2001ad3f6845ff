"""PageRank, for the baselines that are made of it."""

from __future__ import annotations

import numpy as np

DAMPING = 0.85
N_ROUNDS = 100
TOLERANCE = 1e-9


def page_rank(weights: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """How likely a walk along weighted edges is at each node; the sum is 1.

    :param weights: Of the edges from each node (row) to each other, shape (nodes, nodes), not
        negative; from a node without any, the walk begins anew.
    :param start: How likely it begins at each node, up to a factor; None for all alike.
    """
    n = len(weights)
    begin = np.full(n, 1.0 / max(1, n)) if start is None else start / start.sum()
    out = weights.sum(axis=1)
    steps = np.divide(weights, out[:, None], out=np.zeros_like(weights), where=out[:, None] > 0)
    rank = begin
    for _ in range(N_ROUNDS):
        moved = DAMPING * (rank @ steps + rank[out == 0].sum() * begin) + (1 - DAMPING) * begin
        if np.abs(moved - rank).sum() < TOLERANCE:
            return np.asarray(moved)
        rank = moved
    return np.asarray(rank)
