"""Chapter titles: what each stretch of the episode is about, in its own words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.keyphrases import Candidate, Encode, Key

FloatArray = npt.NDArray[np.float32]

MAX_TITLE_WORDS = 6
N_TITLE_CANDIDATES = 12
MIN_SECOND_PHRASE = 0.6
"""A second phrase joins the title if it scores this share of the first."""
_ROOT_LETTERS = 5


def title_chapters(
    spans: Sequence[tuple[int, int]],
    candidates: dict[Key, Candidate],
    vectors: FloatArray,
    encode: Encode,
) -> list[str]:
    """A distinct title for each chapter, of phrases said in it more than elsewhere.

    :param spans: First and one-past-last sentence of each chapter.
    :param candidates: Phrases of the episode, as ``find_candidates`` gives them.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param encode: Texts to unit vectors.
    """
    local = _local_counts(spans, candidates)
    shortlists = [_shortlist(counts, local, candidates) for counts in local]
    keys = sorted({key for shortlist in shortlists for key, _ in shortlist})
    embedded = dict(zip(keys, encode([candidates[key].text for key in keys]), strict=True))
    mean = vectors.mean(axis=0)
    titles: list[str] = []
    used: set[str] = set()
    for (first, last), shortlist in zip(spans, shortlists, strict=True):
        centre = vectors[first:last].mean(axis=0)
        own = centre + (centre - mean)  # what it is about, and what only it is about
        own /= max(float(np.linalg.norm(own)), 1e-12)
        scored = [(score * max(float(embedded[key] @ own), 0.02), key) for key, score in shortlist]
        phrases = _distinct(sorted(scored, reverse=True), used)
        titles.append(_join_title([candidates[key].text for key in phrases]))
        used.update(word for key in phrases for word in key)
    return titles


def _local_counts(
    spans: Sequence[tuple[int, int]], candidates: dict[Key, Candidate]
) -> list[Counter[Key]]:
    counts: list[Counter[Key]] = [Counter() for _ in spans]
    ends = [last for _, last in spans]
    for key, candidate in candidates.items():
        for sentence, _ in candidate.mentions:
            counts[int(np.searchsorted(ends, sentence, side="right"))][key] += 1
    return counts


def _shortlist(
    counts: Counter[Key], local: list[Counter[Key]], candidates: dict[Key, Candidate]
) -> list[tuple[Key, float]]:
    scored = []
    for key, count in counts.items():
        candidate = candidates[key]
        if not candidate.can_stand_alone or (count < 2 and not candidate.is_name):
            continue
        n_chapters = sum(1 for other in local if key in other)
        idf = math.log((1 + len(local)) / n_chapters) + 0.3
        share = count / len(candidate.mentions)
        length = 0.7 if len(key) == 1 else 1.1
        scored.append((key, math.log1p(count) * idf * (0.5 + share) * length))
    scored.sort(key=lambda item: (-item[1], item[0]))
    return scored[:N_TITLE_CANDIDATES]


def _distinct(scored: list[tuple[float, Key]], used: set[str]) -> list[Key]:
    """The best phrase with words no chapter has used, and a second of other roots."""
    fresh = [(score, key) for score, key in scored if not set(key) <= used] or scored
    chosen: list[Key] = []
    for score, key in fresh:
        if chosen and score < MIN_SECOND_PHRASE * fresh[0][0]:
            break
        apart = not any(_roots(key) & _roots(other) for other in chosen)
        if apart and sum(map(len, [*chosen, key])) <= MAX_TITLE_WORDS:
            chosen.append(key)
        if len(chosen) == 2:
            break
    return chosen


def _roots(key: Key) -> set[str]:
    return {word.lower()[:_ROOT_LETTERS] for word in key}


def _join_title(phrases: list[str]) -> str:
    title = " and ".join(phrases)
    return title[:1].upper() + title[1:]
