from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from edge import render
from edge.errors import OutputError
from edge.pipeline import digest_transcript
from edge.records import Digest, Mention, NamedEntity, Segment, Written, WrittenSentence
from edge.render import terminal
from edge.render.wording import names_line
from edge.runtime.encoder import Encoder
from edge.transcript import parse_transcript
from tests.conftest import CHIP, ROOT, SEEDS


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, ""), (0.0, "0:00"), (59.99, "0:59"), (600.0, "10:00"), (360_061.0, "100:01:01")],
)
def test_clock(seconds: float | None, expected: str) -> None:
    assert render.clock(seconds) == expected


NAMES = [
    *(("Lukas Biewald", "person"), ("Johannes Otterbach", "person"), ("Chip Huyen", "person")),
    *(("Merantix Momentum", "company"), ("Google", "company"), ("NVIDIA", "company")),
    *(("TensorFlow", "project"), ("PyTorch", "project"), ("Kubernetes", "project")),
    *(("Germany", "place"), ("ImageNet", "other"), ("Gradient Dissent", "show")),
]
ENTITIES = tuple(NamedEntity(text, kind, (Mention(0, None),) * 3) for text, kind in NAMES)


def positions(text: str, parts: Iterable[str]) -> list[int]:
    """Where parts stand in a text that has each of them once."""
    assert all(text.count(part) == 1 for part in parts)
    return [text.index(part) for part in parts]


