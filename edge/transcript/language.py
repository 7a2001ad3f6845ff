"""Whether a text looks like the English speech the models know.

Each limit lies outside everything seen in 218 podcasts and 162 meetings, and outside all but one
in a hundred of 1,985 single podcast chapters (docs/quality.md); a recipe, a log file, a song or
another language crosses at least one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from edge.english.words import FUNCTION_WORDS, words
from edge.records import DomainWarning, Transcript

MIN_WORDS = 40
"""Below this, shares say nothing."""
MIN_LATIN_SHARE = 0.8
MIN_ENGLISH_SHARE = 0.2
MIN_SPOKEN_SHARE = 0.46
MAX_DIGIT_SHARE = 0.1
MAX_REPEATED_SHARE = 0.15
MIN_VERSE_LINES = 8
VERSE_CAPITAL_SHARE = 0.8
VERSE_ENDED_SHARE = 0.3
VERSE_WORDS = 10
_MIN_LINE_WORDS = 3
_DIGIT = re.compile(r"\d")


def find_warnings(transcript: Transcript) -> tuple[DomainWarning, ...]:
    """What speaks against trusting the models with this transcript; empty for speech.

    :param transcript: A repaired transcript.
    """
    declared = (transcript.language or "en").lower()
    if not declared.startswith("en"):
        detail = f"its language is {declared!r}; the models and word lists know English"
        return (DomainWarning("not_english", detail),)
    lines = [segment.text for segment in transcript.segments if segment.text.strip()]
    counts: Counter[str] = Counter()
    repeats: Counter[int] = Counter()
    for line in lines:
        lowered = tuple(map(str.lower, words(line)))
        counts.update(_count(line, lowered))
        if len(lowered) >= _MIN_LINE_WORDS:
            # By their hashes: the lines themselves would be the whole transcript once more.
            repeats[hash(lowered)] += 1
    found = (_language(counts), _figures(counts), _repetition(repeats), _verse(lines))
    return tuple(warning for warning in found if warning is not None)


def _count(line: str, lowered: Sequence[str]) -> dict[str, int]:
    """How many tokens, letters and words a line has, and of which kinds."""
    tokens = line.split()
    n_letters = sum(map(str.isalpha, line))
    ascii_only = line if line.isascii() else line.encode("ascii", "ignore").decode()
    return {
        "tokens": len(tokens),
        "figures": sum(map(bool, map(_DIGIT.search, tokens))) if _DIGIT.search(line) else 0,
        "letters": n_letters,
        "latin": n_letters if ascii_only is line else sum(map(str.isalpha, ascii_only)),
        "words": len(lowered),
        "small": sum(word.replace("’", "'") in FUNCTION_WORDS for word in lowered),
    }


def _language(counts: Counter[str]) -> DomainWarning | None:
    latin = counts["latin"] / max(1, counts["letters"])
    if counts["letters"] and latin < MIN_LATIN_SHARE:
        return DomainWarning(
            "not_english", f"only {latin:.0%} of its letters are English; the models know English"
        )
    if counts["words"] < MIN_WORDS:
        return None
    share = counts["small"] / counts["words"]
    if share < MIN_ENGLISH_SHARE:
        return DomainWarning(
            "not_english",
            f"only {share:.0%} of its words are the small words of English (speech: 60 %)",
        )
    if share < MIN_SPOKEN_SHARE:
        return DomainWarning(
            "not_speech",
            f"{share:.0%} of its words are small words such as 'the' and 'you'; speech has "
            f"{MIN_SPOKEN_SHARE:.0%} or more, so it may be notes, a recipe or an article",
        )
    return None


def _figures(counts: Counter[str]) -> DomainWarning | None:
    share = counts["figures"] / max(1, counts["tokens"])
    if counts["tokens"] < MIN_WORDS or share <= MAX_DIGIT_SHARE:
        return None
    return DomainWarning(
        "figures",
        f"{share:.0%} of its words hold digits (speech: at most {MAX_DIGIT_SHARE:.0%}), "
        "so it may be a log or a table",
    )


def _repetition(repeats: Counter[int]) -> DomainWarning | None:
    """Lines of several words that come more than once, as their counts tell."""
    n_lines = repeats.total()
    repeated = sum(n for n in repeats.values() if n > 1) / max(1, n_lines)
    if n_lines < MIN_VERSE_LINES or repeated <= MAX_REPEATED_SHARE:
        return None
    return DomainWarning(
        "repetition",
        f"{repeated:.0%} of its lines come more than once (speech: at most "
        f"{MAX_REPEATED_SHARE:.0%}), as in a song or where a recogniser was stuck",
    )


def _verse(lines: list[str]) -> DomainWarning | None:
    """Short lines that all begin with a capital and do not end like sentences."""
    if len(lines) < MIN_VERSE_LINES:
        return None
    capitals = sum(line.strip()[0].isupper() for line in lines) / len(lines)
    ended = sum(line.rstrip("\"')”’ ").endswith((".", "?", "!")) for line in lines) / len(lines)
    length = sum(len(line.split()) for line in lines) / len(lines)
    if capitals < VERSE_CAPITAL_SHARE or ended > VERSE_ENDED_SHARE or length > VERSE_WORDS:
        return None
    return DomainWarning(
        "verse", "its lines are short and begin with capitals, as in a song, a poem or a list"
    )
