"""Every command and every message a user can meet."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.__main__ import main
from edge.bundles.store import find_bundle
from tests.conftest import CHIP

SHORT = (
    "1\n00:00:01,000 --> 00:00:05,000\nQuantization makes a neural network four times smaller.\n\n"
    "2\n00:00:05,000 --> 00:00:09,000\nHalf precision decides whether the startup breaks even.\n"
)


def edge(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=stdin)


@pytest.fixture
def episode(tmp_path: Path) -> Path:
    path = tmp_path / "my-show_anna.srt"
    path.write_text(SHORT)
    return path


def test_summarize_prints_a_digest_and_nothing_else(episode: Path) -> None:
    result = edge("summarize", episode)
    assert result.exit_code == 0
    assert result.stdout.startswith("My Show, Anna\n")
    assert "Quantization makes a neural network" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("format_name", ["text", "md", "json"])
def test_standard_input(format_name: str) -> None:
    result = edge("summarize", "-", "--format", format_name, stdin=SHORT)
    assert result.exit_code == 0
    assert "Standard input" in result.stdout


def test_several_files_as_json_are_one_line_each(episode: Path) -> None:
    result = edge("summarize", episode, CHIP, "--format", "json")
    titles = [json.loads(line)["episode"]["title"] for line in result.stdout.splitlines()]
    assert titles == ["My Show, Anna", "Gradient Dissent, Chip Huyen, Whisper Timed"]


def test_keyphrases_and_chapters_are_the_digest_cut_short(episode: Path) -> None:
    words = json.loads(edge("keyphrases", CHIP, "--format", "json").stdout)
    assert words["keyphrases"]
    assert not words["chapters"]
    parts = json.loads(edge("chapters", CHIP, "--format", "json").stdout)
    assert parts["chapters"]
    assert not parts["keyphrases"]
    podcast = json.loads(edge("chapters", episode, "--format", "podcast").stdout)
    assert podcast["chapters"][0]["startTime"] == 1.0


def test_chapters_alone_have_their_key_points_too() -> None:
    document = json.loads(edge("chapters", CHIP, "--format", "json").stdout)
    assert document["key_points"]
    assert document["summary"]["sentences"] == document["quotes"] == document["questions"] == []
    assert document["introduction"] is None
    assert all(chapter["key_points"] for chapter in document["chapters"])


def test_lists_are_shown_on_request() -> None:
    assert "QUOTES" not in edge("summarize", CHIP).stdout
    result = edge("summarize", CHIP, "--show", "Quotes, questions")
    assert "\nQUOTES\n" in result.stdout and "\nQUESTIONS ASKED\n" in result.stdout
    markdown = edge("summarize", CHIP, "--show", "questions", "--format", "md").stdout
    assert "## Questions asked" in markdown and "## Quotes" not in markdown


@pytest.mark.parametrize("value", ["chapters", "quotes,", "quotes questions"])
def test_a_list_that_there_is_not_is_refused(value: str) -> None:
    result = edge("summarize", CHIP, "--show", value)
    assert result.exit_code == 2
    assert "is none of quotes, questions" in " ".join(result.stderr.split())


def test_keywords_is_the_old_name_of_keyphrases() -> None:
    assert edge("keywords", CHIP).stdout == edge("keyphrases", CHIP).stdout
    assert "keywords" not in edge("--help").stdout


def test_repairs_are_told_and_strict_refuses_them(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"Ein sch\xc3\xb6ner \xff Tag.")
    result = edge("summarize", path)
    assert result.exit_code == 0
    assert "repaired 1 x undecodable bytes" in result.stderr
    assert edge("summarize", path, "--quiet").stderr == ""
    strict = edge("summarize", path, "--strict")
    assert strict.exit_code == 1
    assert strict.stdout == ""
    assert "is not as it should be: repaired 1 x undecodable bytes" in strict.stderr


def test_foreign_language_is_said() -> None:
    text = json.dumps({"language": "de", "segments": [{"start": 0, "end": 1, "text": "Hallo."}]})
    assert "its language is 'de'" in edge("summarize", "-", stdin=text).stderr


def test_verbose_tells_stage_times(episode: Path) -> None:
    assert "encode" in edge("summarize", episode, "--verbose").stderr


def test_same_options_same_bytes(episode: Path) -> None:
    runs = [edge("summarize", CHIP, "--threads", 1, "--format", "md").stdout for _ in range(2)]
    assert runs[0] == runs[1]


def test_batch_goes_on_past_a_bad_file(episode: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "notes.pdf").write_text("no transcript by its name")
    out = tmp_path / "out"
    result = edge("summarize", tmp_path, "--output", out, "--format", "md")
    assert result.exit_code == 1
    assert "1 done, 0 skipped, 1 failed" in result.stderr
    assert "these episodes failed:" in result.stderr
    assert "the transcript is empty (0 bytes)" in result.stderr
    assert [path.name for path in out.iterdir()] == ["my-show_anna.md"]


def test_batch_skips_what_is_done_unless_changed_or_forced(episode: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("summarize", episode, "--output", out)
    assert "1 done" in edge(*command).stderr
    assert "1 skipped" in edge(*command).stderr
    assert "1 done" in edge(*command, "--force").stderr
    later = time.time() + 10
    os.utime(episode, (later, later))
    assert "1 done" in edge(*command).stderr


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pilot.srt").write_text(SHORT)
    (tmp_path / "a" / "pilot.vtt").write_text("WEBVTT\n\n" + SHORT.replace(",000", ".000"))
    out = tmp_path / "out"
    result = edge("summarize", tmp_path / "a", tmp_path / "b", "--output", out)
    assert result.exit_code == 0
    assert len(list(out.iterdir())) == 3


def test_a_digest_does_not_replace_or_join_the_transcripts(tmp_path: Path) -> None:
    path = tmp_path / "pilot.txt"
    path.write_text(SHORT)
    replaced = edge("summarize", path, "--output", tmp_path / ".", "--force")
    assert replaced.exit_code == 1
    assert "pilot.txt is a transcript, and its digest would replace it" in replaced.stderr
    joined = edge("summarize", tmp_path, "--output", tmp_path, "--format", "json")
    assert joined.exit_code == 1
    assert "is the folder of the transcripts" in joined.stderr
    assert path.read_text() == SHORT
    assert list(tmp_path.iterdir()) == [path]
    assert edge("summarize", path, "--output", tmp_path, "--format", "md").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pilot.md", "pilot.txt"]


def test_output_that_cannot_be_written(episode: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, no folder")
    result = edge("summarize", episode, "--output", blocked / "out")
    assert result.exit_code == 1
    assert "cannot make the output folder" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["summarize"], 2, "Missing argument 'EPISODE...'"),
        (["summarize", "none.srt"], 1, "cannot read none.srt: No such file or directory"),
        (["summarize", "x", "--words", "3"], 2, "3 is not in the range 10<=x<=2000"),
        (["summarize", "x", "--threads", "0"], 2, "0 is not in the range 1<=x<=64"),
        (["summarize", "x", "--format", "pdf"], 2, "'pdf' is not one of 'text', 'md', 'json'"),
        (["summarize", "x", "--model", "big"], 1, "there is no model 'big'; here are: minilm-l6"),
        (["models", "remove", "minilm-l6-int8"], 1, "came with the program and stays"),
        (["models", "remove", "big"], 1, "was never added"),
        (["models", "add", "/nonexistent"], 1, "no model bundle in /nonexistent"),
        (["models", "info", "big"], 1, "there is no model 'big'"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
    ],
)
def test_errors_say_what_and_what_next(arguments: list[str], code: int, message: str) -> None:
    result = edge(*arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_empty_folder(tmp_path: Path) -> None:
    result = edge("summarize", tmp_path)
    assert result.exit_code == 1
    assert f"folder {tmp_path} has no transcript" in result.stderr


def test_models_commands() -> None:
    folder = find_bundle().folder
    assert edge("models", "list").stdout.startswith("minilm-l6-int8 ")
    info = json.loads(edge("models", "info").stdout)
    assert info["licence"] == "Apache-2.0"
    assert len(info["bundle_sha256"]) == 64
    assert "golden sample agrees" in edge("models", "verify").stdout
    assert "golden sample agrees" in edge("models", "verify", str(folder)).stdout
    assert "added minilm-l6-int8" in edge("models", "add", folder).stdout
    assert edge("models", "add", folder).exit_code == 1
    assert "removed" in edge("models", "remove", "minilm-l6-int8").stdout


def test_an_unusable_added_model_is_told(own_home: Path) -> None:
    (own_home / "models" / "broken").mkdir(parents=True)
    assert "unusable:" in edge("models", "list").stderr


def test_doctor() -> None:
    result = edge("doctor", "--quick")
    assert result.exit_code == 0
    for fact in ("onnxruntime", "providers", "cpu features", "memory", "golden sample agrees"):
        assert fact in result.stdout


@pytest.mark.parametrize("overflow", [False, True])
def test_doctor_tells_why_8_bit_models_are_slower(
    monkeypatch: pytest.MonkeyPatch, overflow: bool
) -> None:
    monkeypatch.setattr("edge.device.doctor.products_overflow", lambda: overflow)
    said = "slower kernels: this processor has no VNNI" in edge("doctor", "--quick").stdout
    assert said is overflow


@pytest.mark.parametrize(
    "command",
    [[], ["summarize"], ["keyphrases"], ["keywords"], ["chapters"], ["models"], ["doctor"]],
)
def test_help(command: list[str]) -> None:
    result = edge(*command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")
    assert edge("--version").stdout.startswith("edge, version ")
