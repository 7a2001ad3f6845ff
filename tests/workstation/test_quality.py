"""The quality harness's measures, on cases worked out by hand, and its baselines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality import baselines, metrics, phrase_baselines
from benchmarks.quality.data import Item, document, names_said
from benchmarks.quality.forms import FULL, Turn
from benchmarks.quality.page_rank import page_rank
from benchmarks.quality.scorers import score_titles
from benchmarks.quality.tables import OURS, merged, print_table
from edge.extraction.phrases import find_phrases
from edge.extraction.tagger import tag_sentences
from edge.records import Segment, Transcript
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import rebuild_sentences


def test_perfect_and_missing_boundaries() -> None:
    assert metrics.pk_and_window_diff([10, 20], [10, 20], 30) == (0, 0)
    assert metrics.boundary_f1([10, 20], [10, 20], 30) == 100
    pk, window_diff = metrics.pk_and_window_diff([], [10, 20], 30)
    assert pk == window_diff == pytest.approx(100 * 10 / 25)  # k = 5: five windows a boundary
    assert metrics.boundary_f1([], [10, 20], 30) == 0


def test_a_boundary_counts_once_and_within_a_tenth() -> None:
    assert metrics.boundary_f1([9, 11], [10], 30) == pytest.approx(200 / 3)
    assert metrics.boundary_f1([13], [10], 30) == 0
    assert metrics.boundary_f1([12], [10], 30) == 100  # a tenth of 15 turns, rounded, is 2


def test_window_diff_counts_what_pk_forgives() -> None:
    pk, window_diff = metrics.pk_and_window_diff([10, 11], [10], 30)
    assert window_diff > pk


def test_rouge_cuts_at_the_budget() -> None:
    scores = metrics.rouge(["a model runs", "on the device today"], "A model runs on the device", 6)
    assert scores["ROUGE-1"] == pytest.approx(100)
    assert metrics.cut_to_budget(["one two", "three four"], 3) == ["one two", "three"]


def test_keyphrases_match_by_stem() -> None:
    others = [f"word{i}" for i in range(20)]
    found = ["Neural Networks", "neural network", "dogs", *others[:3], "cats", *others[3:]]
    scores = metrics.keyphrase_scores(found, ["neural network", "cat"])
    assert scores == {
        "recall@15": 100.0,
        "F1@5": pytest.approx(200 * 1 / (5 + 2)),
        "F1@10": pytest.approx(200 * 2 / (10 + 2)),
        "F1@15": pytest.approx(200 * 2 / (15 + 2)),
    }


def test_a_phrase_is_found_in_part_or_within_a_longer_one() -> None:
    human = ["brain science", "habits", "the amygdala", "sleep"]
    assert metrics.share_found(["Brain", "bad habit loops", "sleepless"], human) == 50
    assert metrics.share_found([*map(str, range(15)), "sleep"], human) == 0  # the sixteenth


def test_titles_share_stemmed_words() -> None:
    assert metrics.word_f1("Solar panels", "The solar panel") == pytest.approx(80)
    assert metrics.word_f1("", "The solar panel") == 0


def test_shares_are_added_up_before_they_are_divided() -> None:
    ours = [metrics.Share(1, 10), metrics.Share(9, 90), metrics.Share(0, 0)]
    assert metrics.average(ours) == pytest.approx(10)
    assert metrics.average([20.0, 40.0]) == 30
    assert np.isnan(metrics.average([metrics.Share(0, 0)]))
    nothing = [each._replace(part=0) for each in ours]
    assert metrics.paired_interval(ours, nothing) == pytest.approx((10, 10, 10))


def test_titles_are_scored_in_the_humans_chapters(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    solar = ["The solar panel feeds the battery.", "A solar panel needs sunlight."] * 4
    bread = ["Sourdough bread needs a hot oven.", "The baker kneads sourdough bread."] * 4
    item = Item(
        group="shows",
        boundaries=(8,),
        titles=("Solar panels", "Sourdough bread"),
        **document("one", [Turn(line) for line in [*solar, *bread]], FULL),
    )
    systems = {name: choose for name, choose in phrase_baselines.PHRASES.items() if name != "YAKE"}
    monkeypatch.setattr(phrase_baselines, "PHRASES", systems)  # yake is no dependency of the tests
    scores = score_titles([item, replace(item, titles=("", ""))], {OURS: encoder})
    assert {name: len(values) for name, values in scores.items()} == dict.fromkeys(scores, 1)
    chance = scores["the human title of the chapter before"][0]
    ours = scores[OURS][0]
    assert metrics.average([ours["cosine"]]) > 60 > metrics.average([chance["cosine"]])
    assert metrics.average([ours["word F1"]]) > chance["word F1"] == 0


def test_chapters_with_a_title_and_a_sentence_are_scored() -> None:
    fields = document("one", [Turn(f"Sentence number {i}.") for i in range(6)], FULL)
    item = Item(group="shows", boundaries=(2, 4, 9),
                titles=("First", "", "Third", "Past the end"), **fields)  # fmt: skip
    assert item.titled_chapters == [("First", (0, 2)), ("Third", (4, 6))]


def test_the_table_holds_means_and_our_difference(capsys: pytest.CaptureFixture[str]) -> None:
    part = {OURS: [{"F1": 3.0, "n": 1.0}], "lead": [{"F1": 1.0, "n": 2.0}]}
    print_table("Title", merged([part, part]))
    lines = capsys.readouterr().out.splitlines()
    assert "**Title**, n = 2" in lines
    assert lines[-3:] == [
        "|---|---|---|---|",
        f"| {OURS} | 3.0 | 1.0 |  |",
        "| lead | 1.0 | 2.0 | +2.0 (+2.0 to +2.0) |",
    ]


def test_names_of_show_notes_are_those_that_are_said() -> None:
    spoken = (
        "Welcome to the show. Pieter Wuille wrote Bitcoin Core. Testing it is hard, testing is."
    )
    written = ["The Bitcoin Core project.", "Testing by Pieter Wuille and Andrew Chow in Bitcoin."]
    assert names_said(written, spoken) == ("Bitcoin Core", "Testing", "Pieter Wuille", "Bitcoin")
    assert names_said(["Testing."], f"{spoken} We are testing.") == ()


def test_the_interval_holds_the_mean() -> None:
    mean, low, high = metrics.paired_interval([3, 4, 5, 6], [1, 2, 4, 4])
    assert low <= mean <= high
    assert mean == pytest.approx(1.75)


def test_baselines_find_an_obvious_change() -> None:
    lines = ["The cat sat on the mat and slept."] * 30 + ["Stocks fell as the bank failed."] * 30
    segments = tuple(Segment(" ".join([line] * 4)) for line in lines)
    sentences = rebuild_sentences(Transcript(segments, "text"))
    vectors = np.zeros((len(sentences), 4), np.float32)
    for i, sentence in enumerate(sentences):
        vectors[i, int("Stocks" in sentence.text)] = 1
        vectors[i, 2] = 0.01 * (i % 3)
    for find in (baselines.text_tiling, baselines.divisive):
        found = [sentences[i].first_segment for i in find(sentences, vectors)]
        assert any(abs(at - 30) <= 3 for at in found)  # in one dimension, near is as good
    assert baselines.no_boundary(sentences, vectors) == []


def test_summary_baselines_keep_the_budget() -> None:
    texts = [f"Sentence number {i} says that the model is fine." for i in range(40)]
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    for choose in (baselines.lead, baselines.longest, baselines.minilm_centroid):
        chosen = metrics.cut_to_budget(choose(texts, vectors, 30), 30)
        assert sum(len(text.split()) for text in chosen) == 30
    assert baselines.oracle(texts, texts[7], 9) == [texts[7]]


def test_page_rank_is_the_walks_own_balance() -> None:
    weights = np.array([[0.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    rank = page_rank(weights)
    assert rank.sum() == pytest.approx(1)
    steps = np.array([[0, 0.5, 0.5], [1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])
    assert rank == pytest.approx(0.85 * rank @ steps + 0.15 / 3)
    towards_last = page_rank(weights, np.array([0.0, 0.0, 5.0]))
    assert towards_last[2] > rank[2]


def test_keyphrase_baselines_find_what_is_said_most(encoder: Encoder) -> None:
    lines = ["The solar panel feeds the battery.", "A solar panel needs sunlight and a roof."] * 4
    sentences = rebuild_sentences(Transcript(tuple(Segment(line) for line in lines), "text"))
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    found = find_phrases(sentences, [True] * len(sentences), tags).values()
    pool = [candidate for candidate in found if candidate.is_open]
    vectors = encoder.encode([sentence.text for sentence in sentences])
    episode = phrase_baselines.Phrased(sentences, vectors, pool, encoder.encode, encoder.rarity)
    for name, choose in phrase_baselines.PHRASES.items():
        if name != "YAKE":  # yake is no dependency of the tests
            assert "solar panel" in choose(episode)[:3], name
