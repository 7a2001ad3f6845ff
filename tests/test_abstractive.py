"""Summaries a model writes: what is shown of them, whatever the model says.

The model is a tiny one with random weights, really run: all it writes is nonsense, so all of it
has to be caught. What a taught model writes is put in as completions.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from edge.abstractive.drafts import Summarizer, choose_grounded, is_well_formed
from edge.abstractive.passages import EpisodeContext, choose_windows, read_passage, window_around
from edge.abstractive.requests import title_request
from edge.abstractive.summarize import write_chapters
from edge.abstractive.time_budget import LazySummarizer, Throughput, measure_throughput
from edge.bundles.manifest import read_bundle
from edge.bundles.store import add_bundle, find_summarizer
from edge.cli.main import main
from edge.english.analysis import analyse_sentence
from edge.errors import BundleError
from edge.extraction.ranking import rank_sentences
from edge.extraction.salience import predict_salience
from edge.pipeline import digest_transcript
from edge.render import to_dict, to_markdown, to_text
from edge.runtime.encoder import Encoder
from edge.transcript import parse_transcript, read_transcript
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import CHIP, ROOT

TINY = ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32"
TIMED = "\n".join(
    f"[00:{k:02d}:00.000 --> 00:{k:02d}:50.000]  {text}"
    for k, text in enumerate(
        [
            "I joined Netflix after I finished my degree at Stanford and worked on tools.",
            "We had maybe twenty people working on recommendations for the television app.",
            "A lot of startups come to us because serving the model is too slow for them.",
            "If they use half precision they can cut the inference time by fifty percent.",
            "And then they can actually break even on every customer who pays for it.",
            "We never collected any personal data from the devices of our customers.",
        ]
    )
)


TOLD = "A lot of startups come to them because serving the model is too slow."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle, said to be taught. Its context is far too small for a passage."""
    folder = tmp_path_factory.mktemp("taught") / "tiny"
    shutil.copytree(TINY, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["generator"]["writes_summaries"] = True
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def writer(tiny: Path, encoder: Encoder) -> Summarizer:
    try:
        return Summarizer(read_bundle(tiny), encoder, threads=2)
    except BundleError as error:
        if "needs onnxruntime" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module")
def material(encoder: Encoder) -> EpisodeContext:
    transcript = parse_transcript(TIMED.encode())
    sentences = [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]
    texts = [sentence.shown_text for sentence in sentences]
    vectors = encoder.encode([sentence.text for sentence in sentences])
    salience = predict_salience(sentences, vectors, encoder.heads, encoder.rarity)
    usable = [True] * len(sentences)
    ranked = rank_sentences(sentences, salience)
    return EpisodeContext(sentences, texts, usable, vectors, salience, ranked)


def checked(text: str, writer: Summarizer, material: EpisodeContext) -> tuple[list[str], int]:
    kept = list(range(len(material.sentences)))
    said = writer.prepare(material, kept)
    held, n_rejected = writer.judge(text, said, kept, "written")
    return [sentence.text for sentence in held], n_rejected


def test_what_holds_is_kept_with_its_evidence(writer: Summarizer, material: EpisodeContext) -> None:
    kept = list(range(len(material.sentences)))
    text = f"{TOLD}\nTitle: Serving models"
    held, n_rejected = writer.judge(text, writer.prepare(material, kept), kept, "rewritten")
    assert n_rejected == 0
    assert [s.text for s in held] == [TOLD]
    assert (held[0].source, held[0].places[0]) == ("rewritten", 2)
    assert 0.5 <= held[0].support <= 1.0


@pytest.mark.parametrize(
    "claim",
    [
        "A lot of startups come to Google because serving the model is too slow.",
        "Seventy startups come to them because serving the model is too slow.",
        "You have a lot of startups because serving the model is too slow.",
        "A lot of startups come to them because serving the model is",
        "It has a lot of startups because serving the model is too slow.",
        "Summarize in 50 words how a lot of startups come because serving the model is too slow.",
        "The meeting was about the new remote control and its buttons.",
        "Netflix is too slow because serving the model is too slow for a lot of startups.",
        "Customers can actually break even on every startup that pays for it.",
        "They collected personal data from the devices of their customers.",
        "Half precision can cut the inference time by fifty percent.",
    ],
)
def test_what_does_not_hold_is_not_shown(
    claim: str, writer: Summarizer, material: EpisodeContext
) -> None:
    held, n_rejected = checked(claim, writer, material)
    assert held == []
    assert n_rejected == 1


def test_a_sentence_is_told_once_and_in_the_words_there_are(
    writer: Summarizer, material: EpisodeContext
) -> None:
    kept = list(range(len(material.sentences)))
    text = (
        f"{TOLD} A lot of startups come to them because serving the model is slow. "
        "The team never collected any personal data from the devices of their customers."
    )
    held, _ = writer.judge(text, writer.prepare(material, kept), kept, "written")
    assert len(held) == 3
    assert choose_grounded(held, 40) == [held[0], held[2]]
    assert choose_grounded(held, 15) == [held[0]]
    assert choose_grounded(held, 1) == [held[0]]
    assert choose_grounded([], 30) == []


def test_a_chapter_is_read_around_its_moments(material: EpisodeContext) -> None:
    assert window_around([5, 5, 5, 5, 5], 2, 5) == (2, 3)
    assert window_around([5, 5, 5, 5, 5], 2, 12) == (1, 4)
    assert window_around([5, 5, 5, 5, 5], 0, 12) == (0, 3)
    assert window_around([5, 5], 1, 100) == (0, 2)
    windows = choose_windows(material, list(range(6)))
    assert windows
    assert all(window == list(range(window[0], window[-1] + 1)) for window in windows)
    questions = EpisodeContext(
        material.sentences,
        ["What do they do about their models?"] * 6,
        *(material.usable, material.vectors, material.salience, material.ranked),
    )
    assert choose_windows(questions, list(range(6))) == []


def test_what_does_not_fit_the_model_is_read_in_part(material: EpisodeContext) -> None:
    everything = list(range(6))
    whole = read_passage(material, everything, title_request, lambda request: True)
    part = read_passage(material, everything, title_request, lambda request: len(request) < 400)
    assert whole is not None
    assert part is not None
    assert set(part.kept) < set(whole.kept)
    assert part.request.endswith("Give a title.")
    assert read_passage(material, everything, title_request, lambda request: False) is None
    assert read_passage(material, [0], title_request, lambda request: True) is None


def test_a_title_says_what_was_said(writer: Summarizer, material: EpisodeContext) -> None:
    said = writer.prepare(material, list(range(len(material.sentences))))
    assert writer.is_title_said("Half precision and inference time", said)
    for title in ("", "Cooking pasta in Rome", "Half precision at Google", "Halves " * 12):
        assert not writer.is_title_said(title, said)


def test_a_sentence_is_well_formed() -> None:
    assert is_well_formed("Serving is slow.")
    for claim in ("Serving is slow", "It is.", "Your serving is slow.", "Give a title."):
        assert not is_well_formed(claim)


def test_nonsense_is_replaced_by_the_key_point(
    writer: Summarizer, material: EpisodeContext
) -> None:
    told: list[int] = []
    spans = [(0, 3), (3, 6)]
    chapters = write_chapters(material, spans, writer, lambda c: told.append(c.place))
    assert told == [0, 1]
    for chapter, span in zip(chapters, spans, strict=True):
        assert [s.source for s in chapter.sentences] == ["key_point"]
        assert chapter.sentences[0].text in [material.texts[i] for i in range(*span)]
        assert chapter.sentences[0].support == 1.0


def test_a_digest_never_shows_what_does_not_hold(writer: Summarizer, encoder: Encoder) -> None:
    transcript = read_transcript(CHIP)
    digest = digest_transcript(
        transcript, encoder, source_path="x", fallback_title="X", writer=writer
    )
    document = to_dict(digest)
    schema = json.loads((ROOT / "edge" / "digest.schema.json").read_text())
    jsonschema.validate(document, schema)
    assert document["summary"]["kind"] == "abstractive"
    assert document["summary"]["n_rejected"] >= 0
    assert [m["name"] for m in document["models"]] == ["minilm-l6", "tiny-llama"]
    spoken = " ".join(" ".join(segment.text for segment in transcript.segments).split())
    for chapter in digest.chapters:
        assert [s.source for s in chapter.summary] in ([], ["key_point"])
        assert all(s.text[1:] in spoken for s in chapter.summary)
    assert "a model's own words" in to_text(digest)
    assert "“" in to_markdown(digest)


def test_the_pace_decides_what_auto_does(tiny: Path, encoder: Encoder, writer: Summarizer) -> None:
    pace = measure_throughput(writer)
    assert pace.seconds(10_000) > pace.seconds(1_000) > 0
    assert Throughput(400.0, 10.0).seconds(8_000) > 30
    bundle = read_bundle(tiny)
    assert LazySummarizer(bundle, encoder, 2, None).choose(10**9)[1] == ""
    nobody, reason = LazySummarizer(bundle, encoder, 2, 0.001).choose(10_000)
    assert nobody is None
    assert "budget" in reason
    assert LazySummarizer(None, encoder, 2, 60.0).choose(100) == (
        None, "no model here was taught to sum up speech",
    )  # fmt: skip


def test_only_a_taught_model_writes(encoder: Encoder) -> None:
    with pytest.raises(BundleError, match="not taught to sum up"):
        Summarizer(read_bundle(TINY), encoder)
    assert find_summarizer() is None


def test_kinds_on_the_command_line(tiny: Path, writer: Summarizer, tmp_path: Path) -> None:
    episode = tmp_path / "episode.txt"
    episode.write_text(TIMED)
    run = CliRunner().invoke
    result = run(main, ["summarize", str(episode), "--kind", "abstractive"])
    assert result.exit_code == 1
    assert "edge-export build spoken-135m" in result.output
    result = run(main, ["summarize", str(episode), "--kind", "auto", "--format", "json"])
    assert result.exit_code == 0
    assert "no model here was taught" in result.stderr
    document = json.loads(result.stdout)
    assert document["summary"]["kind"] == "extractive"
    assert document["summary"]["reason"] == "no model here was taught to sum up speech"
    add_bundle(tiny)
    assert find_summarizer() is not None
    result = run(main, ["summarize", str(episode), "--kind", "abstractive", "--format", "json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["summary"]["kind"] == "abstractive"
    result = run(main, ["summarize", str(episode), "--kind", "auto", "--budget", "0.001s"])
    assert result.exit_code == 0
    assert "the budget is 0 s" in result.stderr


@pytest.mark.parametrize("value", ["soon", "-1s", "0", "nan", "inf"])
def test_a_budget_that_is_no_time_is_refused(value: str) -> None:
    result = CliRunner().invoke(main, ["summarize", "x.txt", "--budget", value])
    assert result.exit_code == 2
    assert "for example 90s" in result.output
