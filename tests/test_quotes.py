"""Quotes, questions, and warnings that a text is not the speech the models know."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.records import Digest
from edge.transcript import parse_transcript, read_transcript
from edge.transcript.language import find_warnings
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


@pytest.fixture(params=SEEDS, ids=lambda path: path.stem)
def digest(request: pytest.FixtureRequest, seed_digests: dict[str, Digest]) -> Digest:
    return seed_digests[request.param.name]


def test_quotes_are_shown_nowhere_else(digest: Digest) -> None:
    assert digest.quotes
    shown = {s.text for s in (*digest.key_points, *digest.summary_sentences)}
    assert shown.isdisjoint(quote.text for quote in digest.quotes)
    starts = [quote.first_segment for quote in digest.quotes]
    assert starts == sorted(starts)


def test_questions_are_questions(digest: Digest) -> None:
    assert digest.questions
    for question in digest.questions:
        said = " ".join(
            digest.transcript.segments[i].text
            for i in range(question.first_segment, question.last_segment + 1)
        )
        assert question.text.split()[-1] in said
        assert 0.0 < question.score <= 1.0
    assert np.all(np.diff([question.first_segment for question in digest.questions]) >= 0)
