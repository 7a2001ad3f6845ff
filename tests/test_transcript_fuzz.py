"""Random and damaged transcripts of every format: no traceback, no lost word, sane times."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import TranscriptError
from edge.records import Transcript
from edge.transcript import parse_transcript
from edge.transcript.sentences import rebuild_sentences
from tests import test_transcript_formats as samples

SAMPLES = [
    samples.STDOUT,
    samples.SRT,
    samples.VTT,
    samples.CSV,
    samples.TSV,
    "[00:00.00] Hello there.\n[01:02.50] Late.\n",
    "Ann: Hello there.\nBob: Late, again.\n",
    "<html><cite>Ann</cite><time>0:01</time><p>Hello there.</p></html>",
    json.dumps(samples.WHISPER_CPP_JSON),
    json.dumps(samples.OPENAI_JSON),
    json.dumps(samples.WHISPERX_JSON),
    json.dumps(samples.PODCASTING_JSON),
]
word = st.text(st.characters(categories=["Ll", "Lu"], max_codepoint=0x24F), min_size=2, max_size=9)
line = st.lists(word, min_size=1, max_size=8).map(" ".join)
time_s = st.floats(-5, 20_000, allow_nan=False).map(lambda x: round(x, 3))
anything = st.one_of(time_s, st.none(), st.just(float("nan")), st.just(float("inf")), st.text())
timed_lines = st.lists(st.tuples(time_s, time_s, line), min_size=1, max_size=12)


def check(transcript: Transcript) -> None:
    starts = [s.start_s for s in transcript.segments if s.start_s is not None]
    assert starts == sorted(starts)
    assert all(start >= 0 for start in starts)
    counts = {repair.kind: repair.count for repair in transcript.repairs}
    n_empty = sum(not segment.text.strip() for segment in transcript.segments)
    assert n_empty <= counts.get("empty_segments", 0)
    for segment in transcript.segments:
        if segment.end_s is not None:
            assert segment.start_s is not None
            assert segment.end_s >= segment.start_s
        word_starts = [w.start_s for w in segment.words if w.start_s is not None]
        assert word_starts == sorted(word_starts)
    sentences = rebuild_sentences(transcript)
    spoken = [s.text for i, s in enumerate(transcript.segments) if i not in transcript.repeated]
    assert " ".join(s.text for s in sentences).split() == " ".join(spoken).split()
    first = [s.first_segment for s in sentences]
    assert first == sorted(first)


def words_of(transcript: Transcript) -> list[str]:
    return [word for s in transcript.segments for word in s.text.split()]


def clock(seconds: float, mark: str) -> str:
    sign = "-" if seconds < 0 else ""
    ms = round(abs(seconds) * 1000)
    hours, minutes, seconds = ms // 3_600_000, ms // 60_000 % 60, ms // 1000 % 60
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{ms % 1000:03d}"


@given(st.sampled_from(SAMPLES), st.data())
@settings(max_examples=400, deadline=None)
def test_damaged_files_never_crash(sample: str, data: st.DataObject) -> None:
    raw = bytearray(sample.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 12))
        raw[at : at + cut] = data.draw(st.binary(max_size=8))
    with contextlib.suppress(TranscriptError):
        check(parse_transcript(bytes(raw)))


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
@settings(max_examples=300, deadline=None)
def test_random_bytes_never_crash(raw: bytes) -> None:
    with contextlib.suppress(TranscriptError):
        check(parse_transcript(raw))


@given(timed_lines, st.sampled_from(["stdout", "srt", "vtt"]))
@settings(max_examples=200, deadline=None)
def test_timed_lines_lose_no_word(rows: list[tuple[float, float, str]], kind: str) -> None:
    mark = "," if kind == "srt" else "."
    cues = []
    for k, (start, end, text) in enumerate(rows):
        span = f"{clock(start, mark)} --> {clock(end, mark)}"
        head = {"stdout": f"[{span}]   ", "srt": f"{k + 1}\n{span}\n", "vtt": f"{span}\n"}[kind]
        cues.append(head + text + "\n")
    whole = ("WEBVTT\n\n" if kind == "vtt" else "") + "\n".join(cues)
    transcript = parse_transcript(whole.encode())
    check(transcript)
    assert words_of(transcript) == [word for _, _, text in rows for word in text.split()]


@given(timed_lines, st.sampled_from([",", "\t"]))
@settings(max_examples=150, deadline=None)
def test_tables_lose_no_word(rows: list[tuple[float, float, str]], delimiter: str) -> None:
    lines = [f"{a * 1000:.0f}{delimiter}{b * 1000:.0f}{delimiter}{text}" for a, b, text in rows]
    header = delimiter.join(("start", "end", "text"))
    transcript = parse_transcript("\n".join([header, *lines]).encode())
    check(transcript)
    assert words_of(transcript) == [word for _, _, text in rows for word in text.split()]


@given(
    st.lists(st.tuples(anything, anything, line, st.none() | word), min_size=1, max_size=10),
    st.sampled_from([("start", "end", "text"), ("startTime", "endTime", "body")]),
)
@settings(max_examples=200, deadline=None)
def test_json_with_any_times_loses_no_word(rows, keys) -> None:
    start, end, text = keys
    segments = [{start: a, end: b, text: c, "speaker": d} for a, b, c, d in rows]
    transcript = parse_transcript(json.dumps({"segments": segments}).encode())
    check(transcript)
    assert words_of(transcript) == [word for _, _, c, _ in rows for word in c.split()]


@given(st.lists(line, min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_plain_lines_lose_no_word(lines: list[str]) -> None:
    transcript = parse_transcript("\n".join(lines).encode())
    check(transcript)
    assert words_of(transcript) == [word for text in lines for word in text.split()]
