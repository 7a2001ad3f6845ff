"""Whether a written sentence is supported by what was said: the real encoder and head."""

from __future__ import annotations

import numpy as np
import pytest

from edge.abstractive.grounding import (
    SourcePassage,
    find_evidence,
    find_retold,
    missing_entities,
    source_passage,
)
from edge.abstractive.support import predict_support
from edge.english.claims import (
    denied_stems,
    is_uncertain,
    names_in,
    numbers_in,
    reports_question,
    speaks_to_reader,
    without_invented_gender,
)
from edge.english.paraphrase import retells
from edge.runtime.encoder import Encoder

PASSAGE = (
    "I joined Netflix after I finished my degree at Stanford.",
    "We had maybe twenty people working on recommendations.",
    "A lot of startups come to us because serving the model is too slow.",
    "If they use half precision they can cut the inference time by fifty percent.",
    "And then they can actually break even on every customer.",
    "We never collected any personal data from the devices.",
)


@pytest.fixture(scope="module")
def passage(encoder: Encoder) -> SourcePassage:
    return source_passage(PASSAGE, encoder.encode(PASSAGE), ["Chip Huyen"] * len(PASSAGE))


def support(claims: list[str], passage: SourcePassage, encoder: Encoder) -> np.ndarray:
    head = encoder.heads["support"]
    return predict_support(claims, encoder.encode(claims), passage, encoder.rarity, head)


def test_names_are_words_with_capitals_inside_a_sentence() -> None:
    assert names_in("The guest left Netflix for Claypot in May.") == ["Netflix", "Claypot", "May"]
    assert names_in("Serving is slow.") == []
    assert names_in("GPT-3 was trained by OpenAI, I think.") == ["GPT-3", "OpenAI"]


def test_numbers_are_found_in_words_and_digits() -> None:
    assert set(numbers_in("twenty people and 1,500 devices")) == {"20", "1500"}
    assert numbers_in("3.5 percent") == ["3.5"]
    assert numbers_in("nobody") == []


def test_a_denial_concerns_the_words_after_it() -> None:
    assert denied_stems("We never collected any data.") >= {"collect"}
    assert denied_stems("They didn't ship the model.") >= {"ship"}
    assert denied_stems("They shipped it.") == set()


def test_names_and_numbers_that_were_not_said_are_found(passage: SourcePassage) -> None:
    assert missing_entities("Chip Huyen joined Netflix after Stanford.", passage) == []
    assert missing_entities("The team had 20 people at Netflix.", passage) == []
    assert missing_entities("The guest joined Google with 30 people.", passage) == ["Google", "30"]


def test_a_first_word_that_no_dictionary_has_must_be_said(
    passage: SourcePassage, encoder: Encoder
) -> None:
    assert missing_entities("Netflx was joined after Stanford.", passage, encoder.rarity) == [
        "Netflx"
    ]
    assert missing_entities("Netflix was joined after Stanford.", passage, encoder.rarity) == []
    assert missing_entities("Serving is slow.", passage, encoder.rarity) == []


def test_evidence_is_the_sentence_that_says_it(passage: SourcePassage, encoder: Encoder) -> None:
    for claim, index in (
        ("Half precision halves the inference time.", 3),
        ("No personal data were collected from devices.", 5),
        ("Startups find that serving models is slow.", 2),
    ):
        evidence = find_evidence(claim, encoder.encode([claim])[0], passage)
        assert evidence.passage_indices[0] == index
        assert len(set(evidence.passage_indices)) == len(evidence.passage_indices) <= 3


def test_supported_sentences_score_above_spoilt_ones(
    passage: SourcePassage, encoder: Encoder
) -> None:
    true = [
        "Startups come because serving the model is too slow.",
        "Half precision can cut the inference time by fifty percent.",
        "They never collected personal data from the devices.",
    ]
    spoilt = [
        "The Romans built many roads across the mountains of Spain.",
        "Half precision can cut the training cost by eighty percent.",
        "The episode discusses a car crash in Chicago.",
    ]
    scores = support([*true, *spoilt], passage, encoder)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert scores[:3].min() > scores[3:].max()
    assert scores[:3].min() > 0.5


def test_no_claims_give_no_scores(passage: SourcePassage, encoder: Encoder) -> None:
    assert support([], passage, encoder).shape == (0,)


def test_second_person_is_noticed() -> None:
    assert speaks_to_reader("You should use halves.")
    assert not speaks_to_reader("Young users use halves.")


