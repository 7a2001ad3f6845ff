"""Where the subject changes: features of every place between two sentences, judged by a head.

Two heads: ``opening`` reads the vectors of the sentence before and after a place (does this
sound like the start of something?); ``boundary``, boosted trees, weighs that beside how much
the vocabulary and the meaning change there. docs/adr/0006-heads.md tells how they were chosen.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.words import FILLERS, content_stems, phrases, words
from edge.extraction.features import (
    bounds,
    depth,
    hashed_stems,
    likeness,
    ranks,
    running_sums,
    shifted,
    speaker_run_words,
    word_offsets,
)
from edge.records import Sentence
from edge.runtime.heads import Head

MEANING_WINDOWS = (50, 120, 300, 700)
VOCABULARY_WINDOWS = (120, 300)
NEW_WORD_WINDOWS = (60, 200)
NEAR_WORDS = 40
"""Words on either side of a place in which a question or a cue tells of it."""
OPENING_WINDOWS = (40, 150, 400)
MAX_QUESTION_WORDS = 1000
"""Words to the last or next question, at the most."""
STEM_COLUMNS = 256
MIN_CHAPTER_WORDS = 120
MIN_EDGE_WORDS = 60
"""No chapter begins this near the episode's start or end."""
WORDS_PER_CHAPTER = 800
"""Words of a usual chapter, to turn a sum of probabilities into a density."""
THRESHOLD = 0.36
"""Least smoothed probability of a boundary where chapters are as dense as usual."""
PEAK_WORDS = 80
"""A chapter begins at the likeliest place among those this near."""
SMOOTHING_WORDS = 120
"""Probabilities this near add to each other, less the farther: another transcription puts the
same words into other sentences, and the head's belief with them."""
NO_OPENING = -3.0

_OPENING = (
    r"^(?:(?:okay|ok|all right|alright|right|yeah|yes|cool|great|so|well|and|now|but|um|uh)"
    r"[,.]?\s+)*"
)
_CUES = {
    "cue_open": re.compile(
        _OPENING
        + r"(?:let['’]s|let us|moving on|next|our next|another|i(?:['’]d| would) (?:love|like) to"
        r"|i want(?:ed)? to|can you|could you|(?:what|how) about|tell (?:me|us)|speaking of"
        r"|(?:my|the) (?:next|last|final|first|other|second|third) (?:question|topic|thing|one"
        r"|item)|before we|finally)\b",
        re.I,
    ),
    "cue_weak": re.compile(
        r"^(?:okay|ok|all right|alright|cool|great|awesome|perfect|now|so|right|well)\b", re.I
    ),
    "cue_close": phrases(
        r"(?:thank you|thanks|makes sense|sounds good|that['’]s (?:it|all)|exactly|great|cool"
        r"|awesome|perfect|good (?:point|question)|any (?:other )?(?:questions|thoughts|comments)"
        r"|anything (?:else|to add)|move on|wrap up|next)\b"
    ),
    "cue_order": phrases(r"(?:next|last|final|first|second|third|another|new)\b"),
    "cue_topic": phrases(
        r"(?:question|topic|item|section|issue|talk about|discuss|agenda|presentation|subject"
        r"|chapter|segment|part)\b"
    ),
}


def may_begin(sentences: Sequence[Sentence]) -> npt.NDArray[np.bool_]:
    """Where a chapter may begin: chapters tile segments, so one place a segment.

    A sentence that begins where the one before it ends, in the same segment, may begin a chapter:
    the chapter's first segment then holds the last words of the one before.

    :param sentences: The whole episode.
    """
    firsts = np.array([sentence.first_segment for sentence in sentences])
    return np.concatenate([[False], firsts[1:] != firsts[:-1]]).astype(bool)


def opening_features(vectors: Float32Array) -> dict[str, npt.NDArray[np.floating]]:
    """What the ``opening`` head reads.

    :param vectors: Sentence vectors, shape (sentences, dimension).
    """
    before = np.concatenate([np.zeros_like(vectors[:1]), vectors[:-1]])
    return {"vector_before": before, "vector": vectors}


