"""Each defect of docs/formats.md is mended, counted, and loses no word."""

from __future__ import annotations

import json

import pytest

from edge.errors import TranscriptError
from edge.records import Transcript
from edge.transcript import REPAIR_DETAILS, parse_transcript, read_transcript


def repairs(transcript: Transcript) -> dict[str, int]:
    return {repair.kind: repair.count for repair in transcript.repairs}


def stdout(*cues: tuple[str, str, str]) -> bytes:
    return "\n".join(f"[{a} --> {b}]   {text}" for a, b, text in cues).encode()


def test_invalid_utf8_keeps_the_rest() -> None:
    transcript = parse_transcript("Grüße an alle.\nWelt ".encode() + b"\xe4\xb8\n")
    assert transcript.segments[0].text == "Grüße an alle."
    assert repairs(transcript) == {"invalid_utf8": 1}


def test_old_eight_bit_text_is_windows_1252() -> None:
    transcript = parse_transcript("Ol\xe9! That\x92s caf\xe9.".encode("latin-1"))
    assert transcript.segments[0].text == "Olé! That’s café."
    assert repairs(transcript) == {"decoded_as_cp1252": 3}


def test_nan_infinity_and_words_for_numbers() -> None:
    text = (
        '{"segments": [{"start": NaN, "end": 1.0, "text": "One."},'
        ' {"start": 2.0, "end": Infinity, "text": "Two."},'
        ' {"start": "soon", "end": null, "text": "Three."}]}'
    )
    transcript = parse_transcript(text.encode())
    assert [(s.start_s, s.end_s) for s in transcript.segments] == [
        (None, None),
        (2.0, None),
        (None, None),
    ]
    assert repairs(transcript)["unreadable_times"] == 4


def test_raw_control_characters_in_json() -> None:
    transcript = parse_transcript(b'{"segments": [{"start": 0, "end": 1, "text": "A\tb\x01c."}]}')
    assert transcript.segments[0].text == "A bc."
    assert repairs(transcript) == {"control_characters": 1}


def test_ansi_codes() -> None:
    coloured = b"[00:00:00.000 --> 00:00:01.000]   \x1b[38;5;160mHello\x1b[0m there.\n"
    transcript = parse_transcript(coloured)
    assert transcript.segments[0].text == "Hello there."
    assert repairs(transcript) == {"ansi_codes": 2}


def test_one_bad_time_does_not_move_the_others() -> None:
    transcript = parse_transcript(
        stdout(
            ("00:00:00.000", "00:00:02.000", "One."),
            ("09:00:00.000", "09:00:01.000", "Two."),
            ("00:00:04.000", "00:00:06.000", "Three."),
            ("00:00:03.000", "00:00:07.000", "Four."),
            ("00:00:08.000", "00:00:09.000", "Five."),
        )
    )
    assert [s.start_s for s in transcript.segments] == [0.0, 2.0, 2.0, 3.0, 8.0]
    assert repairs(transcript)["times_backwards"] == 2


def test_overlaps_and_reversed_ends() -> None:
    transcript = parse_transcript(
        stdout(
            ("00:00:00.000", "00:00:05.000", "One."),
            ("00:00:02.000", "00:00:01.000", "Two."),
        )
    )
    assert [(s.start_s, s.end_s) for s in transcript.segments] == [(0.0, 2.0), (2.0, 2.0)]
    assert repairs(transcript) == {"times_backwards": 1, "times_overlapping": 1}


def test_negative_times() -> None:
    document = {"segments": [{"start": -0.5, "end": 1.0, "text": "One."}]}
    transcript = parse_transcript(json.dumps(document).encode())
    assert transcript.segments[0].start_s == 0.0
    assert repairs(transcript) == {"times_negative": 1}


