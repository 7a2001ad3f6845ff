"""Summaries a model writes: what is shown of them, whatever the model says.

The model is a tiny one with random weights, really run: all it writes is nonsense, so all of it
has to be caught. What a fine-tuned model writes is put in as completions.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from edge.abstractive.context import EpisodeContext
from edge.abstractive.drafts import Summarizer, choose_grounded, is_well_formed
from edge.abstractive.passages import choose_windows, fit_passage, window_around
from edge.abstractive.requests import title_request
from edge.abstractive.summarize import write_chapters
from edge.abstractive.time_budget import LazySummarizer, Throughput, measure_throughput
from edge.bundles.manifest import read_bundle
from edge.bundles.store import add_bundle, find_summarizer
from edge.cli.main import main
from edge.english.analysis import analyse_sentence
from edge.errors import BundleError
from edge.extraction.judgements import judge_text
from edge.options import DigestOptions, Observer
from edge.pipeline import digest_transcript
from edge.records import Chapter, Digest
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


CLAIM = "A lot of startups come to them because serving the model is too slow."
OTHER_CLAIM = "If they use half precision they can cut the inference time by fifty percent."
CLAIMS = f"{CLAIM} {OTHER_CLAIM}"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle, said to be fine-tuned. Its context is far too small for a passage."""
    folder = tmp_path_factory.mktemp("tuned") / "tiny"
    shutil.copytree(TINY, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["generator"]["writes_summaries"] = True
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def summarizer(tiny: Path, encoder: Encoder) -> Summarizer:
    try:
        return Summarizer(read_bundle(tiny), encoder, threads=2)
    except BundleError as error:
        if "needs onnxruntime" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module")
def context(encoder: Encoder) -> EpisodeContext:
    transcript = parse_transcript(TIMED.encode())
    sentences = [analyse_sentence(sentence) for sentence in rebuild_sentences(transcript)]
    vectors, judgements = judge_text(sentences, encoder)
    return EpisodeContext(sentences, vectors, judgements)


def checked(text: str, summarizer: Summarizer, context: EpisodeContext) -> tuple[list[str], int]:
    indices = list(range(len(context.sentences)))
    passage = context.passage(indices)
    grounded, n_rejected = summarizer.ground(text, passage, indices, "written")
    return [sentence.text for sentence in grounded], n_rejected


def test_what_holds_is_kept_with_its_evidence(
    summarizer: Summarizer, context: EpisodeContext
) -> None:
    indices = list(range(len(context.sentences)))
    text = f"{CLAIM}\nTitle: Serving models"
    grounded, n_rejected = summarizer.ground(text, context.passage(indices), indices, "rewritten")
    assert n_rejected == 0
    assert [s.text for s in grounded] == [CLAIM]
    assert (grounded[0].source, grounded[0].sentence_indices[0]) == ("rewritten", 2)
    assert 0.5 <= grounded[0].support <= 1.0


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
    claim: str, summarizer: Summarizer, context: EpisodeContext
) -> None:
    grounded, n_rejected = checked(claim, summarizer, context)
    assert grounded == []
    assert n_rejected == 1


def test_a_sentence_is_told_once_and_in_the_words_there_are(
    summarizer: Summarizer, context: EpisodeContext
) -> None:
    indices = list(range(len(context.sentences)))
    text = (
        f"{CLAIM} A lot of startups come to them because serving the model is slow. "
        "The team never collected any personal data from the devices of their customers."
    )
    grounded, _ = summarizer.ground(text, context.passage(indices), indices, "written")
    assert len(grounded) == 3
    assert choose_grounded(grounded, 40) == [grounded[0], grounded[2]]
    assert choose_grounded(grounded, 15) == [grounded[0]]
    assert choose_grounded(grounded, 1) == [grounded[0]]
    assert choose_grounded([], 30) == []


def test_a_chapter_is_read_around_its_moments(context: EpisodeContext) -> None:
    assert window_around([5, 5, 5, 5, 5], 2, 5) == (2, 3)
    assert window_around([5, 5, 5, 5, 5], 2, 12) == (1, 4)
    assert window_around([5, 5, 5, 5, 5], 0, 12) == (0, 3)
    assert window_around([5, 5], 1, 100) == (0, 2)
    windows = choose_windows(context, list(range(6)))
    assert windows
    assert all(window == list(range(window[0], window[-1] + 1)) for window in windows)
    asked = "What do they do about their models?"
    questions = replace(
        context, sentences=[replace(s, shown_text=asked) for s in context.sentences]
    )
    assert choose_windows(questions, list(range(6))) == []


def test_what_does_not_fit_the_model_is_read_in_part(context: EpisodeContext) -> None:
    everything = list(range(6))
    whole = fit_passage(context, everything, title_request, lambda request: True)
    part = fit_passage(context, everything, title_request, lambda request: len(request) < 400)
    assert whole is not None
    assert part is not None
    assert set(part.sentence_indices) < set(whole.sentence_indices)
    assert part.request.endswith("Give a title.")
    assert fit_passage(context, everything, title_request, lambda request: False) is None
    assert fit_passage(context, [0], title_request, lambda request: True) is None


def test_a_title_says_what_was_said(summarizer: Summarizer, context: EpisodeContext) -> None:
    passage = context.passage(list(range(len(context.sentences))))
    assert summarizer.is_title_grounded("Half precision and inference time", passage)
    for title in ("", "Cooking pasta in Rome", "Half precision at Google", "Halves " * 12):
        assert not summarizer.is_title_grounded(title, passage)