def with_opening(
    features: Mapping[str, Float64Array], opening: Float64Array, sentences: Sequence[Sentence]
) -> dict[str, Float64Array]:
    """Boundary features and what the ``opening`` head said around each place.

    :param features: As ``boundary_features`` gives them.
    :param opening: The head's scores.
    :param sentences: The whole episode.
    """
    around = {f"opening{by:+d}": shifted(opening, by, NO_OPENING) for by in (-2, -1, 0, 1, 2)}
    for reach in (4, 10):
        near = [shifted(opening, by, -np.inf) for by in range(-reach, reach + 1)]
        around[f"opening_below_{reach}"] = np.max(near, axis=0) - opening
    offsets = word_offsets(sentences)
    for window in OPENING_WINDOWS:
        before, after = _highest(opening, offsets, window)
        around[f"opening_before_{window}"] = before - opening
        around[f"opening_after_{window}"] = after - opening
    around["opening_relative"] = (opening - opening.mean()) / max(float(opening.std()), 1e-9)
    return {**features, **around}


def _highest(
    values: Float64Array, offsets: Int64Array, window: int
) -> tuple[Float64Array, Float64Array]:
    """Highest value in the window before and from each sentence on."""
    first, last = bounds(offsets, window)
    before = [values[a : i or 1].max() for i, a in enumerate(first)]
    after = [values[i:b].max() for i, b in enumerate(last)]
    return np.array(before), np.array(after)


def boundary_features(
    sentences: Sequence[Sentence], vectors: Float32Array
) -> dict[str, Float64Array]:
    """Features of the place before each sentence.

    :param sentences: The whole episode.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :return: Feature name -> shape (sentences,).
    """
    return {**_meaning(vectors, word_offsets(sentences)), **text_features(sentences)}


def text_features(sentences: Sequence[Sentence]) -> dict[str, Float64Array]:
    """The boundary features that need no vectors.

    :param sentences: The whole episode.
    :return: Feature name -> shape (sentences,).
    """
    offsets = word_offsets(sentences)
    return {
        **_vocabulary(sentences, offsets),
        **_wording(sentences, offsets),
        **_place(sentences, offsets),
        **_speakers(sentences, offsets),
    }


def _meaning(vectors: Float32Array, offsets: Int64Array) -> dict[str, Float64Array]:
    # Sums of the centred vectors only: for a long part, each copy counts.
    sums = running_sums((vectors - vectors.mean(axis=0)) * np.sqrt(np.diff(offsets))[:, None])
    features = {}
    for window in MEANING_WINDOWS:
        cosine = likeness(sums, offsets, window)
        features[f"meaning_{window}"] = cosine
        features[f"meaning_depth_{window}"] = depth(cosine, offsets, window)
        features[f"meaning_rank_{window}"] = ranks(cosine)
    adjacent = np.zeros(len(vectors))
    adjacent[1:] = (vectors[1:] * vectors[:-1]).sum(axis=1)
    mean = vectors.mean(axis=0)
    central = (vectors @ (mean / max(float(np.linalg.norm(mean)), 1e-9))).astype(np.float64)
    return {
        **features,
        "meaning_adjacent": adjacent,
        "central": central,
        "central-1": shifted(central, -1),
    }


