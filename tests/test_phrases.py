"""Noun phrases and keyphrases, with the embedded bundle's heads."""

from __future__ import annotations

import numpy as np
import pytest

from edge.english.words import GENERIC, stem, words
from edge.extraction.keyphrases import JUDGES, distinct, rank_keyphrases
from edge.extraction.lexicon import Lexicon
from edge.extraction.phrase_features import Centre, most_prominent, phrase_features
from edge.extraction.phrases import Candidate, find_phrases
from edge.extraction.tagger import TAGS, tag_features, tag_sentences
from edge.records import Digest, Mention, Segment, Sentence, Transcript
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import SEEDS

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


@pytest.mark.parametrize("name", [path.name for path in SEEDS])
def test_no_keyphrase_is_of_words_without_a_subject(
    name: str, seed_digests: dict[str, Digest]
) -> None:
    keyphrases = [phrase.text for phrase in seed_digests[name].keyphrases]
    assert len(keyphrases) == 15
    assert not [text for text in keyphrases if len(words(text)) == 1 and stem(text) in GENERIC]


def test_numbers_and_joined_phrases_stay_whole(encoder: Encoder) -> None:
    text = (
        "COVID-19 changed the offices. We use Web 2.0 pages and GPT-3. A code of conduct helps. "
        "The text-to-speech model reads it. All kinds of people came."
    )
    found = phrases_of(text, encoder)
    assert {"COVID-19", "GPT-3", "Web 2.0", "code of conduct", "text-to-speech model"} <= set(found)
    assert not any(phrase.startswith("kinds of") for phrase in found)
    assert not {"2.0", "3"} & set(found)  # a number names nothing


def test_what_is_said_between_pauses_is_counted(encoder: Encoder) -> None:
    found = phrases_of("Thanks, Maria, that was great. Then Maria went home.", encoder)
    assert (found["Maria"].n_alone, found["Maria"].count) == (1, 2)


def test_words_of_every_episode_are_common_and_names_are_known(encoder: Encoder) -> None:
    lexicon = Lexicon(encoder.heads["background"], encoder.rarity)
    common, name, unknown = lexicon.uses(["thing", "taiwan", "xqzvylth"])
    assert common.rarity < 0.1 < name.rarity < unknown.rarity
    assert common.capitalised < 0.1 < 0.9 < name.capitalised
    assert lexicon.use("thing") == common


def test_every_feature_the_heads_want_is_measured_and_finite(encoder: Encoder) -> None:
    for text in (TEXT, "Solar panels."):
        sentences = sentences_of(text)
        tags = tag_sentences(sentences, encoder.heads["tagger"])
        found = find_phrases(sentences, [True] * len(sentences), tags)
        pool = most_prominent(found, len(sentences), encoder.rarity)
        vectors = encoder.encode([sentence.text for sentence in sentences])
        embedded = encoder.encode([candidate.text for candidate in pool])
        lexicon = Lexicon(encoder.heads["background"], encoder.rarity)
        features = phrase_features(
            pool, found, sentences, Centre.of(sentences, vectors), embedded, lexicon
        )
        for head in JUDGES:
            assert set(encoder.heads[head].spec.features) <= set(features)
        for name, values in features.items():
            assert len(values) == len(pool), name
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