def test_words_without_times_take_the_time_before() -> None:
    words = [
        {"word": "In", "start": 0.5, "end": 0.7},
        {"word": "2024"},
        {"word": "twelve.", "start": 2.0, "end": 2.5},
    ]
    document = {"segments": [{"start": 0.5, "end": 2.5, "text": "In 2024 twelve.", "words": words}]}
    transcript = parse_transcript(json.dumps(document).encode())
    assert [w.start_s for w in transcript.segments[0].words] == [0.5, 0.7, 2.0]
    assert repairs(transcript) == {"word_times_missing": 1}


def test_one_word_segments_become_sentences_with_word_times() -> None:
    words = [
        "So",
        "this",
        "is",
        "one",
        "word",
        "a",
        "cue",
        ".",
        "And",
        "here",
        "comes",
        "the",
        "second",
        "sentence",
        "after",
        "it",
        ".",
    ]
    cues = "".join(
        f"{k + 1}\n00:00:{k:02d},000 --> 00:00:{k + 1:02d},000\n{'' if w == '.' else ' '}{w}\n\n"
        for k, w in enumerate(words)
    )
    transcript = parse_transcript(cues.encode())
    assert [s.text for s in transcript.segments] == [
        "So this is one word a cue.",
        "And here comes the second sentence after it.",
    ]
    assert transcript.segments[1].words[0].start_s == 8.0
    assert repairs(transcript) == {"one_word_segments": len(words) - 2}


def test_repeated_line_loop_is_marked_not_removed() -> None:
    lines = ["I love this model."] * 5 + ["Yeah.", "Yeah.", "Goodbye now."]
    transcript = parse_transcript("\n".join(lines).encode())
    assert len(transcript.segments) == 8
    assert transcript.repeated == {1, 2, 3, 4}
    assert repairs(transcript) == {"repeated_lines": 4}


def test_short_table_row_keeps_its_text() -> None:
    transcript = parse_transcript(b'start,end,text\n0,1000,"One, two."\n1500\nx,y,Three, four.\n')
    assert [s.text for s in transcript.segments] == ["One, two.", "1500", "Three, four."]
    assert repairs(transcript) == {"short_rows": 1, "unreadable_times": 1}


def test_srt_text_that_is_a_number_is_no_index() -> None:
    first = "7\n00:00:00,000 --> 00:00:01,000\nThe answer is\n42\n\n"
    srt = first + "8\n00:00:02,000 --> 00:00:03,000\nYes.\n"
    assert [s.text for s in parse_transcript(srt.encode()).segments] == ["The answer is 42", "Yes."]


def test_srt_without_blank_lines() -> None:
    srt = "1\n00:00:00,000 --> 00:00:01,000\nOne.\n2\n00:00:02,000 --> 00:00:03,000\nTwo.\n"
    assert [s.text for s in parse_transcript(srt.encode()).segments] == ["One.", "Two."]


def test_every_repair_has_words_for_a_person() -> None:
    assert all(detail[0].islower() for detail in REPAIR_DETAILS.values())


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "empty (0 bytes)"),
        (b" \n\t\n", "empty (4 bytes)"),
        (bytes(range(256)) * 40, "not text"),
        (b'{"segments": [{"start": 0, "text": "cut', "this JSON is damaged"),
        (b'{"kind": "chapters", "items": []}', "its keys are ['items', 'kind']"),
        (b'{"segments": [{"start": 1}]}', "none of the 1 segments"),
        (b'{"transcription": "oops"}', "segments are a str"),
        (b"WEBVTT\n\nNOTE nothing here\n", "has no words"),
    ],
)
def test_clear_errors(raw: bytes, part: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        parse_transcript(raw)
    assert part in caught.value.message
    assert caught.value.hint


def test_missing_file(tmp_path) -> None:
    with pytest.raises(TranscriptError, match="No such file"):
        read_transcript(tmp_path / "none.srt")


def test_a_label_without_words_is_counted() -> None:
    raw = b"Ann: Hello there.\nBob:\nAnn: Fine, thanks.\nBob: Good, then.\n"
    transcript = parse_transcript(raw)
    assert [segment.text for segment in transcript.segments][1] == ""
    assert {repair.kind: repair.count for repair in transcript.repairs} == {"empty_segments": 1}