def _vocabulary(sentences: Sequence[Sentence], offsets: Int64Array) -> dict[str, Float64Array]:
    stems = [content_stems(sentence.text) for sentence in sentences]
    sums = running_sums(hashed_stems(stems, STEM_COLUMNS))
    features = {}
    for window in VOCABULARY_WINDOWS:
        cosine = likeness(sums, offsets, window)
        features[f"vocabulary_{window}"] = cosine
        features[f"vocabulary_depth_{window}"] = depth(cosine, offsets, window)
    spread = Counter(stem for own in stems for stem in set(own))
    first, last = np.zeros(len(stems)), np.zeros(len(stems))
    places: dict[str, tuple[int, int]] = {}
    for i, own in enumerate(stems):
        for stem in own:
            places[stem] = (places.get(stem, (i, i))[0], i)
    for stem, (begin, end) in places.items():
        if spread[stem] > 1:
            first[begin] += 1
            last[end] += 1
    for window in NEW_WORD_WINDOWS:
        new_before, new_after = _rates(first, offsets, window)
        old_before, old_after = _rates(last, offsets, window)
        features[f"new_words_{window}"] = new_after
        features[f"new_words_gain_{window}"] = new_after - new_before
        features[f"old_words_loss_{window}"] = old_before - old_after
    return features


def _rates(
    counts: Float64Array, offsets: Int64Array, window: int
) -> tuple[Float64Array, Float64Array]:
    """Counts per word in the window before and from each sentence on."""
    sums = running_sums(counts)
    here = np.arange(len(counts))
    first, last = bounds(offsets, window)
    before = (sums[here] - sums[first]) / np.maximum(offsets[here] - offsets[first], 1)
    after = (sums[last] - sums[here]) / np.maximum(offsets[last] - offsets[here], 1)
    return before, after


def _wording(sentences: Sequence[Sentence], offsets: Int64Array) -> dict[str, Float64Array]:
    texts = [sentence.text for sentence in sentences]
    measures: dict[str, Float64Array] = {
        name: np.array([pattern.search(text) is not None for text in texts], float)
        for name, pattern in _CUES.items()
    }
    measures["question"] = np.array([sentence.is_question for sentence in sentences], float)
    measures["length"] = np.log1p([sentence.n_words for sentence in sentences])
    features = {
        f"{name}{by:+d}": shifted(values, by)
        for name, values in measures.items()
        for by in (-1, 0, 1, 2)
    }
    features["question-2"] = shifted(measures["question"], -2)
    features["length-2"] = shifted(measures["length"], -2)
    for name in (*_CUES, "question"):
        before, after = _rates(measures[name], offsets, NEAR_WORDS)
        features[f"{name}_before"] = (before > 0).astype(float)
        features[f"{name}_after"] = (after > 0).astype(float)
    return {**features, **_questions(measures["question"], offsets)}


def _questions(question: Float64Array, offsets: Int64Array) -> dict[str, Float64Array]:
    """How far the last and the next question are, and how often something is asked."""
    n = len(question)
    asked = np.flatnonzero(question)
    ends = np.concatenate([[-MAX_QUESTION_WORDS], offsets[asked + 1]])
    starts = np.concatenate([offsets[asked], [offsets[-1] + MAX_QUESTION_WORDS]])
    since = offsets[:n] - ends[np.searchsorted(asked, np.arange(n))]
    until = starts[np.searchsorted(asked, np.arange(n))] - offsets[:n]
    return {
        "words_since_question": np.minimum(since, MAX_QUESTION_WORDS).astype(np.float64),
        "words_until_question": np.minimum(until, MAX_QUESTION_WORDS).astype(np.float64),
        "question_share": np.full(n, float(question.mean())),
    }


def _place(sentences: Sequence[Sentence], offsets: Int64Array) -> dict[str, Float64Array]:
    """Where in the episode, and what kind of talk it is: the same for every sentence."""
    n, total = len(sentences), int(offsets[-1])
    fillers = sum(word.lower() in FILLERS for s in sentences for word in words(s.text))
    return {
        "position": offsets[:n] / total,
        "words_before": np.log1p(offsets[:n]),
        "words_after": np.log1p(total - offsets[:n]),
        "words_total": np.full(n, math.log(total)),
        "words_per_sentence": np.full(n, total / n),
        "filler_share": np.full(n, fillers / total),
    }


