"""Quotes, questions, and warnings that a text is not the speech the models know."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.extraction.ranking import Ranked, rank_sentences
from edge.extraction.selection import choose_questions, choose_summary
from edge.records import Digest, Segment, Transcript
from edge.transcript import parse_transcript, read_transcript
from edge.transcript.language import find_warnings
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import SEEDS

RECIPE = """Classic banana bread
Ingredients: 3 ripe bananas, 1/3 cup melted butter, 3/4 cup sugar, 1 egg, 1 teaspoon vanilla.
Preheat the oven to 350 F and butter a loaf pan.
Mash the bananas in a mixing bowl with a fork until smooth.
Stir the melted butter into the mashed bananas.
Mix in the baking soda and salt. Stir in the sugar, egg and vanilla.
Mix in the flour. Pour the batter into the loaf pan and bake for 50 minutes."""
LOG = "\n".join(f"2026-11-21T10:00:{i:02d} INFO GET /items?id={i} 200 {3 * i}ms" for i in range(40))
SONG = """Row, row, row your boat
Gently down the stream
Merrily, merrily, merrily, merrily
Life is but a dream
Row, row, row your boat
Gently down the stream
If you see a crocodile
Don't forget to scream"""
HYMN = """Amazing grace how sweet the sound
That saved a wretch like me
I once was lost but now am found
Was blind but now I see
Twas grace that taught my heart to fear
And grace my fears relieved
How precious did that grace appear
The hour I first believed"""
JAPANESE = "今日は機械学習についてお話しします。\nまず、データの準備から始めましょう。"
GERMAN = (
    "Heute sprechen wir über maschinelles Lernen und wie man es auf kleinen Geräten einsetzt. "
    "Ich glaube, dass die meisten Leute das nicht wissen, aber eigentlich ist es ganz einfach. "
    "Man braucht nur ein kleines Modell, etwas Geduld und einen Rechner, der nicht viel kostet."
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (RECIPE, "not_speech"),
        (LOG, "figures"),
        (SONG, "repetition"),
        (HYMN, "verse"),
        (JAPANESE, "not_english"),
        (GERMAN, "not_english"),
    ],
)
def test_what_is_no_english_speech_is_said_to_be_none(text: str, kind: str) -> None:
    assert kind in {warning.kind for warning in find_warnings(parse_transcript(text.encode()))}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_speech_gives_no_warning(seed: Path) -> None:
    assert find_warnings(read_transcript(seed)) == ()


def test_a_declared_language_is_believed() -> None:
    segments = [{"start": 0, "end": 1, "text": "The words are English."}]
    raw = json.dumps({"language": "de", "segments": segments}).encode()
    (warning,) = find_warnings(parse_transcript(raw))
    assert "'de'" in warning.detail


def analysed(*lines: str) -> list[AnalysedSentence]:
    transcript = Transcript(tuple(Segment(line) for line in lines), "text")
    return [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]


def ranked_alike(sentences: list[AnalysedSentence]) -> Ranked:
    """Sentences of one salience."""
    return rank_sentences(sentences, np.full(len(sentences), 0.5))


@pytest.fixture(params=SEEDS, ids=lambda path: path.stem)
def digest(request: pytest.FixtureRequest, seed_digests: dict[str, Digest]) -> Digest:
    return seed_digests[request.param.name]


def test_quotes_stand_alone_and_repeat_no_key_point(digest: Digest) -> None:
    assert digest.quotes
    shown = {point.text for point in digest.key_points}
    for quote in digest.quotes:
        assert 15 <= len(quote.text.split()) <= 45
        assert quote.text[0].isupper()
        assert quote.text.rstrip("\"')”’").endswith((".", "!"))
        assert quote.text not in shown
    starts = [quote.first_segment for quote in digest.quotes]
    assert starts == sorted(starts)


def test_a_fluent_question_comes_before_a_stuttered_one() -> None:
    stuttered = "How do you, um, how do you, you know, how do you train the, uh, the models?"
    fluent = "How do you train the models on the device?"
    sentences = analysed(stuttered, fluent, "We train them on the workstation.")
    n_words = sum(sentence.n_words for sentence in sentences)
    chosen = choose_questions(ranked_alike(sentences), n_words)
    assert [sentences[i].text for i in chosen] == [fluent]  # so few words: one question


@pytest.mark.parametrize(
    "text", ["_____ _____ _____ _____.", "- - - - - hi.", "We like a" + "/b" * 99]
)
def test_what_has_hardly_a_word_is_no_key_point(text: str) -> None:
    ranked = ranked_alike(analysed(text, "We like dogs."))
    assert (ranked.key_point_score[0], ranked.summary_score[0]) == (0.0, 0.0)


def test_half_a_quotation_is_no_question() -> None:
    half = 'Find me a benchmark where simple rules win?"'
    sentences = analysed(half, "She said a rule is enough.")
    assert sentences[0].is_question
    assert choose_questions(ranked_alike(sentences), 14) == []


def test_a_fragment_reads_worse_than_the_same_with_a_verb() -> None:
    def fitness(text: str) -> float:
        (sentence,) = analysed(text)
        return sentence.reads_alone

    def fluency(text: str) -> float:
        (sentence,) = analysed(text)
        return sentence.fluency

    whole = "We run the deep learning algorithms on hardware, on phones and edge devices."
    fragment = "Running the deep learning algorithms on hardware, on phones and edge devices."
    assert fitness(fragment) < fitness(whole) == 1.0
    assert fluency("I, um, I mean, you know, it works.") < fluency("I know that it works.") == 1.0
    assert fluency("There's a lot of, there have been a lot of papers.") < 1.0
    assert fluency("You've, the show was called Hackers.") < 1.0
    assert fluency("Of the shows I watched, the first was mine.") == 1.0


def test_a_summary_takes_a_fragment_only_where_nothing_better_fits() -> None:
    whole = "Batteries are cheap beside pumps."
    lines = ("Four and a half thousand dollars.", "We were very curious to see.", whole)
    ranked = ranked_alike(analysed(*lines))
    unlike = np.eye(3, dtype=np.float32)
    assert choose_summary(ranked, unlike, 6) == [2]
    assert choose_summary(ranked, unlike, 100) == [0, 1, 2]


def test_questions_are_questions(digest: Digest) -> None:
    assert digest.questions
    for question in digest.questions:
        assert question.text.rstrip("\"')”’").endswith("?")
        assert 6 <= len(question.text.split()) <= 45
        said = " ".join(
            digest.transcript.segments[i].text
            for i in range(question.first_segment, question.last_segment + 1)
        )
        assert question.text.split()[-1] in said
        assert 0.0 < question.score <= 1.0
    assert np.all(np.diff([question.first_segment for question in digest.questions]) >= 0)
