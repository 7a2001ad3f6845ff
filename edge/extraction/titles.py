"""Chapter titles: what each stretch of the episode is about, in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.extraction.chapter_view import view_chapters
from edge.extraction.phrases import Candidate, Key, find_phrases
from edge.extraction.title_candidates import TitleCandidate, title_candidates
from edge.extraction.title_features import measured_titles
from edge.records import Sentence
from edge.runtime.encoder import Encoder

CUT_COST, SHORT_COST, PAIR_COST, VAGUE_PAIR_COST = 0.25, 0.2, 0.03, 0.15
"""Likeness to human titles is blind to some of what makes one good to read. What it costs: a
stretch cut amiss, few words, two phrases joined by no more than "and", and such of single words."""
MIN_WORDS, MIN_STEMS, MIN_PAIR_WORDS = 3, 2, 5


def chapter_phrases(
    spans: Sequence[tuple[int, int]],
    sentences: Sequence[Sentence],
    is_candidate: Sequence[bool],
    tags: Sequence[Float64Array],
) -> list[dict[Key, Candidate]]:
    """The phrases of each chapter, looked at as a text of its own.

    :param spans: First and one-past-last sentence of each chapter.
    :param sentences: The whole episode.
    :param is_candidate: For each sentence, whether it may be a source.
    :param tags: Of each sentence, as ``edge.extraction.tagger.tag_sentences`` gives them.
    """
    return [find_phrases(sentences[a:b], is_candidate[a:b], tags[a:b]) for a, b in spans]


# Many parameters: an episode and its chapters, and what was made of them.
def title_chapters(
    spans: Sequence[tuple[int, int]],
    sentences: Sequence[Sentence],
    by_chapter: Sequence[Mapping[Key, Candidate]],
    vectors: Float32Array,
    salience: Float64Array,
    encoder: Encoder,
    used: set[str] | None = None,
) -> list[str]:
    """A distinct title for each chapter: words said in it that tell what no other tells.

    Empty where nothing in a chapter can be one.

    :param spans: First and one-past-last sentence of each chapter.
    :param sentences: The whole episode.
    :param by_chapter: Phrases of each chapter, as ``chapter_phrases`` gives them.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param salience: How much each sentence is worth reading, on any scale, minus infinity where it
        may not be shown; shape (sentences,).
    :param encoder: The model, with its heads.
    :param used: Words of the titles before these; those given here are added.
    """
    used = set() if used is None else used
    chapters = view_chapters(spans, sentences, vectors, salience, encoder.rarity)
    pools = title_candidates(chapters, by_chapter, encoder.heads, encoder.rarity)
    embedded = encoder.encode([candidate.text for pool in pools for candidate in pool])
    by_pool = np.split(embedded, np.cumsum([len(pool) for pool in pools])[:-1])
    titles: list[str] = []
    for chapter, pool, rows in zip(chapters, pools, by_pool, strict=True):
        chosen = None
        if pool:
            pool, _, features = measured_titles(pool, chapter, rows, encoder.rarity)
            scores = encoder.heads["title"].predict(features) - reading_cost(features)
            chosen = choose_title(pool, scores, used)
            used |= chosen.stems
        titles.append(_as_title(chosen.text) if chosen else "")
    return titles


def reading_cost(features: Mapping[str, Float64Array]) -> Float64Array:
    """What a candidate loses that reads badly, on the scale of the ``title`` head.

    :param features: As ``measured_titles`` gives them.
    :return: Shape (candidates,).
    """
    n_words, pairs = features["words"], features["is_pair"]
    return (
        CUT_COST * features["form_cut"]
        + SHORT_COST * ((n_words < MIN_WORDS) | (features["stems"] < MIN_STEMS))
        + PAIR_COST * pairs
        + VAGUE_PAIR_COST * pairs * (n_words < MIN_PAIR_WORDS)
    )


def choose_title(
    pool: Sequence[TitleCandidate], scores: Float64Array, used: set[str]
) -> TitleCandidate:
    """The best candidate with a word that no title before has.

    :param pool: At least one candidate.
    :param scores: One a candidate.
    :param used: Stems of the titles before.
    """
    fresh = [k for k, candidate in enumerate(pool) if not candidate.stems <= used]
    return pool[max(fresh or range(len(pool)), key=lambda k: (round(float(scores[k]), 6), -k))]


def _as_title(text: str) -> str:
    return text[:1].upper() + text[1:]
