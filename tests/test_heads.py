"""The learned heads of the embedded bundle, and the measures they read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.errors import BundleError
from edge.extraction.boundary_features import boundary_features, text_features
from edge.extraction.concepts import concept_features
from edge.extraction.features import (
    depth,
    hashed_stems,
    likeness,
    ranks,
    running_sums,
    shifted,
    word_offsets,
)
from edge.extraction.salience import predict_salience, salience_features
from edge.extraction.segmentation import choose_boundaries, find_boundaries, may_begin
from edge.records import Segment, Transcript
from edge.runtime.encoder import Encoder
from edge.runtime.heads import HEAD_NAMES, Head, feature_matrix, require_heads
from edge.transcript import parse_transcript
from edge.transcript.sentences import rebuild_sentences

MAX_HEAD_BYTES = 1_000_000


def sentences_of(*lines: str) -> list[AnalysedSentence]:
    transcript = Transcript(tuple(Segment(line) for line in lines), "text")
    return [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]


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
    with pytest.raises(BundleError, match="lacks the heads boundary, concept"):
        require_heads(bare)


def test_an_unknown_feature_is_named(encoder: Encoder) -> None:
    spec = next(head for head in encoder.bundle.manifest.heads if head.name == "boundary")
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
    assert depth(measured[1:], offsets[1:], 100).argmax() == 9


def test_small_measures() -> None:
    assert shifted(np.array([1.0, 2.0, 3.0]), 1, -9).tolist() == [2, 3, -9]
    assert shifted(np.array([1.0, 2.0, 3.0]), -2).tolist() == [0, 0, 1]
    assert shifted(np.array([1.0]), 5).tolist() == [0]
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


def test_questions_are_measured_in_words(encoder: Encoder) -> None:
    sentences = sentences_of("It runs here.", "Why does it run?", "It is small.", "It is quick.")
    vectors = encoder.encode([sentence.text for sentence in sentences])
    measured = boundary_features(sentences, vectors)
    assert measured["words_since_question"].tolist() == [1000, 1000, 0, 3]
    assert measured["words_until_question"].tolist() == [3, 0, 1000, 1000]
    assert measured["question_before"].tolist() == [False, False, True, True]
    assert measured["question_after"].tolist() == [True, True, False, False]


def test_features_do_not_need_speakers_or_more_than_a_sentence(encoder: Encoder) -> None:
    for lines in (("One sentence only.",), ("Ann: A first one.", "Bob: And a second one.")):
        transcript = parse_transcript("\n".join(lines).encode())
        sentences = [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]
        vectors = encoder.encode([sentence.text for sentence in sentences])
        for name, values in boundary_features(sentences, vectors).items():
            assert np.isfinite(values).all(), name
        features = salience_features(sentences, vectors, encoder.rarity)
        for name, values in features.items():
            assert np.isfinite(values).all(), name
        text = text_features(sentences)
        assert find_boundaries(sentences, vectors, text, encoder.heads) == []
        scores = predict_salience(sentences, vectors, encoder.heads, encoder.rarity)
        assert scores.shape == (len(sentences),)


def test_concepts_are_measured_once_each(encoder: Encoder) -> None:
    sentences = sentences_of("Models drift.", "Models break and models drift.")
    vectors = encoder.encode([sentence.text for sentence in sentences])
    features = salience_features(sentences, vectors, encoder.rarity)
    keys, measured = concept_features([["model"], ["model", "model"]], features, encoder.rarity)
    assert keys == ["model"]
    assert measured["count_log"][0] == pytest.approx(np.log(4))
    assert measured["spread_log"][0] == pytest.approx(np.log(3))


def test_substance_is_worth_more_than_chatter(encoder: Encoder) -> None:
    sentences = sentences_of(
        "Yeah, so, um, I mean, you know.",
        "Half precision halves the inference time of the language model on the device.",
        "Okay, great, thanks a lot for that.",
        "The language model runs on the device with half the inference time of the old one.",
    )
    vectors = encoder.encode([sentence.text for sentence in sentences])
    scores = predict_salience(sentences, vectors, encoder.heads, encoder.rarity)
    assert min(scores[1], scores[3]) > max(scores[0], scores[2])


def test_word_offsets_end_with_the_total() -> None:
    assert word_offsets(sentences_of("One two three.", "Four.")).tolist() == [0, 3, 4]
