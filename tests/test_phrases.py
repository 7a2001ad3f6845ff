"""Noun phrases and keyphrases, with the embedded bundle's tagger and phrase head."""

from __future__ import annotations

import numpy as np
import pytest

from edge.extraction.keyphrases import distinct, rank_keyphrases
from edge.extraction.phrase_features import Centre, most_prominent, phrase_features
from edge.extraction.phrases import Candidate, find_phrases
from edge.extraction.tagger import TAGS, tag_features, tag_sentences
from edge.records import Mention, Segment, Sentence, Transcript
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import rebuild_sentences

TEXT = """The solar panel on our roof turns sunlight into power.
We bought a cheap lithium battery from Acme Industries last spring.
The lithium battery stores what the solar panel makes during the day.
Running a heat pump with a solar panel is what our neighbours want to do next.
Yeah, I mean, you know, they really should think about it."""


def sentences_of(text: str) -> list[Sentence]:
    return rebuild_sentences(Transcript(tuple(Segment(t) for t in text.split("\n")), "text"))


def phrases_of(text: str, encoder: Encoder) -> dict[str, Candidate]:
    sentences = sentences_of(text)
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    found = find_phrases(sentences, [True] * len(sentences), tags)
    return {candidate.text: candidate for candidate in found.values()}


def test_words_are_tagged(encoder: Encoder) -> None:
    (sentence,) = sentences_of("The cheap lithium battery from Acme works well.")
    (tags,) = tag_sentences([sentence], encoder.heads["tagger"])
    assert tags.sum(axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    found = [TAGS[k] for k in tags.argmax(axis=1)]
    assert found == "other adjective noun noun other name other other".split()


def test_tag_features_do_not_reach_over_a_clause() -> None:
    joined, apart = tag_features(["power", "runs"]), tag_features(["power,", "runs"])
    assert joined["word"].tolist() == apart["word"].tolist()
    assert joined["before"][1] != apart["before"][1]
    assert joined["after"][0] != apart["after"][0]
    assert all(len(values) == 0 for values in tag_features([]).values())


def test_noun_phrases_are_found_with_every_mention(encoder: Encoder) -> None:
    found = phrases_of(TEXT, encoder)
    assert list(found["solar panel"].sentences) == [0, 2, 3]
    assert list(found["lithium battery"].sentences) == [1, 2]
    assert found["solar panel"].n_whole == 3
    assert "Acme Industries" in found
    assert not any(word in phrase.split() for phrase in found for word in ("yeah", "they", "the"))
    assert not found["Acme Industries"].is_generic
    assert not found["lithium"].is_open  # only ever cut out of "lithium battery"


def test_names_keep_their_capitals_even_where_they_begin_the_only_sentence(
    encoder: Encoder,
) -> None:
    found = phrases_of("Hurricane Gilbert moved south. Machine learning is hard.", encoder)
    assert "Hurricane Gilbert" in found
    assert "machine learning" in found


def test_unusable_sentences_give_no_phrases(encoder: Encoder) -> None:
    sentences = sentences_of(TEXT)
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    assert find_phrases(sentences, [False] * len(sentences), tags) == {}


def test_keyphrases_are_ranked_with_their_evidence(encoder: Encoder) -> None:
    sentences = sentences_of(TEXT)
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    found = find_phrases(sentences, [True] * len(sentences), tags)
    vectors = encoder.encode([sentence.text for sentence in sentences])
    ranked = rank_keyphrases(found, sentences, Centre.of(sentences, vectors), encoder, 5)
    assert {"solar panel", "lithium battery"} <= {phrase.text for phrase in ranked[:3]}
    assert [phrase.score for phrase in ranked] == sorted((p.score for p in ranked), reverse=True)
    assert all(0.0 < phrase.score < 1.0 for phrase in ranked)
    assert rank_keyphrases({}, sentences, Centre.of(sentences, vectors), encoder, 5) == []


def test_words_without_a_subject_are_no_keyphrases_beside_others(encoder: Encoder) -> None:
    for text, expected in (
        ("That stuff is great stuff. " * 6 + "The solar panel feeds it.", {"solar panel"}),
        ("That stuff is great stuff.", {"stuff"}),
    ):
        sentences = sentences_of(text)
        tags = tag_sentences(sentences, encoder.heads["tagger"])
        found = find_phrases(sentences, [True] * len(sentences), tags)
        vectors = encoder.encode([sentence.text for sentence in sentences])
        shown = {
            p.text
            for p in rank_keyphrases(found, sentences, Centre.of(sentences, vectors), encoder, 5)
        }
        assert expected <= shown
        assert ("stuff" in shown) == (expected == {"stuff"})


def test_a_name_counts_more_than_the_head_says(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scores() -> dict[str, float]:
        sentences = sentences_of(TEXT)
        tags = tag_sentences(sentences, encoder.heads["tagger"])
        found = find_phrases(sentences, [True] * len(sentences), tags)
        vectors = encoder.encode([sentence.text for sentence in sentences])
        ranked = rank_keyphrases(found, sentences, Centre.of(sentences, vectors), encoder, 15)
        return {phrase.text: phrase.score for phrase in ranked}

    shown = scores()
    monkeypatch.setattr("edge.extraction.keyphrases.NAME_BONUS", 0.0)
    plain = scores()
    assert shown["Acme Industries"] > plain["Acme Industries"]
    assert shown["solar panel"] == plain["solar panel"]


def test_every_feature_the_head_wants_is_measured_and_finite(encoder: Encoder) -> None:
    for text in (TEXT, "Solar panels."):
        sentences = sentences_of(text)
        tags = tag_sentences(sentences, encoder.heads["tagger"])
        found = find_phrases(sentences, [True] * len(sentences), tags)
        pool = most_prominent(found, len(sentences), encoder.rarity)
        vectors = encoder.encode([sentence.text for sentence in sentences])
        embedded = encoder.encode([candidate.text for candidate in pool])
        features = phrase_features(
            pool, found, sentences, Centre.of(sentences, vectors), embedded, encoder.rarity
        )
        assert set(encoder.heads["phrase"].spec.features) <= set(features)
        for name, values in features.items():
            assert values.shape == (len(pool),), name
            assert np.isfinite(values).all(), name


def candidate(*key: str) -> Candidate:
    made = Candidate(key, [(0, Mention(0, None))])
    made.surfaces[" ".join(key)] += 1
    return made


def test_one_of_two_phrases_that_say_the_same_is_shown() -> None:
    pool = [candidate("panel"), candidate("solar", "panel"), candidate("panel", "solar")]
    apart = np.eye(3, dtype=np.float32)
    scores = np.array([0.2, 0.9, 0.5])
    assert distinct(pool, apart, scores, 3) == [1, 0]  # few phrases: one may hold another
    many = pool + [candidate(f"thing{k}") for k in range(40)]
    vectors = np.eye(43, dtype=np.float32)
    assert distinct(many, vectors, np.r_[scores, np.zeros(40)], 2) == [1, 3]
    same = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
    assert distinct(pool, same, scores, 3) == [1]
