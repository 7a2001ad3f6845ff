"""The learned heads of the embedded bundle, and the measures they read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.errors import BundleError
from edge.extraction.adverts import find_adverts
from edge.extraction.features import hashed_stems, likeness, ranks, running_sums, word_offsets
from edge.extraction.measures import Place, measure_sentences
from edge.extraction.reader import ROLES, Reading, read_sentences
from edge.extraction.segmentation import choose_boundaries, may_begin
from edge.records import Segment, Transcript
from edge.runtime.encoder import Encoded, Encoder
from edge.runtime.heads import HEAD_NAMES, Head, feature_matrix, require_heads
from edge.transcript import parse_transcript
from edge.transcript.sentences import rebuild_sentences

MAX_HEAD_BYTES = 3_000_000


def sentences_of(*lines: str) -> list[AnalysedSentence]:
    transcript = Transcript(tuple(Segment(line) for line in lines), "text")
    return [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]


def read(sentences: list[AnalysedSentence], encoder: Encoder) -> Reading:
    encoded = encoder.begin_texts([sentence.text for sentence in sentences]).result()
    place = Place(0, sum(sentence.n_words for sentence in sentences))
    return read_sentences(sentences, encoded, encoder.heads["reader"], encoder.rarity, place)


def test_the_bundle_has_every_head_and_each_is_small(encoder: Encoder) -> None:
    require_heads(encoder.bundle)
    assert tuple(sorted(encoder.heads)) == tuple(sorted((*HEAD_NAMES, "support")))
    for head in encoder.bundle.manifest.heads:
        assert encoder.bundle.path(head.file).stat().st_size < MAX_HEAD_BYTES
        assert head.certificate["max_difference"] <= head.certificate["limit"]
        assert head.training["rows"] > 1000
        assert all(len(sha256) == 64 for sha256 in head.training["data_sha256"].values())


def test_a_bundle_without_heads_is_named(encoder: Encoder) -> None:
    bundle = encoder.bundle
    bare = replace(bundle, manifest=replace(bundle.manifest, heads=()))
    with pytest.raises(BundleError, match="lacks the heads"):
        require_heads(bare)


def test_an_unknown_feature_is_named(encoder: Encoder) -> None:
    spec = next(head for head in encoder.bundle.manifest.heads if head.name == "reader")
    head = Head(encoder.bundle, replace(spec, features=("moon_phase",)))
    with pytest.raises(BundleError, match="wants the feature 'moon_phase'"):
        head.predict({"length": np.ones(3)})


def test_features_are_read_in_the_heads_order() -> None:
    features = {"a": np.array([1.0, 2.0]), "b": np.array([[3.0, 4.0], [5.0, 6.0]])}
    assert feature_matrix(features, ("b", "a")).tolist() == [[3, 4, 1], [5, 6, 2]]


def test_likeness_falls_where_the_subject_changes() -> None:
    rows = np.array([[1.0, 0.0]] * 10 + [[0.0, 1.0]] * 10)
    offsets = np.arange(0, 210, 10)
    measured = likeness(running_sums(rows), offsets, 50)
    assert measured[1:].argmin() == 9  # before the first sentence there is nothing to be like
    assert measured[10] == pytest.approx(0.0)


def test_small_measures() -> None:
    assert ranks(np.array([3.0, 1.0, 2.0])).tolist() == [1, 0, 0.5]
    rows = hashed_stems([["model", "edge"], ["model"], ["once"]], 64)
    assert rows.shape == (3, 64)
    assert np.count_nonzero(rows) == 2  # "edge" and "once" are said in one sentence only


def test_no_chapter_begins_inside_a_segment() -> None:
    sentences = sentences_of("One here. Two here.", "Three here.")
    assert may_begin(sentences).tolist() == [False, False, True]


def test_likelier_places_win_and_keep_their_distance() -> None:
    lines = [" ".join(["word"] * 29) + " end." for _ in range(60)]
    sentences = sentences_of(*lines)
    probability = np.full(60, 0.005)
    probability[[20, 22, 40]] = 0.9, 0.8, 0.7
    assert choose_boundaries(sentences, probability) == [20, 40]
    assert choose_boundaries(sentences, np.zeros(60)) == []


def test_a_chapter_begins_at_the_likeliest_place_among_those_near() -> None:
    sentences = sentences_of(*(" ".join(["word"] * 19) + " end." for _ in range(60)))
    probability = np.full(60, 0.005)
    probability[[20, 21, 22]] = 0.3, 0.1, 0.4
    assert choose_boundaries(sentences, probability) == [22]
    spread = np.full(60, 0.005)
    spread[[20, 22, 24]] = 0.3  # the same belief, put into other places, is not lost
    assert choose_boundaries(sentences, spread) != []


def test_measures_do_not_need_speakers_or_more_than_a_sentence(encoder: Encoder) -> None:
    for lines in (("One sentence only.",), ("Ann: A first one.", "Bob: And a second one.")):
        transcript = parse_transcript("\n".join(lines).encode())
        sentences = [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]
        encoded = encoder.begin_texts([sentence.text for sentence in sentences]).result()
        place = Place(0, sum(sentence.n_words for sentence in sentences))
        measures = measure_sentences(sentences, encoded.vectors, encoder.rarity, place)
        for name, values in measures.items():
            assert np.isfinite(values).all(), name
            assert np.abs(values).max() <= 2.0, name
        reading = read_sentences(sentences, encoded, encoder.heads["reader"], encoder.rarity, place)
        assert reading.worth.shape == (len(sentences),)


def test_nothing_to_read_is_read(encoder: Encoder) -> None:
    none = read_sentences([], Encoded.none(), encoder.heads["reader"], encoder.rarity, Place(0, 0))
    assert [len(getattr(none, role)) for role in ROLES] == [0] * len(ROLES)


def test_a_claim_is_worth_more_than_chatter(encoder: Encoder) -> None:
    sentences = sentences_of(
        "Yeah, so, um, I mean, you know.",
        "Half precision halves the inference time of the language model on the device.",
        "Okay, great, thanks a lot for that.",
        "A simple baseline beats the large model on every data set that we tried.",
    )
    worth = read(sentences, encoder).worth
    assert min(worth[1], worth[3]) > max(worth[0], worth[2])


def test_what_pays_for_a_show_is_told_from_what_it_says(encoder: Encoder) -> None:
    sentences = sentences_of(
        "Today we talk about bridges, and how to measure how old they are.",
        "We measured four of them last summer.",
        "This episode is brought to you by Pumpwell, the pumps that never break.",
        "Go to pumpwell dot com slash podcast and use the code BRIDGE for ten percent off.",
        "The first bridge was built of stone two hundred years ago.",
        "Its pillars had moved by four centimetres.",
    )
    advert = read(sentences, encoder).advert
    assert advert[2:4].min() > np.delete(advert, [2, 3]).max()


def test_an_advert_is_a_stretch(encoder: Encoder) -> None:
    sentences = sentences_of(*(f"Here are six words, number {k}." for k in range(8)))
    sure = np.array([0.01, 0.01, 0.3, 0.04, 0.3, 0.3, 0.01, 0.01])
    assert np.flatnonzero(find_adverts(sentences, sure)).tolist() == [2, 3, 4, 5]
    alone = np.array([0.01, 0.01, 0.01, 0.1, 0.01, 0.01, 0.01, 0.01])
    assert not find_adverts(sentences, alone).any()
    assert find_adverts(sentences, np.full(8, 0.9)).all()
    assert find_adverts([], np.zeros(0)).tolist() == []


def test_an_announced_break_ends_where_the_episode_is_back() -> None:
    first, last = "Let's take a quick moment to tell you about our pumps.", "Now back to the show."
    inner = [f"The pump has a part number {k}." for k in range(12)]
    talk = [f"We measured bridge number {k}." for k in range(5)]

    def is_break(*lines: str) -> list[bool]:
        sentences = sentences_of(*lines)
        return find_adverts(sentences, np.zeros(len(sentences))).tolist()

    whole = [False] * 5 + [True] * 14 + [False] * 5
    assert is_break(*talk, first, *inner, last, *talk) == whole
    assert not any(is_break(*talk, first, *inner, *talk))  # nobody says where it ends


def test_word_offsets_end_with_the_total() -> None:
    assert word_offsets(sentences_of("One two three.", "Four.")).tolist() == [0, 3, 4]