def test_text_has_all_parts_in_order(seed_digests: dict[str, Digest]) -> None:
    digest = replace(seed_digests[CHIP.name], entities=ENTITIES)
    parts = ("43 min · 6,436 words", "\nABOUT\n", "\nSUMMARY\n", "\nCHAPTERS\n", "\nKEYPHRASES  ")
    parts += ("\nNAMES  ", "\nREAD  ")
    found = positions(render.to_text(digest), parts)
    assert found == sorted(found)
    headings = (
        "\n## Summary\n",
        "\n## Chapters\n",
        "\n## Keyphrases\n",
        "\n## Names\n",
        "\n## Read\n",
    )
    found = positions(render.to_markdown(digest), headings)
    assert found == sorted(found)
    report = " ".join(render.to_text(digest).split())
    n_words = sum(part.n_words for part in digest.coverage.excluded if part.kind == "advert")
    assert f"adverts and notices ({n_words} words)" in report


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_an_episode_fits_on_a_screen_and_a_half(
    seed: Path, seed_digests: dict[str, Digest]
) -> None:
    text = render.to_text(replace(seed_digests[seed.name], entities=ENTITIES))
    lines = text.splitlines()
    assert len(lines) <= 80  # of 53 on a screen
    assert max(map(len, lines)) <= terminal.WIDTH == 88
    assert text.count("\n\n") == 4  # one empty line above a section, and no other


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_lines_stand_behind_their_times(seed: Path, seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[seed.name]
    lines = render.to_text(digest).splitlines()
    for sentence in digest.summary_sentences:
        stamp = f"{render.clock(sentence.start_s):>7}" if sentence.start_s is not None else "  -"
        begins = " ".join(sentence.text.split()[:5])
        assert any(line.startswith(stamp) and begins in line for line in lines)
    for chapter in digest.chapters:
        for point in chapter.key_points:
            stamp = f"{render.clock(point.start_s):>7}  - " if point.start_s is not None else "  - "
            begins = " ".join(point.text.split()[:5])
            assert any(line.startswith(stamp + begins) for line in lines)


def test_quotes_and_questions_are_shown_on_request(seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[CHIP.name]
    for write in (render.to_text, render.to_markdown):
        usual = write(digest).lower()
        assert "quotes" not in usual and "questions asked" not in usual
        both = write(digest, ("questions", "quotes")).lower()
        assert usual.index("chapters") < both.index("quotes") < both.index("questions asked")
        assert both.index("questions asked") < both.index("keyphrases")
        assert "questions asked" not in write(digest, ("quotes",)).lower()
    document = render.to_dict(digest)
    assert len(document["quotes"]) == len(digest.quotes) > 0
    assert len(document["questions"]) == len(digest.questions) > 0


def test_speakers_are_told_where_they_are_labelled(encoder: Encoder) -> None:
    turns = "Ann: Models drift in production.\nBob: Right.\nAnn: We retrain them every single week."
    digest = digest_transcript(parse_transcript(turns.encode()), encoder)
    assert [(each.name, each.n_words) for each in digest.speakers] == [("Ann", 10), ("Bob", 1)]
    assert "\nABOUT\n  Ann 91% · Bob 9%\n" in render.to_text(digest)
    assert "\n\nAnn 91% · Bob 9%\n\n" in render.to_markdown(digest)
    partly = replace(
        digest.transcript,
        segments=(*digest.transcript.segments, Segment("Nobody knows who says it.")),
    )
    shares = [each.share for each in replace(digest, transcript=partly).speakers]
    assert shares == [10 / 16, 1 / 16]
    nobody = replace(digest, transcript=parse_transcript(b"Models drift in production."))
    assert nobody.speakers == () and render.to_dict(nobody)["speakers"] == []


def test_names_are_shown_by_kind_the_most_named_first() -> None:
    said = [
        ("Ann", "person", 2),
        ("Edge", "product", 1),
        ("Acme", "company", 3),
        ("Bob", "person", 5),
    ]
    entities = [NamedEntity(text, kind, (Mention(0, None),) * n) for text, kind, n in said]
    assert (
        names_line(entities)
        == "people: Bob (5), Ann (2) · companies: Acme (3) · products: Edge (1)"
    )
    rare = [NamedEntity(f"Place {k}", "place", (Mention(0, None),)) for k in range(40)]
    assert names_line([*rare, *entities]).startswith("people: Bob (5), Ann (2)")
    assert names_line([*rare, *entities]).count(",") < 12
    assert names_line([]) == ""


def test_markdown_shows_text_as_it_is(seed_digests: dict[str, Digest]) -> None:
    digest_lines = seed_digests[CHIP.name].summary_sentences
    markdown = render.to_markdown(replace(seed_digests[CHIP.name], title=CHIP.stem))
    assert markdown.startswith("# gradient-dissent\\_chip-huyen")
    assert "\n\n`0:31` Chip is a machine learning expert" in markdown
    first = digest_lines[0]
    assert f"\n- `{render.clock(first.start_s)}` {first.text[:20]}" in markdown
    assert re.search(r"\n- `[0-9:]+` \*\*[^*]+\*\*\n  - `[0-9:]+` [A-Z]", markdown)


def test_podcast_chapters(seed_digests: dict[str, Digest]) -> None:
    document = json.loads(render.to_podcast_chapters(seed_digests[CHIP.name]))
    assert document["version"] == "1.2.0"
    starts = [chapter["startTime"] for chapter in document["chapters"]]
    assert starts[0] == 0.0
    assert starts == sorted(starts)


def test_podcast_chapters_need_times(seed_digests: dict[str, Digest]) -> None:
    untimed = next(d for d in seed_digests.values() if d.transcript.duration_s is None)
    with pytest.raises(OutputError, match="has no times"):
        render.to_podcast_chapters(untimed)


def test_what_is_extracted_among_written_sentences_is_quoted(
    seed_digests: dict[str, Digest],
) -> None:
    spoken = seed_digests[CHIP.name]
    assert spoken.summary == " ".join(sentence.text for sentence in spoken.summary_sentences)
    sentences = (
        WrittenSentence("They cut the time.", (3,), 61.0, None, 0.9, "written"),
        WrittenSentence("We cut the cost.", (5,), 75.0, None, 1.0, "extracted"),
    )
    digest = replace(spoken, written=Written(sentences, n_rejected=1, words_read=1000))
    assert digest.summary == "They cut the time. “We cut the cost.”"
    assert render.to_dict(digest)["summary"]["text"] == digest.summary
    assert "\n   1:01  They cut the time.\n   1:15  “We cut the cost.”\n" in render.to_text(digest)
    assert "1 of its sentences did not hold and are not shown" in render.to_markdown(digest)


def test_what_was_written_of_a_chapter_stands_under_its_title(
    seed_digests: dict[str, Digest],
) -> None:
    spoken = seed_digests[CHIP.name]
    told = (WrittenSentence("They cut the time.", (3,), 61.0, 70.0, 0.9, "written"),)
    first = replace(spoken.chapters[0], title="Time", key_points=(), summary=told)
    digest = replace(spoken, chapters=(first, *spoken.chapters[1:]))
    assert "\n   0:00  Time\n   1:01  - They cut the time.\n" in render.to_text(digest)
    assert "**Time**\n  - `1:01` They cut the time.\n" in render.to_markdown(digest)
    document = render.to_dict(digest)
    jsonschema.validate(document, json.loads((ROOT / "edge" / "digest.schema.json").read_text()))
    assert document["chapters"][0]["key_points"] == []
    assert document["chapters"][0]["summary"][0]["text"] == "They cut the time."
    assert len(document["key_points"]) == len(digest.key_points) < len(spoken.key_points)
