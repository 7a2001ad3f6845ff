"""What is said around the episode rather than in it: adverts, housekeeping, cold opens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby

from edge.english.words import phrases, words
from edge.records import Excluded, Sentence

ADVERT = "advert"
COLD_OPEN = "cold_open"

_ADVERT_CUES = phrases(
    r"sponsor(?:s|ed|ing)? (?:of|by|this|for)",
    r"(?:today|episode|show)['’]?s sponsors?",
    r"brought to you by",
    r"support(?:ed)? (?:for )?(?:this|the|our) (?:show|podcast|episode)",
    r"(?:promo|coupon|discount) code|use (?:the )?code|percent off|free trial",
    r"(?:five|5)[- ]star|rate and review|leave (?:us )?a review",
    r"wherever you (?:get|listen)|you['’]re listening to|thanks? (?:again )?for listening",
    r"subscribe (?:to|on|at|wherever|now)|follow (?:us|me) on",
    r"enter (?:the )?(?:contest|drawing|raffle)",
    r"(?:links?|notes?) (?:is |are )?in the (?:description|bio|notes)",
)
_NOTICE_CUES = phrases(
    r"sign up (?:at|for|on|to)|subscribe\b|newsletter|patreon|show notes",
    r"dot com slash|[a-z0-9-]+\.(?:com|ai|io|org|net)(?: slash|/)",
    r"enjoy(?:ed|ing)? (?:this |the |these )?(?:episode|show|podcast|interviews?|it\b)",
    r"welcome (?:back )?to (?:the|this|another|our) (?:show|podcast|episode|edition)",
    r"check (?:it|us|them|that) out|regular listener|give ?away",
    r"before we (?:get started|dive in|begin)",
    r"contest|drawing will|raffle|ticket to",
    r"next (?:week|time|episode)['’]?s? (?:show|episode)",
)
"""Said in adverts and of the show itself, but also of other things: no advert by themselves."""
_BREAK_START = phrases(
    r"take a (?:quick )?(?:moment|minute|second) to (?:tell|talk|mention|thank)",
    r"(?:quick|short|brief) (?:break|word|message|note) (?:from|before|about)",
    r"(?:word|message) from (?:our|the|today['’]s) sponsors?|take a (?:quick|short) break",
    r"that['’]?s (?:it|all) for (?:today|this)|before (?:we|i|you) go,",
)
_BREAK_END = phrases(
    r"(?:back|on|onto|over) to (?:the|our|today['’]s) (?:episode|show|interview|conversation)",
    r"onto the (?:episode|show|interview|conversation)",
)
_MAX_GAP = 4
"""Sentences between two cues that belong to the same advert."""
EDGE_SHARE = 0.08
"""In this first and last part of the words a show speaks of itself."""
_MAX_BREAK = 40
"""Longest advert break, in sentences, between its announcement and the way back."""
COLD_OPEN_SHARE = 0.05
"""A cold open lies in this first part of the words."""
_SHINGLE = 5
_MIN_SHARED = 0.5
"""Share of a sentence's five-word shingles said again later."""
_MIN_COLD_OPEN_WORDS = 8


def find_boilerplate(sentences: Sequence[Sentence]) -> list[str | None]:
    """For each sentence, why it is kept out of the digest, or None.

    :param sentences: The whole episode.
    """
    adverts = _adverts(sentences)
    cold_open = _cold_open(sentences)
    return [
        COLD_OPEN if cold else ADVERT if advert else None
        for cold, advert in zip(cold_open, adverts, strict=True)
    ]


def _adverts(sentences: Sequence[Sentence]) -> list[bool]:
    """Announced breaks, runs of close cues, and notices at either end of the episode."""
    flags = _breaks(sentences)
    is_advert = [
        flags[i] or any(cue.search(s.text) for cue in (_ADVERT_CUES, _BREAK_START, _BREAK_END))
        for i, s in enumerate(sentences)
    ]
    is_cue = [a or _NOTICE_CUES.search(s.text) for a, s in zip(is_advert, sentences, strict=True)]
    before = list(accumulate((s.n_words for s in sentences), initial=0))
    for run in _runs([i for i, cue in enumerate(is_cue) if cue]):
        if any(is_advert[i] for i in run):
            flags[run[0] : run[-1] + 1] = [True] * (run[-1] + 1 - run[0])
            continue
        for i in run:
            share = before[i] / before[-1]
            flags[i] = share < EDGE_SHARE or share >= 1 - EDGE_SHARE
    return flags


def _breaks(sentences: Sequence[Sentence]) -> list[bool]:
    """From each announcement of a break to the way back."""
    flags = [False] * len(sentences)
    start: int | None = None
    for i, sentence in enumerate(sentences):
        if _BREAK_START.search(sentence.text):
            start = i
        if _BREAK_END.search(sentence.text):
            if start is not None and i - start <= _MAX_BREAK:
                flags[start : i + 1] = [True] * (i + 1 - start)
            start = None
    return flags


def _runs(indices: Sequence[int]) -> list[list[int]]:
    """Indices that follow each other closely."""
    runs: list[list[int]] = []
    for i in indices:
        if runs and i - runs[-1][-1] <= _MAX_GAP:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _cold_open(sentences: Sequence[Sentence]) -> list[bool]:
    """Opening sentences that are said again later: a teaser cut from the episode."""
    flags = [False] * len(sentences)
    total = sum(s.n_words for s in sentences)
    opening: list[int] = []
    seen = 0
    for i, sentence in enumerate(sentences):
        seen += sentence.n_words
        if seen > max(COLD_OPEN_SHARE * total, 60):
            break
        opening.append(i)
    if not opening or len(opening) == len(sentences):
        return flags
    of_opening = {shingle for i in opening for shingle in _shingles(sentences[i].text)}
    again: set[tuple[str, ...]] = set()
    for sentence in sentences[opening[-1] + 1 :]:
        again |= of_opening.intersection(_shingles(sentence.text))
    for i in opening:
        shingles = _shingles(sentences[i].text)
        if shingles and sum(s in again for s in shingles) >= _MIN_SHARED * len(shingles):
            flags[i] = sentences[i].n_words >= _MIN_COLD_OPEN_WORDS
    last = max((i for i in opening if flags[i]), default=-1)
    first = next((i for i in opening if flags[i]), 0)
    if first <= 2:  # short sentences between the repeated ones belong to the same cut
        flags[: last + 1] = [True] * (last + 1)
    return flags


def _shingles(text: str) -> list[tuple[str, ...]]:
    lowered = [word.lower() for word in words(text)]
    return [tuple(lowered[i : i + _SHINGLE]) for i in range(len(lowered) - _SHINGLE + 1)]


def to_excluded(sentences: Sequence[Sentence], reasons: Sequence[str | None]) -> list[Excluded]:
    """Runs of excluded sentences, as the coverage report lists them.

    :param sentences: The whole episode.
    :param reasons: As ``find_boilerplate`` gives them.
    """
    excluded = []
    for reason, group in groupby(zip(reasons, sentences, strict=True), key=lambda pair: pair[0]):
        run = [sentence for _, sentence in group]
        if reason is not None:
            excluded.append(
                Excluded(
                    kind=reason,
                    first_segment=run[0].first_segment,
                    last_segment=run[-1].last_segment,
                    start_s=run[0].start_s,
                    end_s=run[-1].end_s,
                    n_words=sum(sentence.n_words for sentence in run),
                )
            )
    return excluded
