from __future__ import annotations

import itertools

import pytest

from edge.records import Segment, Transcript, Word
from edge.transcript.sentences import MAX_WORDS, is_annotation, rebuild_sentences, sentence_texts


def transcript(*segments: Segment) -> Transcript:
    return Transcript(segments, "test")


def test_sentence_across_segments_keeps_them_and_the_first_start() -> None:
    sentences = rebuild_sentences(
        transcript(
            Segment("We started small. It was", 0.0, 2.0),
            Segment("basically out of need. Then", 2.0, 4.0),
            Segment("we grew.", 4.0, 5.0),
        )
    )
    assert [(s.text, s.first_segment, s.last_segment, s.start_s, s.end_s) for s in sentences] == [
        ("We started small.", 0, 0, 0.0, 2.0),
        ("It was basically out of need.", 0, 1, 0.0, 4.0),
        ("Then we grew.", 1, 2, 2.0, 5.0),
    ]


def test_word_times_give_the_exact_start() -> None:
    words = tuple(
        Word(w, k * 0.5, k * 0.5 + 0.4) for k, w in enumerate(["One", "two.", "Three", "four."])
    )
    first, second = rebuild_sentences(
        transcript(Segment("One two. Three four.", 0.0, 2.0, None, words))
    )
    assert (first.start_s, first.end_s) == (0.0, 0.9)
    assert (second.start_s, second.end_s) == (1.0, 1.9)


def test_two_speakers_never_share_a_sentence() -> None:
    sentences = rebuild_sentences(
        transcript(Segment("and then I said", speaker="Ann"), Segment("no way.", speaker="Bob"))
    )
    assert [(s.text, s.speaker) for s in sentences] == [
        ("and then I said", "Ann"),
        ("no way.", "Bob"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith met J. R. Hobbs. They talked.", ["Dr. Smith met J. R. Hobbs.", "They talked."]),
        ("It costs 3.5 dollars. OK.", ["It costs 3.5 dollars.", "OK."]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("I use nets, e.g. RNNs. Fine.", ["I use nets, e.g. RNNs.", "Fine."]),
        ("Really?! yes. ok", ["Really?!", "yes.", "ok"]),
        ("これはテストです。次です。", ["これはテストです。", "次です。"]),
    ],
)
def test_sentence_ends(text: str, expected: list[str]) -> None:
    assert sentence_texts(text) == expected


def test_missing_punctuation_is_cut_at_pauses_and_segments() -> None:
    segments = [
        Segment(f"w{k} " * 10, k * 4.0, k * 4.0 + (3.9 if k % 2 else 3.0)) for k in range(20)
    ]
    sentences = rebuild_sentences(transcript(*segments))
    assert sum(s.n_words for s in sentences) == 200
    assert all(10 <= s.n_words <= 30 for s in sentences)
    assert all(s.text.split()[0] != previous.text.split()[-1]
               for previous, s in itertools.pairwise(sentences))  # fmt: skip


def test_endless_sentence_is_cut_at_a_comma() -> None:
    text = " ".join(["word"] * 40) + ", and " + " ".join(["more"] * 40) + "."
    first, second, *_ = rebuild_sentences(transcript(Segment(text + " Short one." * 3)))
    assert first.text.endswith("word,")
    assert second.text.startswith("and more")
    assert max(first.n_words, second.n_words) <= MAX_WORDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [("[Music]", True), ("(gentle music)", True), ("♪ la la ♪", True), ("[Music] Hello.", False)],
)
def test_annotations(text: str, expected: bool) -> None:
    assert is_annotation(text) is expected
