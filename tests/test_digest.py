"""The digest of every seed: schema, evidence, coverage, and what must not be in it."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

from edge import render
from edge.english.analysis import analyse_sentence
from edge.english.fillers import without_lead
from edge.english.words import content_stems
from edge.options import DigestOptions
from edge.pipeline import digest_transcript
from edge.records import Digest, ExtractedSentence
from edge.runtime.encoder import Encoder
from edge.transcript import parse_transcript, read_transcript
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import CHIP, ROOT, SEEDS

SCHEMA = json.loads((ROOT / "edge" / "digest.schema.json").read_text())
NAMES = [path.name for path in SEEDS]


def digest_of(text: str, encoder: Encoder, **options) -> Digest:
    transcript = parse_transcript(text.encode())
    return digest_transcript(transcript, encoder, **options)


def shown_sentences(digest: Digest) -> list[ExtractedSentence]:
    """All but the questions."""
    introduction = [] if digest.introduction is None else [digest.introduction]
    return [*introduction, *digest.summary_sentences, *digest.key_points, *digest.quotes]


def test_there_are_five_seeds() -> None:
    assert len(SEEDS) == 5


@pytest.mark.parametrize("name", NAMES)
def test_json_is_valid_and_everything_was_read(name: str, seed_digests: dict[str, Digest]) -> None:
    document = json.loads(render.to_json(seed_digests[name]))
    jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
    coverage = document["coverage"]
    text = (ROOT / "seeds" / name).read_text()
    n_words = len(re.sub(r"^\[[^\]]*-->[^\]]*\]", "", text, flags=re.M).split())
    assert coverage["words_read"] == coverage["words_total"] == n_words
    assert document["episode"]["n_words"] == n_words
    assert not coverage["truncated"]


@pytest.mark.parametrize("name", NAMES)
def test_every_item_is_said_in_its_segments(name: str, seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[name]
    segments = digest.transcript.segments

    def said(first: int, last: int) -> str:
        return " ".join(segment.text for segment in segments[first : last + 1])

    points = shown_sentences(digest)
    assert len(points) >= 8
    for point in points:
        assert point.text[1:] in said(point.first_segment, point.last_segment)
        assert point.start_s == segments[point.first_segment].start_s
        assert point.end_s == segments[point.last_segment].end_s
    for phrase in digest.keyphrases:
        head = phrase.text.split()[0].lower()[:3]
        for mention in phrase.mentions:
            assert head in segments[mention.segment_index].text.lower()
            assert mention.start_s == segments[mention.segment_index].start_s


@pytest.mark.parametrize("name", NAMES)
def test_each_sentence_stands_once(name: str, seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[name]
    texts = [sentence.text for sentence in shown_sentences(digest)]
    places = [(sentence.first_segment, sentence.text) for sentence in shown_sentences(digest)]
    assert len(set(places)) == len(places)
    document = render.to_dict(digest)
    del document["summary"]["text"]  # its sentences as one text
    written = json.dumps(document, ensure_ascii=False)
    shown = " ".join(render.to_text(digest, ("quotes",)).split())
    for text in texts:
        assert shown.count(text) == 1, text
        assert written.count(json.dumps(text, ensure_ascii=False)) == 1, text


@pytest.mark.parametrize("name", NAMES)
def test_key_points_stand_in_their_chapters(name: str, seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[name]
    document = render.to_dict(digest)
    assert [k for c in document["chapters"] for k in c["key_points"]] == [
        *range(len(digest.key_points))
    ]
    n_sentences = len(digest.summary_sentences)
    assert [k for c in document["chapters"] for k in c["summary_sentences"]] == [
        *range(n_sentences)
    ]
    for chapter, written in zip(digest.chapters, document["chapters"], strict=True):
        inside = range(chapter.first_segment, chapter.last_segment + 1)
        assert len(chapter.key_points) <= 3
        for point, index in zip(chapter.key_points, written["key_points"], strict=True):
            assert point.first_segment in inside
            assert document["key_points"][index]["text"] == point.text


@pytest.mark.parametrize("name", NAMES)
def test_a_summary_is_three_to_six_lines(name: str, seed_digests: dict[str, Digest]) -> None:
    assert 3 <= len(seed_digests[name].summary_sentences) <= 6


@pytest.mark.parametrize("name", NAMES)
def test_chapters_tile_the_transcript(name: str, seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[name]
    chapters = digest.chapters
    assert 4 <= len(chapters) <= 18
    assert chapters[0].first_segment == 0
    assert chapters[-1].last_segment == len(digest.transcript.segments) - 1
    for left, right in itertools.pairwise(chapters):
        assert right.first_segment == left.last_segment + 1
    titles = [chapter.title for chapter in chapters]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", NAMES)
def test_no_chapter_is_all_adverts(name: str, seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[name]
    out = {
        segment
        for part in digest.coverage.excluded
        for segment in range(part.first_segment, part.last_segment + 1)
    }
    for chapter in digest.chapters:
        kept = set(range(chapter.first_segment, chapter.last_segment + 1)) - out
        assert sum(len(digest.transcript.segments[k].text.split()) for k in kept) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_key_points_are_complete_thoughts(name: str, seed_digests: dict[str, Digest]) -> None:
    points = [point.text for point in seed_digests[name].key_points]
    whole = [text for text in points if not text[0].islower() and text.endswith((".", "!", '"'))]
    assert len(whole) >= 0.9 * len(points)
    assert all(len(text.split()) >= 5 for text in points)
    leaning = [text for text in points if re.match(r"(And|So|Yeah|Okay|Um|Uh)\b", text)]
    assert len(leaning) <= 0.1 * len(points)


@pytest.mark.parametrize("name", NAMES)
def test_adverts_and_cold_opens_are_kept_out(name: str, seed_digests: dict[str, Digest]) -> None:
    digest = seed_digests[name]
    assert digest.coverage.excluded
    shown = " ".join(sentence.text for sentence in shown_sentences(digest))
    for advert in ("Weights & Biases", "Weights and Biases", "show notes", "newsletter", "contest"):
        assert advert not in shown
    for point in digest.key_points:
        for part in digest.coverage.excluded:
            assert not part.first_segment <= point.first_segment <= part.last_segment - 1


def test_known_adverts_are_found_where_they_are(seed_digests: dict[str, Digest]) -> None:
    adverts = seed_digests[CHIP.name].coverage.excluded
    assert (adverts[0].kind, adverts[0].start_s) == ("cold_open", 0.0)
    assert any(part.start_s == 798.04 and part.end_s == 896.08 for part in adverts)


def test_summary_keeps_its_word_budget(encoder: Encoder) -> None:
    transcript = read_transcript(CHIP)
    for budget in (40, 200):
        digest = digest_transcript(transcript, encoder, DigestOptions(words=budget))
        n_words = sum(len(point.text.split()) for point in digest.summary_sentences)
        assert budget * 0.4 < n_words <= budget


def test_same_input_same_bytes(encoder: Encoder, seed_digests: dict[str, Digest]) -> None:
    again = digest_transcript(read_transcript(CHIP), encoder)

    def timeless(digest: Digest) -> str:
        document = render.to_dict(digest)
        del document["created_utc"], document["timings"]
        return json.dumps(document)

    assert timeless(again) == timeless(seed_digests[CHIP.name])


@pytest.mark.parametrize(
    "text",
    [
        "Hello.",
        "word",
        "Why? What? How?",
        "[Music]\n(applause)",
        "Um, uh, yeah.\n" * 2,
        "1 2 3",
        "吃饭。",
    ],
)
def test_tiny_transcripts_give_an_honest_little_digest(text: str, encoder: Encoder) -> None:
    document = render.to_dict(digest_of(text, encoder))
    jsonschema.validate(document, SCHEMA)
    assert document["coverage"]["words_read"] == document["episode"]["n_words"]
    assert len(document["chapters"]) == 1


def test_a_loop_is_reported_as_not_read(encoder: Encoder) -> None:
    text = "We trained a model on speech data.\n" + "Thank you for watching this.\n" * 10
    coverage = render.to_dict(digest_of(text, encoder))["coverage"]
    assert coverage["segments_skipped"] == list(range(2, 11))
    assert coverage["truncated"]
    assert coverage["words_total"] - coverage["words_read"] == 45


def test_speakers_are_kept(encoder: Encoder) -> None:
    turns = [
        "Ann: Quantization makes a neural network four times smaller on the device.",
        "Bob: Right.",
        "Ann: Half precision decides whether a machine learning startup breaks even at all.",
        "Bob: A simple baseline often beats a complicated neural network in production.",
    ]
    digest = digest_of("\n".join(turns), encoder, options=DigestOptions(words=10))
    assert shown_sentences(digest)
    for sentence in shown_sentences(digest):
        assert any(turn == f"{sentence.speaker}: {sentence.text}" for turn in turns)
    shown = " ".join(render.to_text(digest).split())
    assert all(f"- {point.speaker}: {point.text}" in shown for point in digest.key_points)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("And so, yeah, I think it works.", "I think it works."),
        ("So far it works.", "So far it works."),
        ("Like a lot of people do.", "Like a lot of people do."),
        ("Well, you know, models drift.", "Models drift."),
        ("Sort of works.", "Sort of works."),
        ("So", "So"),
    ],
)
def test_leading_fillers(text: str, expected: str) -> None:
    assert without_lead(text) == expected


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem)
def test_a_sentence_taken_apart_is_the_sentence_and_loses_no_content(seed: Path) -> None:
    for sentence in rebuild_sentences(read_transcript(seed)):
        analysed = analyse_sentence(sentence)
        assert all(getattr(analysed, f.name) == getattr(sentence, f.name) for f in fields(sentence))
        assert analysed.shown_text == without_lead(sentence.text)
        # What begins a sentence without saying anything has no content to lose.
        assert analysed.content_stems == content_stems(sentence.text)
        assert analysed.n_shown_words == len(analysed.shown_text.split())


def test_two_transcriptions_of_one_episode_agree(seed_digests: dict[str, Digest]) -> None:
    timed, plain = (d for name, d in seed_digests.items() if "suzana" in name)
    ours, theirs = ({p.text.lower().rstrip("s") for p in d.keyphrases} for d in (timed, plain))
    assert len(ours & theirs) >= 9


def test_schema_is_packaged() -> None:
    assert (Path(render.__file__).parents[1] / "digest.schema.json").is_file()
