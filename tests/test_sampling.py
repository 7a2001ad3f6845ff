"""Pure functions from logits to tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.generation.beam_search import BeamSearch, largest
from edge.generation.logits_processors import (
    penalize_repetition,
    process_logits,
    repeating_tokens,
)
from edge.generation.sampling import (
    ControlTokens,
    GenerationSettings,
    keep_top_k,
    keep_top_p,
    make_sampler,
    probabilities,
)

LOGITS = np.array([2.0, 1.0, 0.5, -1.0, -3.0], np.float32)


def test_top_k_keeps_the_greatest_and_equals_of_the_last() -> None:
    assert np.isfinite(keep_top_k(LOGITS, 2)).tolist() == [True, True, False, False, False]
    tied = np.array([1.0, 1.0, 0.0], np.float32)
    assert np.isfinite(keep_top_k(tied, 1)).tolist() == [True, True, False]
    assert keep_top_k(LOGITS, 99).tolist() == LOGITS.tolist()


@given(st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=30), st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_that_reach_it(values: list[float], p: float) -> None:
    scores = np.array(values, np.float32)
    kept = np.isfinite(keep_top_p(scores, p))
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    assert kept.any()
    assert chances[kept].sum() >= p - 1e-4
    assert chances[kept].min() >= chances[~kept].max(initial=0)
    without_last = chances[kept].sum() - chances[kept].min()
    assert without_last <= p + 1e-4


def test_repetition_makes_seen_tokens_less_likely_whatever_their_sign() -> None:
    changed = penalize_repetition(LOGITS, [0, 3, 3], 2.0)
    assert changed.tolist() == [1.0, 1.0, 0.5, -2.0, -3.0]


def test_runs_of_tokens_do_not_come_twice() -> None:
    assert repeating_tokens([5, 6, 7, 5, 6], 3) == [7]
    assert repeating_tokens([5, 6, 7], 3) == []
    assert repeating_tokens([5], 3) == []
    assert repeating_tokens([5, 6], 1) == [5, 6]


def test_first_last_and_earliest_end_are_forced() -> None:
    settings = GenerationSettings(max_new_tokens=3, min_new_tokens=2)
    control = ControlTokens(end_ids=(0,), forced_first_id=2, forced_last_id=3)
    best = [int(process_logits(LOGITS, [], n, settings, control).argmax()) for n in range(3)]
    assert best == [2, 1, 3]


def test_temperature_sharpens_and_draws_follow_the_chances() -> None:
    warm = GenerationSettings(temperature=1.0, seed=1)
    chances = probabilities(LOGITS, warm)
    assert probabilities(LOGITS, GenerationSettings(temperature=0.5))[0] > chances[0]
    sampler = make_sampler(warm, 0)
    counts = np.bincount([sampler(LOGITS) for _ in range(4000)], minlength=5) / 4000
    np.testing.assert_allclose(counts, chances, atol=0.03)
    assert make_sampler(GenerationSettings(), 0)(LOGITS) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_new_tokens": 0},
        {"min_new_tokens": 300},
        {"temperature": -1},
        {"top_p": 0},
        {"repetition_penalty": 0},
        {"n_beams": 0},
        {"stop": ("",)},
        {"n_beams": 2, "temperature": 1.0},
    ],
)
def test_settings_outside_their_limits_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"allowed is|beam search"):
        GenerationSettings(**wrong)  # type: ignore[arg-type]


def test_a_beam_search_finds_what_greedy_misses() -> None:
    """Token 0 is likelier now, token 1 leads to the likelier text."""
    first = np.log(np.array([0.6, 0.4, 1e-9], np.float32))
    after = {
        0: np.log(np.array([0.5, 0.5, 1e-9], np.float32)),
        1: np.log(np.array([1e-9, 0.05, 0.95], np.float32)),
    }
    settings = GenerationSettings(max_new_tokens=2, n_beams=2)
    search = BeamSearch(settings, ControlTokens(end_ids=(2,)))
    search.advance(np.stack([first, first]))
    assert [beam[-1] for beam in search.beams] == [0, 1]
    search.advance(np.stack([after[b[-1]] for b in search.beams]))
    assert search.is_done
    assert search.best.token_ids == [1, 2]
    assert search.best.score == pytest.approx(np.log(0.4 * 0.95) / 2, abs=1e-5)


@given(st.integers(1, 500), st.integers(1, 12), st.integers(0, 99))
def test_the_largest_are_those_of_a_full_sort(size: int, n: int, seed: int) -> None:
    scores = np.random.default_rng(seed).standard_normal(size).astype(np.float32)
    found = largest(scores, min(n, size))
    assert found.tolist() == np.argsort(-scores)[: min(n, size)].tolist()
