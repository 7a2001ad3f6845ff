"""Chapter titles: what each stretch of the episode is about, in its own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.extraction.keyphrases import score_phrases
from edge.extraction.phrase_features import Centre, most_prominent
from edge.extraction.phrases import Candidate, Key, find_phrases
from edge.records import Sentence
from edge.runtime.encoder import Encoder

MAX_TITLE_WORDS = 6
N_TITLE_CANDIDATES = 15
MIN_SECOND_PHRASE, MIN_BESIDE_SINGLE = 0.75, 0.4
"""A second phrase joins the title if it scores this share of the first; less where that is a
single word, which alone says little ("Data")."""
SHARED_WEIGHT = 0.4
"""What a phrase said mostly in other chapters is worth, at the least, beside one's own."""
SINGLE_WEIGHT = 0.8
"""What a single word that is no name is worth beside a longer phrase, which says more."""
_ROOT_LETTERS = 5


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


def title_chapters(
    spans: Sequence[tuple[int, int]],
    sentences: Sequence[Sentence],
    by_chapter: Sequence[Mapping[Key, Candidate]],
    vectors: Float32Array,
    encoder: Encoder,
    used: set[str] | None = None,
) -> list[str]:
    """A distinct title for each chapter: the phrase a person would name it by.

    Each chapter is looked at as a text of its own; a phrase that other chapters share counts
    less. Empty where a chapter has no phrase.

    :param spans: First and one-past-last sentence of each chapter.
    :param sentences: The whole episode.
    :param by_chapter: Phrases of each chapter, as ``chapter_phrases`` gives them.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param encoder: The model, with its heads.
    :param used: Words of the titles before these; those given here are added.
    """
    used = set() if used is None else used
    n_said: Counter[Key] = Counter()
    for phrases in by_chapter:
        n_said.update({key: candidate.count for key, candidate in phrases.items()})
    pools = [
        _title_candidates(phrases, end - first, encoder)
        for phrases, (first, end) in zip(by_chapter, spans, strict=True)
    ]
    embedded = encoder.encode([candidate.text for pool in pools for candidate in pool])
    by_pool = np.split(embedded, np.cumsum([len(pool) for pool in pools])[:-1])
    titles: list[str] = []
    for span, phrases, pool, rows in zip(spans, by_chapter, pools, by_pool, strict=True):
        keys: list[Key] = []
        if pool:
            inside = slice(*span)
            centre = Centre.of(sentences[inside], vectors[inside])
            scores = score_phrases(pool, phrases, sentences[inside], centre, rows, encoder)
            keys = _distinct(_weighted(pool, scores, n_said), used)
        titles.append(_join_title([phrases[key].text for key in keys]))
        used.update(word for key in keys for word in key)
    return titles


def _title_candidates(
    phrases: Mapping[Key, Candidate], n_sentences: int, encoder: Encoder
) -> list[Candidate]:
    named = {key: candidate for key, candidate in phrases.items() if not candidate.is_generic}
    return most_prominent(named, n_sentences, encoder.rarity, N_TITLE_CANDIDATES)


def _weighted(
    pool: Sequence[Candidate], scores: Float64Array, n_said: Mapping[Key, int]
) -> list[tuple[float, Key]]:
    """Phrases, the better first, with their scores; less of what other chapters share."""
    shares = np.array([candidate.count / n_said[candidate.key] for candidate in pool])
    is_single = [len(candidate.key) == 1 and not candidate.is_name for candidate in pool]
    weighted = scores * (SHARED_WEIGHT + (1.0 - SHARED_WEIGHT) * shares)
    weighted *= np.where(is_single, SINGLE_WEIGHT, 1.0)
    keys = [candidate.key for candidate in pool]
    return sorted(zip(weighted.tolist(), keys, strict=True), reverse=True)


def _distinct(scored: Sequence[tuple[float, Key]], used: set[str]) -> list[Key]:
    """The best phrase with words no chapter has used, and a second of other roots."""
    fresh = [(score, key) for score, key in scored if not set(key) <= used] or scored
    chosen: list[Key] = []
    for score, key in fresh:
        if chosen:
            share = MIN_BESIDE_SINGLE if len(chosen[0]) == 1 else MIN_SECOND_PHRASE
            if score < share * fresh[0][0]:
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
