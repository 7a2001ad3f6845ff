"""Names and named entities, with the embedded bundle's heads."""

from __future__ import annotations

import numpy as np
import pytest

from edge.extraction.entities import (
    _listed,
    entity_features,
    list_entities,
    most_said,
    short_names,
)
from edge.extraction.lexicon import Lexicon
from edge.extraction.names import Names, find_names
from edge.extraction.tagger import tag_sentences
from edge.pipeline import digest_transcript
from edge.records import ENTITY_KINDS, NamedEntity, Segment, Sentence, Transcript
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import rebuild_sentences

LINES = (
    "Welcome to the show, my guest today is Ada Lovelace from Google.",
    "Ada, you wrote the book Notes on Engines, and now you work with PostgreSQL 16 at Google.",
    "Yes, and I think PostgreSQL is great, says Dr. J. R. Smith of the Bank of England.",
    "We met in Berlin, where Google has an office, and where people like PostgreSQL.",
)


def sentences_of(*lines: str) -> list[Sentence]:
    return rebuild_sentences(Transcript(tuple(map(Segment, lines)), "text"))


def names_of(encoder: Encoder, *lines: str) -> Names:
    sentences = sentences_of(*lines)
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    vectors = encoder.encode([sentence.text for sentence in sentences])
    lexicon = Lexicon(encoder.heads["background"], encoder.rarity)
    return find_names(sentences, [True] * len(sentences), tags, vectors, lexicon)


def texts(names: Names) -> set[str]:
    return {name.text for name in names.found.values()}


def test_names_are_found_whole_with_every_place(encoder: Encoder) -> None:
    names = names_of(encoder, *LINES)
    assert {"Ada Lovelace", "Google", "PostgreSQL 16", "Bank of England", "Berlin"} <= texts(names)
    assert "Dr J R Smith" in texts(names)  # an initial's dot ends no sentence
    (google,) = (name for name in names.found.values() if name.text == "Google")
    assert list(google.sentences) == [0, 1, 3]
    assert not {"Welcome", "Yes", "We"} & texts(names)  # any word begins a sentence so


def test_a_possessive_ends_a_name(encoder: Encoder) -> None:
    names = names_of(encoder, "I like what is in Christopher Bishop's Pattern Recognition.")
    assert {"Christopher Bishop", "Pattern Recognition"} <= texts(names)


def test_headlines_have_no_names(encoder: Encoder) -> None:
    assert texts(names_of(encoder, "HOW TO BUILD A HOUSE ON THE HILL WITH GOOGLE")) == set()


def test_without_capitals_known_names_are_found_and_nothing_else(encoder: Encoder) -> None:
    names = names_of(encoder, *(line.lower() for line in LINES))
    assert "google" in texts(names)
    assert texts(names) <= {"google", "ada", "ada lovelace", "berlin", "england", "postgresql",
                            "bank of england", "smith", "dr"}  # fmt: skip


def test_names_of_later_stretches_are_added(encoder: Encoder) -> None:
    whole, together = names_of(encoder, *LINES), Names()
    together.add(names_of(encoder, *LINES[:2]), 0)
    together.add(names_of(encoder, *LINES[2:]), 2)
    assert set(together.found) == set(whole.found)
    for key, name in whole.found.items():
        assert list(together.found[key].sentences) == list(name.sentences)
        assert together.found[key].surfaces == name.surfaces
        assert together.found[key].context == pytest.approx(name.context, abs=0.05)  # INT8, company


def test_entities_have_kinds_and_short_names_count_for_whole_ones(encoder: Encoder) -> None:
    names, sentences = names_of(encoder, *LINES), sentences_of(*LINES)
    entities = {entity.text: entity for entity in list_entities(names, sentences, encoder)}
    assert entities["Ada Lovelace"].kind == "person"
    assert [mention.segment_index for mention in entities["Ada Lovelace"].mentions] == [0, 1]
    assert "Ada" not in entities
    assert entities["Google"].kind == "company" and entities["Google"].count == 3
    assert all(entity.kind in ENTITY_KINDS for entity in entities.values())
    assert list_entities(Names(), [], encoder) == ()


def test_a_company_is_not_taken_for_a_person_whom_nobody_would_list(encoder: Encoder) -> None:
    names, sentences = names_of(encoder, *LINES[:2]), sentences_of(*LINES[:2])
    pool = [names.found[key] for key in (("ada", "lovelace"), ("ada",))]
    person, company = (1 + ENTITY_KINDS.index(kind) for kind in ("person", "company"))
    chances = np.full((2, 1 + len(ENTITY_KINDS)), 0.01)
    chances[:, 0], chances[0, person], chances[1, company] = (0.8, 0.3), 0.2, 0.7
    assert [entity.text for entity in _listed(pool, chances, sentences)] == ["Ada"]
    chances[1, [person, company]] = 0.7, 0.01
    assert [entity.text for entity in _listed(pool, chances, sentences)] == ["Ada Lovelace"]


def test_short_names_of_people_and_speakers_are_known() -> None:
    entities = [
        NamedEntity("Ada Lovelace", "person", ()),
        NamedEntity("Google Docs", "product", ()),
    ]
    assert short_names(entities, ["Bob"]) == {("ada",), ("lovelace",), ("bob",)}


def test_every_feature_the_head_wants_is_measured_and_finite(encoder: Encoder) -> None:
    names, sentences = names_of(encoder, *LINES), sentences_of(*LINES)
    pool = most_said(names)
    lexicon = Lexicon(encoder.heads["background"], encoder.rarity)
    embedded = encoder.encode([name.text for name in pool])
    features = entity_features(pool, names, sentences, embedded, lexicon)
    assert set(encoder.heads["entity"].spec.features) == set(features)
    for name, values in features.items():
        assert len(values) == len(pool), name
        assert np.isfinite(values).all(), name


def test_a_digest_lists_entities_and_calls_nobody_by_first_name(encoder: Encoder) -> None:
    lines = LINES + tuple(f"Ada told me about engines of kind {k}, Ada." for k in range(9))
    digest = digest_transcript(Transcript(tuple(map(Segment, lines)), "text"), encoder)
    assert "Ada Lovelace" in {entity.text for entity in digest.entities}
    assert "Ada" not in {phrase.text for phrase in digest.keyphrases}
