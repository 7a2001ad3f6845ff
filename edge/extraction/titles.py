"""Chapter titles: what each stretch of the episode is about, in its own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.extraction.keyphrases import Centre, score_phrases, worth_embedding
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
    usable: Sequence[bool],
    tags: Sequence[Float64Array],
) -> list[dict[Key, Candidate]]:
    """The phrases of each chapter, looked at as a text of its own.

    :param spans: First and one-past-last sentence of each chapter.
    :param sentences: The whole episode.
    :param usable: For each sentence, whether it may be a source.
    :param tags: Of each sentence, as ``edge.extraction.tagger.tag_sentences`` gives them.
    """
    return [find_phrases(sentences[a:b], usable[a:b], tags[a:b]) for a, b in spans]


def title_chapters(
    spans: Sequence[tuple[int, int]],
    sentences: Sequence[Sentence],
    found: Sequence[Mapping[Key, Candidate]],
    vectors: Float32Array,
    encoder: Encoder,
    used: set[str] | None = None,
) -> list[str]:
    """A distinct title for each chapter: the phrase a person would name it by.

    Each chapter is looked at as a text of its own; a phrase that other chapters share counts
    less. Empty where a chapter has no phrase.

    :param spans: First and one-past-last sentence of each chapter.
    :param sentences: The whole episode.
    :param found: Phrases of each chapter, as ``chapter_phrases`` gives them.
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param encoder: The model, with its heads.
    :param used: Words of the titles before these; those given here are added.
    """
    said = Counter[Key]()
    for own in found:
        said.update({key: candidate.count for key, candidate in own.items()})
    pools = [
        worth_embedding(
            {key: c for key, c in own.items() if not c.is_generic},
            b - a,
            encoder.rarity,
            N_TITLE_CANDIDATES,
        )
        for own, (a, b) in zip(found, spans, strict=True)
    ]
    embedded = encoder.encode([candidate.text for pool in pools for candidate in pool])
    parts = np.split(embedded, np.cumsum([len(pool) for pool in pools])[:-1])
    titles: list[str] = []
    used = set() if used is None else used
    for (a, b), own, pool, part in zip(spans, found, pools, parts, strict=True):
        if not pool:
            titles.append("")
            continue
        inside = sentences[a:b]
        centre = Centre.of(inside, vectors[a:b])
        scores = score_phrases(pool, own, inside, centre, part, encoder)
        shares = np.array([c.count / said[c.key] for c in pool])
        single = [len(c.key) == 1 and not c.is_name for c in pool]
        weighted = scores * (SHARED_WEIGHT + (1.0 - SHARED_WEIGHT) * shares)
        weighted *= np.where(single, SINGLE_WEIGHT, 1.0)
        ranked = sorted(zip(weighted.tolist(), [c.key for c in pool], strict=True), reverse=True)
        phrases = _distinct(ranked, used)
        titles.append(_join_title([own[key].text for key in phrases]))
        used.update(word for key in phrases for word in key)
    return titles


def _distinct(scored: list[tuple[float, Key]], used: set[str]) -> list[Key]:
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
