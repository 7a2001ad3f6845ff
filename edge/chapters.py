"""Chapters: where the subject changes, and what each stretch is about."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.keyphrases import Candidate, Encode, Key
from edge.records import Sentence

FloatArray = npt.NDArray[np.float32]

WORDS_PER_CHAPTER = 900
"""About six minutes of speech: the median length of human podcast chapters is near it."""
MIN_CHAPTER_WORDS = 250
WINDOW_WORDS = 300
"""Speech compared on either side of a possible boundary."""
CUE_BONUS = 0.3
"""Added to the dissimilarity where the words announce a new subject."""
MAX_TITLE_WORDS = 6
N_TITLE_CANDIDATES = 12
MIN_SECOND_PHRASE = 0.6
"""A second phrase joins the title if it scores this share of the first."""
_ROOT_LETTERS = 5

_OPENING = (
    r"^(?:(?:okay|ok|all right|alright|right|yeah|yes|cool|great|so|well|and|now|but)[,.]?\s+)*"
)
_CUE = re.compile(
    _OPENING
    + r"(?:let['’]s|let us|moving on|next|our next|another|i(?:['’]d| would) (?:love|like) to"
    r"|i want(?:ed)? to|can you|could you|(?:what|how) about|tell (?:me|us)|speaking of"
    r"|(?:my|the) (?:next|last|final|first|other) (?:question|topic|thing)|before we|finally)\b",
    re.I,
)
_WEAK_CUE = re.compile(r"(?:okay|ok|all right|alright|cool|great|awesome|perfect|now)\b", re.I)


def chapter_count(n_words: int) -> int:
    """How many chapters a listener would expect.

    :param n_words: Words in the episode.
    """
    return max(1, round(n_words / WORDS_PER_CHAPTER))


def find_boundaries(sentences: Sequence[Sentence], vectors: FloatArray) -> list[int]:
    """Sentence indices at which the chapters after the first begin.

    The speech before and after each sentence is compared (cosine of centred, word-weighted
    means over 300 words a side, as in TextTiling); the deepest changes win, at least 250
    words apart. Time and memory grow linearly with the episode.

    :param sentences: The whole episode.
    :param vectors: Their vectors, shape (sentences, dimension).
    """
    lengths = np.array([sentence.n_words for sentence in sentences])
    offsets = np.concatenate([[0], np.cumsum(lengths)])  # words before each sentence
    total = int(offsets[-1])
    n_boundaries = chapter_count(total) - 1
    changes = _changes(sentences, vectors, offsets)
    chosen: list[int] = []
    for i in np.argsort(-changes, kind="stable"):
        if len(chosen) == n_boundaries or not np.isfinite(changes[i]):
            break
        at = offsets[i]
        far = all(abs(at - offsets[j]) >= MIN_CHAPTER_WORDS for j in chosen)
        if far and MIN_CHAPTER_WORDS <= at <= total - MIN_CHAPTER_WORDS / 2:
            chosen.append(int(i))
    return sorted(chosen)


def _changes(
    sentences: Sequence[Sentence], vectors: FloatArray, offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """How much the subject changes before each sentence; -inf where no chapter may begin."""
    weights = np.sqrt(np.diff(offsets))[:, None]
    weighted = (vectors - vectors.mean(axis=0)) * weights
    sums = np.concatenate([np.zeros((1, weighted.shape[1])), np.cumsum(weighted, axis=0)])
    changes = np.full(len(sentences), -np.inf)
    for i in range(1, len(sentences)):
        if sentences[i].first_segment == sentences[i - 1].last_segment:
            continue  # chapters tile segments, so one cannot begin inside a segment
        first = int(np.searchsorted(offsets, offsets[i] - WINDOW_WORDS))
        last = int(np.searchsorted(offsets, offsets[i] + WINDOW_WORDS))
        before = sums[i] - sums[min(first, i - 1)]
        after = sums[min(max(last, i + 1), len(sentences))] - sums[i]
        norm = float(np.linalg.norm(before) * np.linalg.norm(after))
        changes[i] = 1.0 - float(before @ after) / max(norm, 1e-9) + _cue(sentences[i].text)
    return changes


def _cue(text: str) -> float:
    if _CUE.match(text):
        return CUE_BONUS
    return CUE_BONUS / 2 if _WEAK_CUE.match(text) else 0.0


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
