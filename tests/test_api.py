"""The door for Python programs: what docs/python.md shows, and what it promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import edge
from tests.conftest import CHIP, ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.M | re.S)
SHORT = (
    "Anna: Quantization makes a neural network four times smaller on the device.\n"
    "Ben: Half precision decides whether the startup breaks even on its servers.\n"
)
BUNDLES = ROOT / "tests" / "data" / "bundles"


def python(code: str, cwd: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the page's code runs: an episode, and the seeds."""
    shutil.copy(CHIP, tmp_path / "episode.srt")
    (tmp_path / "seeds").mkdir()
    shutil.copy(CHIP, tmp_path / "seeds")
    return tmp_path


def test_the_first_lines_of_the_page_run_as_they_stand(folder: Path) -> None:
    first = BLOCKS[0]
    assert len([line for line in first.splitlines() if line.strip()]) <= 5
    assert len(python(first, folder).split()) > 60


def test_all_code_of_the_page_runs_in_its_order(folder: Path) -> None:
    output = python("\n".join(BLOCKS), folder)
    assert "cannot read no-such-file.srt" in output


def test_importing_loads_nothing_heavy() -> None:
    heavy = {"numpy", "onnxruntime", "tokenizers", "click", "edge.api"}
    assert python(f"import sys, edge; print(sorted({heavy} & set(sys.modules)))", ROOT) == "[]\n"


def test_every_name_of_the_door_is_there_and_documented() -> None:
    for name in edge.__all__:
        assert getattr(edge, name) is not None
        assert name in PAGE or name in ("__version__", "Encoder", "Summarizer", "Event"), name
    assert set(dir(edge)) >= set(edge.__all__)
    with pytest.raises(AttributeError, match="no attribute 'digests'"):
        _ = edge.digests  # type: ignore[attr-defined]


def test_a_file_its_bytes_its_text_and_its_transcript_give_one_digest(
    encoder: edge.Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "my-show_anna.txt"
    path.write_text(SHORT)
    sources = [path, str(path), SHORT.encode(), SHORT, edge.parse_transcript(SHORT.encode())]
    digests = [edge.digest(source, encoder=encoder) for source in sources]
    assert {digest.summary for digest in digests} == {digests[0].summary}
    assert [digest.title for digest in digests[:3]] == ["My Show, Anna"] * 2 + ["Untitled episode"]
    assert edge.digest(SHORT, title="Pilot", encoder=encoder).title == "Pilot"


def test_a_digest_writes_itself(encoder: edge.Encoder) -> None:
    digest = edge.digest(CHIP, encoder=encoder, words=40)
    schema = json.loads((ROOT / "edge" / "digest.schema.json").read_text())
    jsonschema.validate(digest.to_dict(), schema)
    assert json.loads(digest.to_json())["summary"]["text"] == digest.summary
    text = " ".join(digest.to_text().split())
    assert all(sentence.text in text for sentence in digest.summary_sentences)
    assert "QUOTES" in digest.to_text(show=["quotes"]) and "QUOTES" not in text
    assert digest.to_markdown().startswith("# ")
    assert "## Quotes" in digest.to_markdown(show=["quotes"])
    assert len(digest.summary.split()) <= 40
    assert digest.chapters and digest.key_points and digest.keyphrases


def test_it_is_the_digest_of_the_command_line(encoder: edge.Encoder) -> None:
    command = [sys.executable, "-m", "edge", "summarize", str(CHIP), "--format", "json"]
    printed = json.loads(subprocess.check_output(command, cwd=ROOT))
    ours = edge.digest(str(CHIP)).to_dict()
    for document in (printed, ours):
        del document["created_utc"], document["timings"]
    assert ours == printed


def test_parts_and_strictness(encoder: edge.Encoder) -> None:
    digest = edge.digest(SHORT, encoder=encoder, parts="keyphrases")
    assert digest.keyphrases and not digest.chapters and not digest.summary
    with pytest.raises(edge.EdgeError, match="is not as it should be: repaired 1 x undecodable"):
        edge.digest(b"Ein sch\xc3\xb6ner \xff Tag.", encoder=encoder, strict=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"words": 0}, "a summary of 0 words"),
        ({"words": "60"}, "a summary of '60' words"),
        ({"budget_s": -1.0}, "a time of -1.0 seconds"),
        ({"parts": ["jokes"]}, "no part 'jokes'"),
    ],
)
def test_what_is_not_allowed_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(edge.OptionError, match=message):
        edge.digest(SHORT, **options)  # type: ignore[arg-type]


def test_an_unknown_provider_is_told_those_there_are() -> None:
    with pytest.raises(edge.OptionError, match="no provider 'vax'") as caught:
        edge.load_encoder(provider="vax")
    assert "cpu" in caught.value.hint
    with pytest.raises(edge.OptionError, match="without the provider"):
        edge.load_encoder(provider_options={"device_id": "1"})


def test_what_is_not_here_is_said(tmp_path: Path) -> None:
    with pytest.raises(edge.TranscriptError, match="cannot read"):
        edge.digest(tmp_path / "none.srt")
    with pytest.raises(edge.TranscriptError, match="the transcript is empty"):
        edge.digest("")
    with pytest.raises(edge.TranscriptError, match="no episode is read from an object of type int"):
        edge.digest(5)  # type: ignore[arg-type]
    with pytest.raises(edge.TranscriptError, match=r"cannot read episode\.srt"):
        edge.digest("episode.srt\n")
    with pytest.raises(edge.BundleError, match="minilm-l6-int8"):
        edge.load_encoder("none")
    with pytest.raises(edge.BundleError, match="no model bundle"):
        edge.load_encoder(tmp_path)
    with pytest.raises(edge.BundleError, match="none"):
        edge.digest(SHORT, writer="none")


def test_a_stream_tells_how_far_it_is_and_ends_with_the_digest(encoder: edge.Encoder) -> None:
    *before, last = edge.digest_stream(CHIP, encoder=encoder)
    assert isinstance(last, edge.DigestEvent)
    assert last.digest.summary == edge.digest(CHIP, encoder=encoder).summary
    assert before and all(isinstance(event, edge.ProgressEvent) for event in before)
    n_words = last.digest.transcript.n_words
    assert before[-1] == edge.ProgressEvent(n_words, n_words)


def test_a_stream_raises_what_goes_wrong_where_it_is_listened_to(tmp_path: Path) -> None:
    events = edge.digest_stream(tmp_path / "none.srt")
    with pytest.raises(edge.TranscriptError, match="cannot read"):
        next(events)


def test_whoever_leaves_a_stream_stops_the_work(encoder: edge.Encoder) -> None:
    import threading

    events = edge.digest_stream(CHIP, encoder=encoder)
    next(events)
    (worker,) = [t for t in threading.enumerate() if t.name == "edge-digest"]
    events.close()  # type: ignore[attr-defined]
    worker.join(timeout=60)
    assert not worker.is_alive()
