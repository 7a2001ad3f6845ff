"""Taking the best again and again, each unlike what was taken: how every list shown is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array

Penalty = Callable[[int], Float64Array]
"""From an item to what every item is worth less beside it, shape (items,); infinity rules out."""


@dataclass(frozen=True)
class Budget:
    """What may be spent on the items that are taken."""

    costs: npt.NDArray[np.integer]
    """Shape (items,)."""
    limit: float


def select_greedily(
    worth: Float64Array,
    penalty: Penalty,
    n_max: int | None = None,
    *,
    taken: Sequence[int] = (),
    budgets: Sequence[Budget] = (),
) -> list[int]:
    """Indices of the best items, in the order in which they are taken; of equals, the first.

    One is taken at a time: that which is worth most, less its largest penalty beside those taken
    before it. The very first is taken whatever it costs.

    :param worth: Of each item, shape (items,); minus infinity for one that is not to be taken.
    :param penalty: Asked once of each item that is taken.
    :param n_max: Most items to take; None for all that are not ruled out.
    :param taken: Items taken before, which count, cost and are not taken again.
    :param budgets: What is taken has to keep to; all of them.
    """
    together = list(taken)
    penalties = reduce(np.maximum, map(penalty, taken), np.zeros(len(worth)))
    for _ in range(len(worth) if n_max is None else min(n_max, len(worth))):
        gain = worth - penalties
        gain[together] = -np.inf
        for budget in budgets if together else ():
            left = max(0.0, budget.limit - float(budget.costs[together].sum()))
            gain[budget.costs > left] = -np.inf
        best = int(gain.argmax())
        if gain[best] == -np.inf:
            break
        together.append(best)
        penalties = np.maximum(penalties, penalty(best))
    return together[len(taken) :]


def in_order(n: int) -> Float64Array:
    """What items are worth that come the best first.

    :param n: How many there are.
    """
    return -np.arange(n, dtype=np.float64)


def less_alike(vectors: Float32Array, weight: float) -> Penalty:
    """A penalty of so much of the cosine: maximal marginal relevance.

    :param vectors: Unit vectors, shape (items, dimension).
    :param weight: What a cosine of 1 costs.
    """
    return lambda item: weight * (vectors @ vectors[item]).astype(np.float64)


def none_alike(vectors: Float32Array, cosine: float) -> Penalty:
    """Rules out what says the same.

    :param vectors: Unit vectors, shape (items, dimension).
    :param cosine: From which on two items say the same.
    """
    return lambda item: ruled_out((vectors @ vectors[item]).astype(np.float64) >= cosine)


def ruled_out(mask: npt.ArrayLike) -> Float64Array:
    """Infinity where something must not be taken, else nothing.

    :param mask: Of each item, whether it is ruled out.
    """
    return np.where(mask, np.inf, 0.0)
