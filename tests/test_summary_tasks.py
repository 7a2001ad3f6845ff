"""What a summarizing model is asked and reads."""

from __future__ import annotations

import numpy as np
import pytest

from edge.abstractive.requests import (
    answer_text,
    choose_sentences,
    episode_request,
    passage_text,
    split_answer,
    summary_request,
    title_request,
)
from edge.english.analysis import analyse_sentence
from edge.records import Segment, Transcript
from edge.transcript.sentences import rebuild_sentences


@pytest.mark.parametrize(
    ("summary", "title"),
    [("Models are slow. Halves help.", "Halves"), ("Models are slow.", "")],
)
def test_an_answer_is_split_as_it_was_joined(summary: str, title: str) -> None:
    assert split_answer(answer_text(summary, title)) == (summary, title)


def test_only_the_first_title_counts_and_line_breaks_are_mended() -> None:
    answer = "One thing.\nAnother.\n\nTitle: Two\nthings"
    assert split_answer(answer) == ("One thing. Another.", "Two things")
    assert split_answer("Title: Alone") == ("", "Alone")
    assert split_answer("") == ("", "")


def test_lengths_are_asked_for_in_tens() -> None:
    assert summary_request("P", 54).endswith("P\n\nSummarize in 50 words.")
    assert summary_request("P", 3, with_title=True).endswith("in 10 words, then give a title.")
    assert title_request("P").endswith("Give a title.")
    request = episode_request(["First.", "Second."], 96)
    assert request == "- First.\n- Second.\n\nSummarize the episode in 100 words."


def test_speakers_are_named_once_a_turn() -> None:
    segments = (
        Segment("We met on Monday.", speaker="Ann"),
        Segment("It was long.", speaker="Ann"),
        Segment("It was useful.", speaker="Bo"),
    )
    sentences = [analyse_sentence(s) for s in rebuild_sentences(Transcript(segments, "json"))]
    assert passage_text(sentences) == ("Ann: We met on Monday. It was long.\nBo: It was useful.")
    silent = rebuild_sentences(Transcript(tuple(Segment(s.text) for s in segments), "txt"))
    assert ":" not in passage_text([analyse_sentence(s) for s in silent])


def test_the_most_salient_sentences_that_fit_are_read_in_spoken_order() -> None:
    texts = ["Yeah.", "Inference costs money.", "Halving inference time decides.", "Okay, right."]
    transcript = Transcript(tuple(Segment(text, speaker=text) for text in texts), "txt")
    sentences = [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]
    assert len(sentences) == 4
    salience = np.array([9.0, 0.1, 0.5, 8.0])
    assert choose_sentences(sentences, range(4), salience) == [1, 2]
    assert choose_sentences(sentences, range(4), salience, max_words=5) == [2]
    assert choose_sentences(sentences, [1], salience) == [1]
    assert choose_sentences(sentences, [0, 3], salience) == []