def test_nobody_is_made_a_man_or_a_woman() -> None:
    for claim, mended in (
        ("He thinks that his model is slow.", "The speaker thinks that their model is slow."),
        ("Then she wants what she has.", "Then they want what they have."),
        ("The guest said he was glad.", "The guest said they were glad."),
        ("The shed is there.", "The shed is there."),
    ):
        assert without_invented_gender(claim, frozenset({"and", "then"})) == mended
    spoken = frozenset({"before", "she", "wrote", "her", "books"})
    assert without_invented_gender("She wrote her books.", spoken) == "She wrote her books."
    assert without_invented_gender("He wrote books.", spoken) == "The speaker wrote books."


def test_wishes_possibilities_and_questions_are_told_from_facts() -> None:
    assert is_uncertain("They might cut the precision.")
    assert is_uncertain("If it is slow, they cut the precision.")
    assert not is_uncertain("They cut the precision.")
    assert reports_question("The host asks whether it is slow.")
    assert not reports_question("It is slow.")


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("The team had twenty people working on recommendations for television.",
         "We had maybe twenty people working on recommendations for television."),
        ("The speaker thinks that serving the large language model is too slow.",
         "I think serving the large language model is just too slow."),
        ("The reason that they left was that they wanted to do video documentation.",
         "For me, like the reason that I left was that I wanted to do video documentation."),
        ("There are too many people who want to build from scratch.",
         "I just feel like there's too many people who want to just build them from scratch."),
    ],
)  # fmt: skip
def test_a_sentence_reported_and_shortened_is_retold(claim: str, sentence: str) -> None:
    assert retells(claim, sentence)


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        # given to somebody else
        ("Users build graphs of users and hashtags.", "We build graphs of users and hashtags."),
        # a word that was not said
        ("The new show is called Machine Learning for Hackers.",
         "The original show was called Machine Learning for Hackers."),
        # a word left out that mattered
        ("The people that join the sessions are very different in math.",
         "The people that join those sessions, their levels of math are very different in math."),
        # another order
        ("Serving the model is slow because startups come to us.",
         "Startups come to us because serving the model is slow."),
        # joined by a word that was not said
        ("The Digital Currency Initiative was the Bitcoin Expo.",
         "Then I started the Digital Currency Initiative, the Bitcoin Expo."),
        # a denial left out
        ("A payment pool is a well defined specification of channels.",
         "A payment pool is not a well defined specification of channels."),
        ("Payment pools are a well defined specification of channels.",
         "I don't think payment pools are a well defined specification of channels."),
        ("Payment pools are defined the same way as large channels are.",
         "Payment pools are defined the same way as large channels are not."),
        ("The team has collected personal data from devices.",
         "We have never collected personal data from devices."),
        ("Clients keep personal data on their devices.",
         "Some clients keep personal data on their devices."),
        # more, or surer, than was said
        ("The reason to look at block building carefully is the hidden potential.",
         "One of the reasons to look at block building carefully is the hidden potential."),
        ("Bitcoin Core is on the forefront of possible wallets.",
         "I think Bitcoin Core will be on the forefront of possible wallets."),
        # who does it, mistaken
        ("The routing nodes are the same except for the commitment and the reveal.",
         "For the routing nodes it's the same except for the commitment and the reveal."),
        ("The guest suggested talking about some technical concepts of the block chain.",
         "She suggested talking about some technical concepts of the block chain."),
        # nothing told
        ("The speaker thinks that it is slow.", "I think it is slow."),
        ("The guest explains that they are discussing it.", "We never collected any data."),
    ],
)  # fmt: skip
def test_what_is_added_turned_or_lost_is_not_retold(claim: str, sentence: str) -> None:
    assert not retells(claim, sentence)


OTHERWISE = (
    "I'm your host, Lukas Biewald.",
    "Chip is an expert who works at a startup on machine learning pipelines.",
    "She worked at Netflix before that.",
    "What tools do you use to deploy language models?",
    "We deploy the models with Docker.",
    "We do not train the models on the devices.",
)


@pytest.mark.parametrize(
    ("claim", "index"),
    [
        ("Chip is an expert who works at a startup on machine learning pipelines.", 1),
        ("The speaker asks what tools the team uses to deploy language models.", 3),
        ("The team deploys the models with Docker on the devices.", None),
        ("They do not train the models on the devices there.", None),
        ("They train the models on the devices.", None),
        ("The tools are used to deploy the models.", None),
        ("Lukas Biewald is an expert who works at a startup on machine learning pipelines.", None),
    ],
)
def test_what_is_retold_is_found(claim: str, index: int | None, encoder: Encoder) -> None:
    passage = source_passage(OTHERWISE, encoder.encode(OTHERWISE))
    assert find_retold(claim, passage) == index
