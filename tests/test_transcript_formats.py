"""Every format of docs/formats.md, in the shape its own program writes."""

from __future__ import annotations

import json

import pytest

from edge.records import Segment
from edge.transcript import parse_transcript

EXPECTED = [(0.0, 2.5, "Hello there, everyone."), (2.5, 5.25, "It is about ONNX, quantized.")]

STDOUT = """
[00:00:00.000 --> 00:00:02.500]   Hello there, everyone.
[00:00:02.500 --> 00:00:05.250]   It is about ONNX, quantized.
"""
SRT = """1
00:00:00,000 --> 00:00:02,500
 Hello there, everyone.

2
00:00:02,500 --> 00:00:05,250
 It is about ONNX,
quantized.
"""
VTT = """WEBVTT
Kind: captions

STYLE
::cue { color: red }

NOTE this is
no speech

00:00:00.000 --> 00:00:02.500 align:start position:0%
 Hello there, everyone.

second cue
00:00:02.500 --> 00:00:05.250
 It is about <c.loud>ONNX</c>, <i>quantized</i>.
"""
CSV = """start,end,text
0,2500," Hello there, everyone."
2500,5250," It is about ONNX, quantized."
"""
TSV = """start\tend\ttext
0\t2500\tHello there, everyone.
2500\t5250\tIt is about ONNX, quantized.
"""
WHISPER_CPP_JSON = {
    "systeminfo": "AVX = 1",
    "model": {"type": "base"},
    "params": {"model": "ggml-base.en.bin", "language": "en", "translate": False},
    "result": {"language": "en"},
    "transcription": [
        {
            "timestamps": {"from": "00:00:00,000", "to": "00:00:02,500"},
            "offsets": {"from": 0, "to": 2500},
            "text": " Hello there, everyone.",
        },
        {
            "timestamps": {"from": "00:00:02,500", "to": "00:00:05,250"},
            "offsets": {"from": 2500, "to": 5250},
            "text": " It is about ONNX, quantized.",
        },
    ],
}
OPENAI_JSON = {
    "text": " Hello there, everyone. It is about ONNX, quantized.",
    "segments": [
        {"id": 0, "seek": 0, "start": 0.0, "end": 2.5, "text": " Hello there, everyone.",
         "tokens": [1], "temperature": 0.0, "avg_logprob": -0.2, "no_speech_prob": 0.1},
        {"id": 1, "seek": 0, "start": 2.5, "end": 5.25, "text": " It is about ONNX, quantized.",
         "tokens": [2], "temperature": 0.0, "avg_logprob": -0.2, "no_speech_prob": 0.1},
    ],
    "language": "en",
}  # fmt: skip
SERVER_JSON = {"task": "transcribe", "duration": 5.25, **OPENAI_JSON, "language": "english"}
PODCASTING_JSON = {
    "version": "1.0.0",
    "segments": [
        {"speaker": "Ann", "startTime": 0.0, "endTime": 2.5, "body": "Hello there, everyone."},
        {"speaker": "Bob", "startTime": 2.5, "endTime": 5.25,
         "body": "It is about ONNX, quantized."},
    ],
}  # fmt: skip
WHISPERX_JSON = {
    "segments": [
        {"start": 0.0, "end": 2.5, "text": "Hello there, everyone.", "speaker": "SPEAKER_00",
         "words": [{"word": "Hello", "start": 0.1, "end": 0.5, "score": 0.9},
                   {"word": "there,", "start": 0.6, "end": 0.9, "score": 0.9},
                   {"word": "everyone.", "start": 1.0, "end": 2.4, "score": 0.9}]},
        {"start": 2.5, "end": 5.25, "text": "It is about ONNX, quantized."},
    ],
    "word_segments": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("whisper.cpp-stdout", STDOUT),
        ("srt", SRT),
        ("vtt", VTT),
        ("csv", CSV),
        ("tsv", TSV),
        ("whisper.cpp-json", json.dumps(WHISPER_CPP_JSON)),
        ("whisper-json", json.dumps(OPENAI_JSON)),
        ("whisper-json", json.dumps(OPENAI_JSON["segments"])),
        ("whisper-json", "\n".join(json.dumps(s) for s in OPENAI_JSON["segments"])),
        ("whisper.cpp-verbose-json", json.dumps(SERVER_JSON)),
        ("podcasting2-json", json.dumps(PODCASTING_JSON)),
        ("whisperx-json", json.dumps(WHISPERX_JSON)),
    ],
)
def test_timed_format(name: str, text: str) -> None:
    transcript = parse_transcript(text.encode())
    assert transcript.format == name
    assert [(s.start_s, s.end_s, s.text) for s in transcript.segments] == EXPECTED
    assert transcript.repairs == ()


def test_lrc() -> None:
    lrc = "[by:whisper.cpp]\n[ti:Pilot]\n[00:00.00] Hello there.\n[101:02.50] Late, very late.\n"
    transcript = parse_transcript(lrc.encode())
    assert transcript.format == "lrc"
    assert transcript.title == "Pilot"
    assert [(s.start_s, s.end_s) for s in transcript.segments] == [(0.0, 6062.5), (6062.5, None)]


