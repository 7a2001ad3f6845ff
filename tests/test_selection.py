"""Taking the best, each unlike what was taken before it; what a digest shows, each once."""

from __future__ import annotations

import numpy as np

from edge.english.analysis import analyse_sentence
from edge.extraction.greedy import Budget, less_alike, none_alike, ruled_out, select_greedily
from edge.extraction.judgements import Judgements
from edge.extraction.selection import Choice, choose, choose_key_points, choose_summary
from edge.records import Segment, Transcript
from edge.transcript.sentences import rebuild_sentences

NOTHING = np.zeros(4)
ROLES = ("summary", "quote", "question", "introduces")


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


def judged(worth: list[float], **others: list[float]) -> Judgements:
    """Sentences of ten words, as worthy as told; of everything else, nothing unless told."""
    n = len(worth)
    roles = {name: np.array(others.get(name, np.zeros(n)), float) for name in ROLES}
    return Judgements(
        worth=np.array(worth),
        **roles,
        leans=np.array(others.get("leans", np.zeros(n)), bool),
        n_words=np.full(n, 10, np.int32),
        is_candidate=np.array(worth) > 0,
    )


def shown(choice: Choice) -> list[int]:
    introduction = [] if choice.introduction is None else [choice.introduction]
    points = [i for chapter in choice.key_points for i in chapter]
    return [*introduction, *choice.summary, *points, *choice.quotes]


def test_each_sentence_is_shown_once() -> None:
    worth = [0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.6, 0.7, 0.8, 0.9]
    judgements = judged(worth, quote=worth, summary=worth, introduces=[0.9, *[0.0] * 9])
    choice = choose(judgements, np.eye(10, dtype=np.float32), [(0, 5), (5, 10)], 30, 8000)
    assert choice.introduction == 0
    assert choice.summary == [1, 8, 9]
    assert len(shown(choice)) == len(set(shown(choice)))


def test_a_chapter_shows_its_best_and_others_only_where_they_are_good() -> None:
    judgements = judged([0.9, 0.8, 0.7, 0.7, 0.4, 0.1, 0.0, 0.0])
    unlike = np.eye(8, dtype=np.float32)
    spans = [(0, 4), (4, 6), (6, 8)]
    assert choose_key_points(judgements, unlike, spans, 9000) == [[0, 1, 2], [4], []]
    assert choose_key_points(judgements, unlike, spans, 2400) == [[0, 1], [4], []]
    assert choose_key_points(judgements, unlike, spans, 9000, told=[0, 4]) == [[1, 2], [], []]


def test_what_leans_on_the_line_before_is_no_line_of_a_summary() -> None:
    worth = [0.9, 0.8, 0.7]
    judgements = judged(worth, summary=worth, leans=[1, 0, 0])
    assert choose_summary(judgements, np.eye(3, dtype=np.float32), 20) == [1, 2]


def test_what_points_back_leans() -> None:
    def leans(text: str) -> bool:
        (sentence,) = rebuild_sentences(Transcript((Segment(text),), "text"))
        return analyse_sentence(sentence).leans

    assert leans("It doubled the speed of the decoder.")
    assert leans("And so they moved to the cloud.")
    assert not leans("A smaller model doubled the speed, and it fits.")
    assert not leans("I moved to the cloud.")
