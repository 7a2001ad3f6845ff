"""A transcript of any length, made from the episode that comes with the program."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from edge.english.words import is_content_word
from edge.transcript.cues import clock_to_s

_LINE = re.compile(r"\[(\S+) --> (\S+)\]\s*(.*)")
_WORD = re.compile(r"[A-Za-z]+")


def episode_path() -> Path:
    """The episode: in an installed wheel inside the package, in a checkout among the seeds."""
    installed = Path(__file__).parent / "episode.txt"
    name = "gradient-dissent_johannes-otterbach_whisper-timed.txt"
    return installed if installed.is_file() else Path(__file__).parents[2] / "seeds" / name


@cache
def _segments() -> tuple[tuple[float, float, str], ...]:
    """(start, end, text) of every line that says something."""
    segments = []
    for line in episode_path().read_text(encoding="utf-8").split("\n"):
        match = _LINE.match(line.strip())
        if match and match[3]:
            segments.append((clock_to_s(match[1]), clock_to_s(match[2]), match[3]))
    return tuple(segments)


def make_transcript(n_words: int) -> str:
    """whisper.cpp output of a number of words, times included; the same text every time.

    Beyond the episode's own length it begins again, with its content words exchanged for one
    another: nothing is said twice, so it has new phrases to find as a longer episode would.

    :param n_words: Of the text; the last line is cut there.
    """
    lines: list[str] = []
    left, offset_s, copy = n_words, 0.0, 0
    while left > 0:
        exchanged = _exchanged(copy)
        for start_s, end_s, text in _segments():
            tokens = text.split()[:left]
            said = " ".join(_exchange(token, exchanged) for token in tokens)
            lines.append(f"[{_clock(offset_s + start_s)} --> {_clock(offset_s + end_s)}]   {said}")
            left -= len(tokens)
            if left == 0:
                break
        offset_s += _segments()[-1][1]
        copy += 1
    return "\n".join(lines) + "\n"


def _exchange(token: str, words: dict[str, str]) -> str:
    return _WORD.sub(lambda match: words.get(match[0], match[0]), token)


def _exchanged(copy: int) -> dict[str, str]:
    """Content word -> the one that stands in its place in a further copy of the episode."""
    if copy == 0:
        return {}
    words = sorted(
        {
            word
            for _, _, text in _segments()
            for word in _WORD.findall(text)
            if word.islower() and is_content_word(word)
        }
    )
    others = list(words)
    random.Random(copy).shuffle(others)
    return dict(zip(words, others, strict=True))


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
