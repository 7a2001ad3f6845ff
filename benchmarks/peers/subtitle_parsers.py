"""What subtitle and charset libraries make of the defects recognisers write.

In an environment of its own: ``pip install srt webvtt-py pysubs2 charset-normalizer``, then
``python -m benchmarks.peers.subtitle_parsers``. Prints, for each defect, the words each one
keeps of those that were spoken. docs/adr/0003-cue-scanner.md holds the table.
"""

import contextlib
import io
import re

from edge.transcript import parse_transcript

SRT = """1
00:00:00,000 --> 00:00:02,000
alpha beta

2
00:00:02,000 --> 00:00:04,000
gamma delta
"""
VTT = """WEBVTT

00:00:00.000 --> 00:00:02.000
alpha beta

00:00:02.000 --> 00:00:04.000
gamma delta
"""
SPOKEN = {"alpha", "beta", "gamma", "delta"}
SRT_DEFECTS = {
    "intact": SRT,
    "no blank lines": SRT.replace("\n\n", "\n"),
    "no indices": re.sub(r"^\d\n", "", SRT, flags=re.M),
    "blank line inside a cue": SRT.replace("alpha beta", "alpha\n\nbeta"),
    "text before the first cue": "alpha\n" + SRT.replace("alpha ", ""),
    "times run backwards": SRT.replace("00:00:02,000 --> 00:00:04", "00:00:01,000 --> 00:00:00"),
    "negative time": SRT.replace("00:00:00,000", "-00:00:01,000"),
    "no milliseconds": SRT.replace(",000", ""),
    "hours over 99": SRT.replace("00:00:02", "100:00:02"),
    "cut in the middle of a time": SRT + "\n3\n00:00:0",
}
VTT_DEFECTS = {
    "intact": VTT,
    "no blank lines": VTT.replace("\n\n00:00:02", "\n00:00:02"),
    "text on the timing line": VTT.replace("02.000\nalpha", "02.000 alpha"),
    "end before start": VTT.replace("00:00:02.000 --> 00:00:04", "00:00:02.000 --> 00:00:01"),
    "comma milliseconds": VTT.replace(".", ","),
    "no header": VTT.removeprefix("WEBVTT\n\n"),
    "hours over 99": VTT.replace("00:00:02", "100:00:02"),
}


def main() -> None:
    """Print both tables and the charset guesses."""
    import pysubs2
    import srt
    import webvtt
    from charset_normalizer import from_bytes

    def edge(text: str) -> str:
        return " ".join(segment.text for segment in parse_transcript(text.encode()).segments)

    parsers = {
        "edge": edge,
        "srt": lambda t: " ".join(cue.content for cue in srt.parse(t, ignore_errors=True)),
        "pysubs2": lambda t: " ".join(event.plaintext for event in pysubs2.SSAFile.from_string(t)),
        "webvtt-py": lambda t: " ".join(c.text for c in webvtt.from_buffer(io.StringIO(t))),
    }
    for title, defects, names in (
        ("SRT", SRT_DEFECTS, ("edge", "srt", "pysubs2")),
        ("WebVTT", VTT_DEFECTS, ("edge", "webvtt-py", "pysubs2")),
    ):
        print(f"| {title}: words kept of 4 | {' | '.join(names)} |")
        print(f"|---|{'---|' * len(names)}")
        for defect, text in defects.items():
            cells = []
            for name in names:
                cell = "error"
                with contextlib.suppress(Exception):
                    found = parsers[name](text).split()
                    kept, extra = SPOKEN & set(found), set(found) - SPOKEN
                    cell = f"{len(kept)}" + (f", adds {' '.join(sorted(extra))}" if extra else "")
                cells.append(cell)
            print(f"| {defect} | {' | '.join(cells)} |")
    broken = "Grüße an alle. ".encode() * 20 + b"\xe4\xb8"
    print("charset-normalizer on UTF-8 with one character cut in half:", end=" ")
    print(getattr(from_bytes(broken).best(), "encoding", None))


if __name__ == "__main__":
    main()
