"""Taking the best, each unlike what was taken before it."""

from __future__ import annotations

import numpy as np

from edge.extraction.greedy import Budget, less_alike, none_alike, ruled_out, select_greedily

NOTHING = np.zeros(4)


def unlike(item: int) -> np.ndarray:
    return NOTHING


def test_the_best_come_first_and_of_equals_the_first() -> None:
    worth = np.array([1.0, 3.0, -np.inf, 3.0])
    assert select_greedily(worth, unlike) == [1, 3, 0]
    assert select_greedily(worth, unlike, 2) == [1, 3]
    assert select_greedily(worth, unlike, 0) == []
    assert select_greedily(np.zeros(0), unlike, 3) == []


def test_what_is_alike_counts_less_or_is_ruled_out() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0.8, 0.6]], np.float32)
    worth = np.array([1.0, 0.9, 0.5, 0.7])
    assert select_greedily(worth, less_alike(vectors, 0.5)) == [0, 2, 1, 3]
    assert select_greedily(worth, none_alike(vectors, 0.7)) == [0, 2]
    assert select_greedily(worth, none_alike(vectors, 0.7), taken=[3]) == [2]
    assert select_greedily(worth, lambda i: ruled_out(np.abs(np.arange(4) - i) < 2)) == [0, 3]


def test_budgets_hold_but_for_the_very_first() -> None:
    worth = np.array([4.0, 3.0, 2.0, 1.0])
    budget = Budget(np.array([5, 4, 2, 1]), 7)
    assert select_greedily(worth, unlike, budgets=[budget]) == [0, 2]
    assert select_greedily(worth, unlike, budgets=[Budget(budget.costs, 3)]) == [0]
    assert select_greedily(worth, unlike, taken=[3], budgets=[Budget(budget.costs, 3)]) == [2]
    of_the_last = Budget(np.array([0, 0, 2, 1]), 2)
    assert select_greedily(worth, unlike, taken=[3], budgets=[of_the_last]) == [0, 1]
