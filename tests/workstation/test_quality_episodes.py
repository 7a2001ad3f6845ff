"""Digests scored against a reader's choices: the forms of a transcript, and each measure."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edge_export.data.annotated import read_annotated, split_by_show

from benchmarks.quality import annotated, episode_scorers, line_baselines
from benchmarks.quality.__main__ import main
from benchmarks.quality.annotated import ALL, DEV, Episode, episodes
from benchmarks.quality.episode_scorers import Reading
from benchmarks.quality.forms import (
    BROKEN_LINES,
    FORMS,
    FULL,
    MAX_LINE_WORDS,
    NO_PUNCTUATION,
    NO_SPEAKERS,
    Turn,
    bare_text,
    lines_of,
)
from benchmarks.quality.metrics import average
from benchmarks.quality.tables import OURS, Scores
from edge.pipeline import digest_transcript
from edge.records import Chapter, Coverage, Excluded, ExtractedSentence, Keyphrase
from edge.runtime.encoder import Encoder

TURNS = [
    ("Anna", "This show is brought to you by a maker of solar panels."),
    ("Anna", "Welcome back to the show, everybody who listens."),
    ("Ben", "A solar panel feeds the battery of the cabin."),
    ("Ben", "Yes."),
    ("Anna", "The battery holds enough for three cloudy days in winter."),
    ("Ben", "Now for the bread: sourdough needs a very hot oven."),
    ("Anna", "The baker kneads it twice and lets it rest overnight."),
]
ROW: dict[str, Any] = {
    "id": "metamuse/1",
    "turns": [{"speaker": speaker, "content": text} for speaker, text in TURNS],
    "about": "Solar panels and bread.",
    "summary": [{"text": "A panel feeds a battery.", "lines": [2]}],
    "chapters": [
        {"first": 0, "title": "Solar panels", "key": [2], "question": None},
        {"first": 5, "title": "Sourdough bread", "key": [5], "question": None},
    ],
    "key_lines": [4],
    "extract": [2, 4],
    "quotes": [],
    "adverts": [[0, 1]],
    "cold_open": None,
    "keyphrases": ["solar panel", "sourdough"],
    "mentions": [],
}


def write(folder: Path, ids: list[str]) -> Path:
    with gzip.open(folder / annotated.ANNOTATED, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({**ROW, "id": each}) + "\n" for each in ids)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, [ROW["id"]])


def reading(episode: Episode, encoder: Encoder, **parts: Any) -> Reading:
    """An episode with a digest that has these parts."""
    digest = replace(digest_transcript(episode.transcript, encoder), **parts)
    return Reading(episode, {OURS: digest}, encoder)


def line(episode: Episode, segment: int) -> ExtractedSentence:
    text = episode.transcript.segments[segment].text
    return ExtractedSentence(text, segment, segment, None, None, None, 0.5)


def values(scores: Scores, system: str = OURS) -> dict[str, float]:
    (document,) = scores[system]
    return {name: average([value]) for name, value in document.items()}


def test_the_harness_and_the_training_leave_out_the_same_shows(tmp_path: Path) -> None:
    shows = [
        "changelog/brainscience",
        "changelog/gotime",
        "changelog/podcast",
        "metamuse",
        "archive",
    ]
    write(tmp_path, [f"{show}/{k}" for show in [*shows, "earnings21"] for k in range(2)])
    learned, left_out = split_by_show(read_annotated(tmp_path))
    assert [each.id for each in episodes(tmp_path, DEV)] == [each.id for each in left_out]
    assert len(episodes(tmp_path, ALL)) == len(learned) + len(left_out)
    assert learned
    for mine, theirs in zip(episodes(tmp_path, DEV), left_out, strict=True):
        assert mine.chosen == theirs.chosen
        assert mine.boundaries == theirs.chapter_starts


def test_forms_take_away_what_they_say() -> None:
    turns = [Turn("Well, it's 3.5 volts -- no?", "Anna"), Turn("“Yes”…", "Ben")]
    assert [(each.text, each.speaker) for each in lines_of(turns, FULL, "")] == [
        (turn.text, turn.speaker) for turn in turns
    ]
    assert [each.speaker for each in lines_of(turns, NO_SPEAKERS, "")] == [None, None]
    assert [(each.text, each.speaker) for each in lines_of(turns, NO_PUNCTUATION, "")] == [
        ("well it's 3.5 volts no", "Anna"),
        ("yes", "Ben"),
    ]


def test_broken_lines_hold_every_word_and_know_their_turn() -> None:
    turns = [Turn(f"This is sentence number {k}, said by nobody.") for k in range(40)]
    lines = lines_of(turns, BROKEN_LINES, "one")
    assert " ".join(each.text for each in lines) == " ".join(bare_text(t.text) for t in turns)
    assert all(len(each.text.split()) <= MAX_LINE_WORDS for each in lines)
    assert {len(each.text.split()) for each in lines[:-1]} > {6, 12}
    n_ends = sum(each.text.endswith("nobody") for each in lines)
    assert n_ends < len(lines) / 2  # lines end anywhere
    for each in lines:
        own = [word for word in each.text.split() if word.isdigit()]
        assert each.turn in {int(word) for word in own} or len(own) == 0
    assert lines == lines_of(turns, BROKEN_LINES, "one")
    assert lines != lines_of(turns, BROKEN_LINES, "two")


@pytest.mark.parametrize("form", FORMS)
def test_labels_stay_with_their_turns_in_every_form(folder: Path, form: str) -> None:
    (episode,) = episodes(folder, DEV, form)
    assert episode.chosen == {2, 4, 5}
    assert episode.turn_words == tuple(len(text.split()) for _, text in TURNS)
    assert len(episode.turn_of) == len(episode.transcript.segments)
    of_bread = [
        segment.text
        for turn, segment in zip(episode.turn_of, episode.transcript.segments, strict=True)
        if turn == 5
    ]
    assert "oven" in " ".join(of_bread)
    assert episode.boundaries == (5,)


def chapter_of(episode: Episode, points: tuple[ExtractedSentence, ...]) -> Chapter:
    last = len(episode.transcript.segments) - 1
    return Chapter("All of it", points, 0, last, None, None)


def test_a_key_point_counts_if_any_of_its_turns_is_chosen(folder: Path, encoder: Encoder) -> None:
    (episode,) = episodes(folder)
    wide = replace(line(episode, 3), last_segment=4)
    points = (line(episode, 2), line(episode, 3), wide, line(episode, 6))
    shown = (chapter_of(episode, points),)
    scores = episode_scorers.score_key_points([reading(episode, encoder, chapters=shown)])
    assert values(scores)["chosen"] == 50
    assert values(scores)["lines"] == 4
    # The first four of seven words or more: two of the advert, two that were chosen.
    assert values(scores, "lead") == {"chosen": 50, "lines": 4, "words a line": 9.75}
    assert 0 < values(scores, "any sentence")["chosen"] < 100
    assert set(scores) == {OURS, *line_baselines.LINES}


def test_no_key_point_is_none_chosen(folder: Path, encoder: Encoder) -> None:
    (episode,) = episodes(folder)
    scores = episode_scorers.score_key_points([reading(episode, encoder, chapters=())])
    assert values(scores) == {"chosen": 0, "lines": 0, "words a line": 0}


def test_summaries_are_scored_by_lines_and_by_words(folder: Path, encoder: Encoder) -> None:
    (episode,) = episodes(folder)
    same = replace(line(episode, 2), text="A panel feeds a battery.")
    summed = reading(episode, encoder, summary_sentences=(same,))
    scores = episode_scorers.score_summaries([summed])
    assert values(scores) == {"chosen": 100, "ROUGE-1": 100, "ROUGE-2": 100, "lines": 1}
    assert values(scores, "lead")["chosen"] == 0
    assert values(scores, "lead")["ROUGE-1"] > 0  # it fills the words, however many lines we show


def test_chapters_are_counted_in_turns(folder: Path, encoder: Encoder) -> None:
    for form in FORMS:
        (episode,) = episodes(folder, DEV, form)
        first = episode.turn_of.index(5)
        last = len(episode.turn_of) - 1
        chapters = (
            Chapter("", "", 0, first - 1, None, None),
            Chapter("", "", first, last, None, None),
        )
        scores = episode_scorers.score_chapters([reading(episode, encoder, chapters=chapters)])
        assert values(scores) == {
            "Pk": 0, "F1tol": 100, "WindowDiff": 0, "chapters": 2, "annotated": 2
        }  # fmt: skip
        assert values(scores, "none")["Pk"] > 0


def test_adverts_are_counted_in_words(folder: Path, encoder: Encoder) -> None:
    (episode,) = episodes(folder)
    stretches = (
        Excluded("advert", 1, 2, None, None, 17),
        Excluded("cold_open", 0, 0, None, None, 12),
    )
    kept = reading(episode, encoder, coverage=Coverage(68, 68, (), stretches))
    scores = episode_scorers.score_adverts([kept])
    # Of the 12 + 8 words marked, the 8; of the 8 + 9 kept out, the same 8.
    found = values(scores)
    assert found["of marked words, kept out"] == pytest.approx(40)
    assert found["of words kept out, marked"] == pytest.approx(100 * 8 / 17)
    assert values(scores, "nothing kept out")["of marked words, kept out"] == 0


def test_keyphrases_are_found_in_part(
    folder: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episode_scorers, "baseline_phrases", lambda *_: {})  # yake is not here
    (episode,) = episodes(folder)
    phrases = (Keyphrase("solar panels", 0.5, ()), Keyphrase("sourdough bread", 0.4, ()))
    scores = episode_scorers.score_keyphrases([reading(episode, encoder, keyphrases=phrases)])
    assert values(scores) == {"found": 100, "recall@15": 50}


def test_the_command_prints_a_table_for_each_task(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(folder), "--form", BROKEN_LINES]
    monkeypatch.setattr("sys.argv", ["quality", "key-points", "adverts", *options])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("**")] == [
        "**Key points: dev episodes, broken_lines**, n = 1",
        "**Adverts: dev episodes, broken_lines**, n = 1",
    ]