def _speakers(sentences: Sequence[Sentence], offsets: Int64Array) -> dict[str, Float64Array]:
    """Who speaks; -1 throughout where the transcript does not say."""
    n = len(sentences)
    names = [sentence.speaker for sentence in sentences]
    n_speakers = len(set(names) - {None})
    features = {"n_speakers": np.full(n, float(n_speakers))}
    if n_speakers < 2:
        silent = ("turn_begins", "words_since_heard", "turn_words", "turn_words-1", "keeps_floor")
        return {**features, **{name: np.full(n, -1.0) for name in silent}}
    heard: dict[str | None, int] = {}
    since, floor = np.zeros(n), np.zeros(n)
    for i in range(n):
        since[i] = min(int(offsets[i]) - heard.get(names[i], -3000), 3000)
        heard[names[i]] = int(offsets[i + 1])
        last = max(int(np.searchsorted(offsets, offsets[i] + 150)), i + 1)
        own = sum(s.n_words for s in sentences[i:last] if s.speaker == names[i])
        floor[i] = own / max(1, int(offsets[min(last, n)] - offsets[i]))
    turn = np.log1p(speaker_run_words(sentences, offsets))
    begins = np.array([0.0] + [float(names[i] != names[i - 1]) for i in range(1, n)])
    return {
        **features,
        "turn_begins": begins,
        "words_since_heard": since,
        "turn_words": turn,
        "turn_words-1": shifted(turn, -1),
        "keeps_floor": floor,
    }


def find_boundaries(
    sentences: Sequence[Sentence],
    vectors: Float32Array,
    heads: Mapping[str, Head],
    text: Mapping[str, Float64Array] | None = None,
) -> list[int]:
    """Sentence indices at which the chapters after the first begin.

    :param sentences: The whole episode.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param heads: ``opening`` and ``boundary``.
    :param text: As ``text_features`` gives them, where they are known.
    :raises InferenceError: If onnxruntime fails.
    """
    if len(sentences) < 2:
        return []
    opening = heads["opening"].predict(opening_features(vectors))
    if text is None:
        text = text_features(sentences)
    measured = {**_meaning(vectors, word_offsets(sentences)), **text}
    features = with_opening(measured, opening, sentences)
    return choose_boundaries(sentences, heads["boundary"].predict(features))


def choose_boundaries(sentences: Sequence[Sentence], probability: Float64Array) -> list[int]:
    """The likeliest places, apart from each other; more of them where the head sees more.

    :param sentences: The whole episode.
    :param probability: Of a boundary before each sentence, shape (sentences,).
    """
    offsets = word_offsets(sentences)
    total = int(offsets[-1])
    possible = np.where(may_begin(sentences), probability, 0.0)
    smooth = _smooth(possible, offsets)
    density = float(possible.sum()) / max(1.0, total / WORDS_PER_CHAPTER)
    chosen: list[int] = []
    for i in np.argsort(-smooth, kind="stable"):
        if smooth[i] < THRESHOLD * math.sqrt(density) or smooth[i] <= 0:
            break
        apart = all(abs(int(offsets[i] - offsets[j])) >= MIN_CHAPTER_WORDS for j in chosen)
        if apart and MIN_EDGE_WORDS <= offsets[i] <= total - MIN_EDGE_WORDS:
            chosen.append(int(i))
    return sorted(chosen)


def _smooth(possible: Float64Array, offsets: Int64Array) -> Float64Array:
    """Sums of the probabilities around each place likelier than those near it; 0 elsewhere."""
    starts = offsets[:-1]
    highest = np.maximum(*_highest(possible, offsets, PEAK_WORDS))
    peaks = (possible > 0) & (possible >= highest)
    first, last = bounds(offsets, SMOOTHING_WORDS)
    smooth = np.zeros(len(possible))
    for i in np.flatnonzero(peaks):
        near = slice(first[i], last[i])
        nearness = 1.0 - np.abs(starts[near] - starts[i]) / SMOOTHING_WORDS
        smooth[i] = possible[near] @ np.maximum(nearness, 0.0)
    return smooth