def test_whisper_cpp_json_full_joins_tokens_to_words() -> None:
    document = json.loads(json.dumps(WHISPER_CPP_JSON))
    document["transcription"] = document["transcription"][:1]
    document["transcription"][0]["text"] = " Tokenizers rock."
    document["transcription"][0]["tokens"] = [
        {"text": "[_BEG_]", "offsets": {"from": 0, "to": 0}},
        {"text": " Token", "offsets": {"from": 100, "to": 400}},
        {"text": "izers", "offsets": {"from": 400, "to": 700}},
        {"text": " rock", "offsets": {"from": 800, "to": 1200}},
        {"text": ".", "offsets": {"from": 1200, "to": 1300}},
        {"text": "[_TT_125]", "offsets": {"from": 2500, "to": 2500}},
    ]
    transcript = parse_transcript(json.dumps(document).encode())
    assert transcript.format == "whisper.cpp-json-full"
    words = transcript.segments[0].words
    assert [(w.text, w.start_s, w.end_s) for w in words] == [
        ("Tokenizers", 0.1, 0.7),
        ("rock.", 0.8, 1.3),
    ]


def test_whisperx_keeps_words_and_speakers() -> None:
    first, second = parse_transcript(json.dumps(WHISPERX_JSON).encode()).segments
    assert first.speaker == "SPEAKER_00"
    assert [w.start_s for w in first.words] == [0.1, 0.6, 1.0]
    assert second.speaker is None


def test_podcasting_html() -> None:
    page = """<!doctype html><html><head><title>Pilot</title><style>p {}</style></head><body>
    <cite>Ann:</cite><time>0:00</time><p>Hello &amp; welcome.</p>
    <cite>Bob:</cite><time>1:02:03</time><p>It is about ONNX.</p></body></html>"""
    transcript = parse_transcript(page.encode())
    assert transcript.format == "html"
    assert transcript.title == "Pilot"
    assert [(s.speaker, s.start_s, s.text) for s in transcript.segments] == [
        ("Ann", 0.0, "Hello & welcome."),
        ("Bob", 3723.0, "It is about ONNX."),
    ]


def test_vtt_voice_holds_until_the_next() -> None:
    vtt = """WEBVTT

00:00.000 --> 00:01.000
<v Ann Lee>Hello.

00:01.000 --> 00:02.000
Still me.

00:02.000 --> 00:03.000
<v.loud Bob>Now me.</v>
"""
    segments = parse_transcript(vtt.encode()).segments
    assert [(s.speaker, s.text) for s in segments] == [
        ("Ann Lee", "Hello."),
        ("Ann Lee", "Still me."),
        ("Bob", "Now me."),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["(speaker 0) Hi.", "(speaker ?) Hm.", "(speaker 1) Ho."],
            ["Speaker 0", None, "Speaker 1"],
        ),
        (["[SPEAKER_00]: Hi.", "[SPEAKER_01]: Ho."], ["SPEAKER_00", "SPEAKER_01"]),
        (["Grad C: Hi there.", "PhD D: It didn't.", "Grad C: So."], ["Grad C", "PhD D", "Grad C"]),
        (["The rule: be brief.", "Nothing else to say.", "Really, nothing."], [None, None, None]),
        (["Ann: One.", "And two.", "Bob: Three.", "Ann: Four."], ["Ann", "Ann", "Bob", "Ann"]),
    ],
)
def test_speaker_labels(lines: list[str], expected: list[str | None]) -> None:
    segments = parse_transcript("\n".join(lines).encode()).segments
    assert [s.speaker for s in segments] == expected
    if expected[0]:
        assert all(":" not in s.text and "(" not in s.text for s in segments)


def test_tinydiarize_marks_are_taken_out() -> None:
    text = "[00:00:00.000 --> 00:00:02.000]   Hello. [SPEAKER_TURN]\n" + STDOUT.strip()
    transcript = parse_transcript(text.encode())
    assert transcript.segments[0].text == "Hello."
    assert ("speaker_turn_marks", 1) in [(r.kind, r.count) for r in transcript.repairs]


def test_plain_lines_stay_lines_and_paragraphs_become_sentences() -> None:
    paragraph = "Dr. Smith came at 5 p.m. and left. " * 20
    transcript = parse_transcript(f"A short line.\n{paragraph}\n".encode())
    assert transcript.segments[0] == Segment("A short line.")
    assert len(transcript.segments) == 21
    assert transcript.segments[1].text == "Dr. Smith came at 5 p.m. and left."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(encoding: str) -> None:
    assert parse_transcript("Grüße, Welt.".encode(encoding)).segments[0].text == "Grüße, Welt."


def test_speech_that_begins_with_a_bracket_is_no_json() -> None:
    assert parse_transcript(b"[Music]\nHello there.").segments[1].text == "Hello there."