def test_a_sentence_is_well_formed() -> None:
    assert is_well_formed("Serving is slow.")
    for claim in ("Serving is slow", "It is.", "Your serving is slow.", "Give a title."):
        assert not is_well_formed(claim)


def test_nonsense_is_not_shown(summarizer: Summarizer, context: EpisodeContext) -> None:
    done: list[int] = []
    chapters = write_chapters(context, [(0, 3), (3, 6)], summarizer, lambda c: done.append(c.index))
    assert done == [0, 1]
    assert [(chapter.title, chapter.sentences) for chapter in chapters] == [("", ()), ("", ())]


@pytest.fixture
def writes_claims(summarizer: Summarizer, monkeypatch: pytest.MonkeyPatch) -> Summarizer:
    """What a fine-tuned model would write, put in as its answers."""
    monkeypatch.setattr(summarizer, "fits", lambda request: True)
    monkeypatch.setattr(summarizer, "write", lambda requests, *_: [CLAIMS] * len(requests))
    return summarizer


def test_what_is_written_stands_once(writes_claims: Summarizer, encoder: Encoder) -> None:
    told: list[Chapter] = []

    def digest(words: int) -> Digest:
        return digest_transcript(
            parse_transcript(TIMED.encode()),
            encoder,
            DigestOptions(words=words),
            summarizer=writes_claims,
            observer=Observer(on_chapter=told.append),
        )

    # All that was written is in the summary, and nothing of it under the chapters.
    long = digest(words=40)
    assert {CLAIM, OTHER_CLAIM} <= {sentence.text for sentence in long.written.sentences}
    assert len(long.written.sentences) <= 3
    assert not any(chapter.summary for chapter in long.chapters)
    shown = [s.text for s in (*long.written.sentences, *long.key_points)]
    assert len(set(shown)) == len(shown)
    assert {s.text for chapter in told for s in chapter.summary} == {CLAIM, OTHER_CLAIM}
    # What has no room there stands under its chapter, in place of key points.
    short = digest(words=10)
    in_summary = {sentence.text for sentence in short.written.sentences}
    in_chapters = {s.text for chapter in short.chapters for s in chapter.summary}
    assert in_summary | in_chapters >= {CLAIM, OTHER_CLAIM}
    assert in_chapters and not in_summary & in_chapters
    assert not any(chapter.summary and chapter.key_points for chapter in short.chapters)


def test_a_digest_never_shows_what_does_not_hold(summarizer: Summarizer, encoder: Encoder) -> None:
    transcript = read_transcript(CHIP)
    digest = digest_transcript(transcript, encoder, summarizer=summarizer)
    document = to_dict(digest)
    schema = json.loads((ROOT / "edge" / "digest.schema.json").read_text())
    jsonschema.validate(document, schema)
    assert document["summary"]["kind"] == "abstractive"
    assert document["summary"]["n_rejected"] >= 0
    assert [m["name"] for m in document["models"]] == ["minilm-l6", "tiny-llama"]
    spoken = " ".join(" ".join(segment.text for segment in transcript.segments).split())
    assert not any(chapter.summary for chapter in digest.chapters)
    assert digest.written is not None
    assert {s.source for s in digest.written.sentences} == {"extracted"}
    assert all(s.text[1:] in spoken for s in digest.written.sentences)
    shown = [s.text for s in (*digest.written.sentences, *digest.key_points)]
    assert digest.introduction is None or digest.introduction.text not in shown
    assert len(set(shown)) == len(shown)
    assert "a model's own words" in to_text(digest)
    assert "“" in to_markdown(digest)


def test_the_time_budget_decides_what_auto_does(summarizer: Summarizer) -> None:
    throughput = measure_throughput(summarizer)
    assert throughput.seconds(10_000) > throughput.seconds(1_000) > 0
    assert Throughput(400.0, 10.0).seconds(8_000) > 30
    assert LazySummarizer(lambda: summarizer).choose(10**9) == (summarizer, "")
    nobody, reason = LazySummarizer(lambda: summarizer, 0.001).choose(10_000)
    assert nobody is None
    assert reason.startswith("tiny-llama-fp32 would take about ")
    assert reason.endswith(" s on this device, and the budget is 0 s")
    assert LazySummarizer(None, 60.0).choose(100) == (
        None, "no model here was taught to sum up speech",
    )  # fmt: skip


def test_a_summarizer_is_loaded_once_and_only_when_it_is_needed(summarizer: Summarizer) -> None:
    n_loads = 0

    def load() -> Summarizer:
        nonlocal n_loads
        n_loads += 1
        return summarizer

    lazy = LazySummarizer(load)
    assert (lazy.placements, n_loads) == ({}, 0)
    lazy.choose(100)
    lazy.choose(100)
    assert n_loads == 1
    assert lazy.placements == {"tiny-llama-fp32": summarizer.generator.placement}
    assert LazySummarizer(None).placements == {}


def test_only_a_fine_tuned_model_writes(encoder: Encoder) -> None:
    with pytest.raises(BundleError, match="not taught to sum up"):
        Summarizer(read_bundle(TINY), encoder)
    assert find_summarizer() is None


def test_kinds_on_the_command_line(tiny: Path, summarizer: Summarizer, tmp_path: Path) -> None:
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


def test_a_model_tells_an_episode_whose_chapters_are_not_shown(
    summarizer: Summarizer, encoder: Encoder
) -> None:
    options = DigestOptions(parts=frozenset({"summary"}))
    digest = digest_transcript(read_transcript(CHIP), encoder, options, summarizer=summarizer)
    assert digest.written is not None and digest.written.sentences
    assert digest.chapters == () and digest.summary
