from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge import render
from edge.errors import OutputError
from edge.records import Digest, Written, WrittenSentence
from edge.render import terminal
from tests.conftest import CHIP


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, ""), (0.0, "0:00"), (59.99, "0:59"), (600.0, "10:00"), (360_061.0, "100:01:01")],
)
def test_clock(seconds: float | None, expected: str) -> None:
    assert render.clock(seconds) == expected


def test_text_has_all_parts_and_fits_the_screen(seed_digests: dict[str, Digest]) -> None:
    text = render.to_text(seed_digests[CHIP.name])
    for part in ("SUMMARY", "CHAPTERS", "KEY POINTS", "KEYPHRASES", "READ"):
        assert f"\n{part}\n" in text
    assert max(map(len, text.split("\n"))) <= terminal.WIDTH
    assert "43 min · 6,436 words" in text
    assert "kept out: 13:18-14:56 advert or notice" in text


def test_markdown_shows_text_as_it_is(seed_digests: dict[str, Digest]) -> None:
    markdown = render.to_markdown(replace(seed_digests[CHIP.name], title=CHIP.stem))
    assert markdown.startswith("# gradient-dissent\\_chip-huyen")
    assert "\n## Key points\n" in markdown
    assert "- `0:31` Chip is a machine learning expert" in markdown


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


def test_a_key_point_among_written_sentences_is_quoted(seed_digests: dict[str, Digest]) -> None:
    spoken = seed_digests[CHIP.name]
    assert spoken.summary == " ".join(sentence.text for sentence in spoken.summary_sentences)
    sentences = (
        WrittenSentence("They cut the time.", (3,), None, None, 0.9, "written"),
        WrittenSentence("We cut the cost.", (5,), None, None, 1.0, "key_point"),
    )
    digest = replace(spoken, written=Written(sentences, n_rejected=1, words_read=1000))
    assert digest.summary == "They cut the time. “We cut the cost.”"
    assert render.to_dict(digest)["summary"]["text"] == digest.summary
    assert "\n  They cut the time. “We cut the cost.”\n" in render.to_text(digest)
    assert "1 of its sentences did not hold and are not shown" in render.to_markdown(digest)
