"""What tells whether the subject changes: features of every place between two sentences."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.analysis import AnalysedSentence
from edge.english.words import phrases
from edge.extraction.features import (
    depth,
    hashed_stems,
    highest,
    likeness,
    ranks,
    rates,
    running_sums,
    shifted,
    speaker_run_words,
    word_offsets,
)
from edge.records import Sentence

MEANING_WINDOWS = (50, 120, 300, 700)
VOCABULARY_WINDOWS = (120, 300)
NEW_WORD_WINDOWS = (60, 200)
NEAR_WORDS = 40
"""Words on either side of a place in which a question or a cue tells of it."""
OPENING_WINDOWS = (40, 150, 400)
MAX_QUESTION_WORDS = 1000
"""Words to the last or next question, at the most."""
STEM_COLUMNS = 256
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


def opening_features(vectors: Float32Array) -> dict[str, npt.NDArray[np.floating]]:
    """What the ``opening`` head reads.

    :param vectors: Sentence vectors, shape (sentences, dimension).
    """
    before = np.concatenate([np.zeros_like(vectors[:1]), vectors[:-1]])
    return {"vector_before": before, "vector": vectors}


def with_opening(
    features: Mapping[str, Float64Array], opening: Float64Array, sentences: Sequence[Sentence]
) -> dict[str, Float64Array]:
    """Boundary features and what the ``opening`` head says around each place.

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
        before, after = highest(opening, offsets, window)
        around[f"opening_before_{window}"] = before - opening
        around[f"opening_after_{window}"] = after - opening
    around["opening_relative"] = (opening - opening.mean()) / max(float(opening.std()), 1e-9)
    return {**features, **around}


def boundary_features(
    sentences: Sequence[AnalysedSentence], vectors: Float32Array
) -> dict[str, Float64Array]:
    """Features of the place before each sentence.

    :param sentences: The whole episode.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :return: Feature name -> shape (sentences,).
    """
    return {**meaning_features(vectors, word_offsets(sentences)), **text_features(sentences)}


def text_features(sentences: Sequence[AnalysedSentence]) -> dict[str, Float64Array]:
    """The boundary features that need no vectors.

    :param sentences: The whole episode.
    :return: Feature name -> shape (sentences,).
    """
    offsets = word_offsets(sentences)
    return {
        **_vocabulary([sentence.content_stems for sentence in sentences], offsets),
        **_wording(sentences, offsets),
        **_position(sentences, offsets),
        **_speakers(sentences, offsets),
    }


def meaning_features(vectors: Float32Array, offsets: Int64Array) -> dict[str, Float64Array]:
    """The boundary features that come from the vectors.

    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param offsets: Words before each sentence.
    :return: Feature name -> shape (sentences,).
    """
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


def _vocabulary(stems: Sequence[Sequence[str]], offsets: Int64Array) -> dict[str, Float64Array]:
    sums = running_sums(hashed_stems(stems, STEM_COLUMNS))
    features = {}
    for window in VOCABULARY_WINDOWS:
        cosine = likeness(sums, offsets, window)
        features[f"vocabulary_{window}"] = cosine
        features[f"vocabulary_depth_{window}"] = depth(cosine, offsets, window)
    spread = Counter(stem for line in stems for stem in set(line))
    first, last = np.zeros(len(stems)), np.zeros(len(stems))
    reach: dict[str, tuple[int, int]] = {}
    for i, line in enumerate(stems):
        for stem in line:
            reach[stem] = (reach.get(stem, (i, i))[0], i)
    for stem, (begin, end) in reach.items():
        if spread[stem] > 1:
            first[begin] += 1
            last[end] += 1
    for window in NEW_WORD_WINDOWS:
        new_before, new_after = rates(first, offsets, window)
        old_before, old_after = rates(last, offsets, window)
        features[f"new_words_{window}"] = new_after
        features[f"new_words_gain_{window}"] = new_after - new_before
        features[f"old_words_loss_{window}"] = old_before - old_after
    return features


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
        before, after = rates(measures[name], offsets, NEAR_WORDS)
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


def _position(
    sentences: Sequence[AnalysedSentence], offsets: Int64Array
) -> dict[str, Float64Array]:
    """Where in the episode, and what kind of talk it is: the same for every sentence."""
    n, total = len(sentences), int(offsets[-1])
    fillers = sum(sentence.n_fillers for sentence in sentences)
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
        n_spoken = sum(s.n_words for s in sentences[i:last] if s.speaker == names[i])
        floor[i] = n_spoken / max(1, int(offsets[min(last, n)] - offsets[i]))
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
