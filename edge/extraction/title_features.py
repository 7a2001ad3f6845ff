"""What tells whether a chapter would be called by some of its words: features of candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.words import GENERIC, VERBS, Rarity
from edge.extraction.chapter_view import ChapterView
from edge.extraction.features import ranks, unit
from edge.extraction.syntax import FORMS, plain_word
from edge.extraction.title_candidates import TitleCandidate, content_share
from edge.extraction.title_pairs import join_pairs

FEATURE_DECIMALS = 3
N_WORTH = 5
LEAD_LINES = 6


def measured_titles(
    pool: Sequence[TitleCandidate],
    chapter: ChapterView,
    embedded: Float32Array,
    rarity: Rarity,
) -> tuple[list[TitleCandidate], Float32Array, dict[str, Float64Array]]:
    """The candidates and pairs of them, their vectors, and features of each.

    :param pool: At least one candidate of the chapter.
    :param chapter: The chapter.
    :param embedded: Vectors of their texts, shape (candidates, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    """
    worth = ranks(np.round(embedded @ chapter.centre, FEATURE_DECIMALS)) + ranks(
        _told(pool, chapter)
    )
    pairs, rows = join_pairs(pool, embedded, worth, chapter.stems)
    together, vectors = [*pool, *pairs], np.concatenate([embedded, rows])
    return together, vectors, title_features(together, chapter, vectors, rarity)


def title_features(
    pool: Sequence[TitleCandidate],
    chapter: ChapterView,
    embedded: Float32Array,
    rarity: Rarity,
) -> dict[str, Float64Array]:
    """Features of each candidate, each of shape (candidates,).

    :param pool: At least one candidate of the chapter.
    :param chapter: The chapter.
    :param embedded: Vectors of their texts, shape (candidates, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    """
    features = {
        **_meaning(pool, chapter, embedded),
        **_place(pool, chapter),
        **_words(pool, chapter, rarity),
    }
    for name in ("cosine", "worth", "own", "told", "told_mean", "salience"):
        features[f"{name}_rank"] = ranks(features[name])
    forms = np.array([candidate.forms for candidate in pool])
    features |= {f"form_{form}": forms[:, k] for k, form in enumerate(FORMS)}
    return {name: np.round(values, FEATURE_DECIMALS) for name, values in features.items()}


def _meaning(
    pool: Sequence[TitleCandidate], chapter: ChapterView, embedded: Float32Array
) -> dict[str, Float64Array]:
    cosine = embedded @ chapter.centre
    others = embedded @ chapter.others.T if len(chapter.others) else np.zeros((len(pool), 1))
    best = np.argsort(-chapter.salience, kind="stable")[:N_WORTH]
    worth = unit(chapter.vectors[best].sum(axis=0))
    lead = unit(chapter.vectors[:LEAD_LINES].sum(axis=0))
    like = embedded @ chapter.vectors.T
    return {
        "cosine": cosine,
        "worth": embedded @ worth,
        "lead": embedded @ lead,
        "own": cosine - others.max(axis=1),
        "own_mean": cosine - others.mean(axis=1),
        "line": like[np.arange(len(pool)), [candidate.line for candidate in pool]],
        "support": np.sort(like, axis=1)[:, -3:].mean(axis=1),
        "among": embedded @ unit(embedded.sum(axis=0)),
    }


def _place(pool: Sequence[TitleCandidate], chapter: ChapterView) -> dict[str, Float64Array]:
    n = len(chapter.sentences)
    worth = ranks(chapter.salience)
    own = ranks(chapter.vectors @ chapter.centre)
    lines = [candidate.line for candidate in pool]
    return {
        "salience": worth[lines],
        "line_cosine": own[lines],
        "line_place": np.array(lines) / n,
        "line_index": np.minimum(lines, 20).astype(float),
        "line_words": np.array([chapter.sentences[i].n_words for i in lines], float),
        "is_question": np.array([chapter.sentences[i].is_question for i in lines], float),
        "place": np.array([candidate.place for candidate in pool]),
        "is_pair": np.array([candidate.joint == " and " for candidate in pool], float),
        "is_said_of": np.array([candidate.joint == ", " for candidate in pool], float),
        "is_phrase": np.array([candidate.is_phrase for candidate in pool], float),
        "n_sentences": np.full(len(pool), float(n)),
    }


def _words(
    pool: Sequence[TitleCandidate], chapter: ChapterView, rarity: Rarity
) -> dict[str, Float64Array]:
    told = _told(pool, chapter)
    counts = [[chapter.counts.get(stem, 0) for stem in c.stems] or [0] for c in pool]
    rare = [[rarity(stem) for stem in c.stems] or [0.0] for c in pool]
    plain = [[plain_word(token) for token in c.tokens] for c in pool]
    length = np.array([len(words) for words in plain], float)
    return {
        "told": told,
        "told_mean": told / length,
        "told_most": np.array(
            [max([chapter.weights.get(s, 0.0) for s in c.stems], default=0.0) for c in pool]
        ),
        "count_mean": np.array([np.mean(values) for values in counts]),
        "count_least": np.array([min(values) for values in counts], float),
        "count_most": np.array([max(values) for values in counts], float),
        "rare_mean": np.array([np.mean(values) for values in rare]),
        "rare_most": np.array([max(values) for values in rare]),
        "words": length,
        "stems": np.array([len(c.stems) for c in pool], float),
        "content": np.array([content_share(c) for c in pool]),
        "names": np.array([c.names for c in pool]),
        "generic": np.array([sum(w in GENERIC for w in words) for words in plain]) / length,
        "verbs": np.array([sum(w in VERBS for w in words) for words in plain]) / length,
        "you": np.array([any(w.startswith("you") for w in words) for words in plain], float),
        "digits": np.array([any(ch.isdigit() for ch in c.text) for c in pool], float),
    }


def _told(pool: Sequence[TitleCandidate], chapter: ChapterView) -> Float64Array:
    """How much the words of each tell of this chapter and of no other."""
    return np.array([sum(chapter.weights.get(s, 0.0) for s in sorted(c.stems)) for c in pool])
