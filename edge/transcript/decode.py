"""Bytes to clean text, counting what had to be mended."""

from __future__ import annotations

import codecs
import re
from collections import Counter

from edge.errors import TranscriptError

_BOMS = (  # longest first: the UTF-32 mark begins with the UTF-16 one
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\))")
_LINE_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufeff]")
_LOST = "�"


def bytes_to_text(raw: bytes) -> tuple[str, Counter[str]]:
    r"""Decode a transcript file and strip what is not text.

    :param raw: The whole file.
    :return: Text whose only line break is ``\\n``, and repairs as kind -> count.
    :raises TranscriptError: If the bytes are empty or no text (audio, an archive).
    """
    repairs: Counter[str] = Counter()
    text = _decode(raw, repairs)
    text, repairs["ansi_codes"] = _ANSI.subn("", text)
    text = _LINE_BREAKS.sub("\n", text)
    text, n_control = _CONTROL.subn("", text)
    if n_control > max(16, len(text) // 10):
        raise TranscriptError(
            f"this is not text: {n_control} control characters in {len(raw)} bytes",
            "Give a transcript (txt, srt, vtt, json, csv, tsv, lrc, html). "
            "Audio has to be transcribed first, with whisper.cpp for example.",
        )
    repairs["control_characters"] = n_control
    if not text.strip():
        raise TranscriptError(
            f"the transcript is empty ({len(raw)} bytes)",
            "Give a file or standard input with at least one line of text.",
        )
    return text, +repairs


def _decode(raw: bytes, repairs: Counter[str]) -> str:
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            text = raw.decode(encoding, errors="replace")
            repairs["invalid_utf8"] = text.count(_LOST)
            return text
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
    # A damaged UTF-8 file still has whole multi-byte characters beside the broken ones
    # (whisper.cpp cuts a character in half now and then); an old 8-bit file has none.
    lost = text.count(_LOST)
    whole = sum(1 for character in text if character > "\x7f") - lost
    if whole or any(byte in raw for byte in b"\x81\x8d\x8f\x90\x9d\x00"):
        repairs["invalid_utf8"] = lost
        return text
    repairs["decoded_as_cp1252"] = lost
    return raw.decode("cp1252")
