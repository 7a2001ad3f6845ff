"""What a model is given to read of an episode: stretches of it, whole or the salient part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.abstractive.requests import PASSAGE_WORDS, choose_read, passage_text
from edge.arrays import Float32Array, Float64Array
from edge.extraction.greedy import ruled_out, select_greedily
from edge.extraction.ranking import Ranked
from edge.records import Sentence

MIN_READ_WORDS = 20
"""Of fewer words nothing is written."""
WINDOW_WORDS = 40
"""About so many words in a row are told at a time: where little is read, little is put together
that was said apart (docs/adr/0013-summarizer.md)."""
WORDS_PER_MOMENT, MAX_MOMENTS = 130, 7
"""A chapter is told by one moment for so many of its words, and by at most so many."""
MIN_MOMENT_WORDS = 7
SAME_MOMENT = 0.6
"""Cosine from which two sentences are about the same."""
FEWER = 0.8
"""How much less is read of a passage that does not fit the context, until it does."""


@dataclass(frozen=True)
class EpisodeContext:
    """An episode as the digest's earlier stages left it."""

    sentences: Sequence[Sentence]
    texts: Sequence[str]
    """Sentences without their leading fillers."""
    usable: Sequence[bool]
    vectors: Float32Array
    """Shape (sentences, dimension)."""
    salience: Float64Array
    ranked: Ranked

    def inside(self, span: tuple[int, int]) -> list[int]:
        """Usable sentences of a stretch.

        :param span: First and one-past-last sentence.
        """
        return [i for i in range(*span) if self.usable[i]]

    def n_words(self, places: Sequence[int]) -> int:
        """Words of some sentences.

        :param places: Their indices.
        """
        return sum(len(self.texts[i].split()) for i in places)


@dataclass(frozen=True)
class PromptContext:
    """What a model is given to read, and asked."""

    kept: tuple[int, ...]
    """Indices of the episode's sentences."""
    request: str


def choose_windows(material: EpisodeContext, inside: Sequence[int]) -> list[list[int]]:
    """What is read of a chapter: what was said around its most salient moments, in spoken order.

    :param material: The episode.
    :param inside: Indices of the chapter's usable sentences.
    """
    n_moments = max(1, min(MAX_MOMENTS, round(material.n_words(inside) / WORDS_PER_MOMENT)))
    lengths = [material.n_words([i]) for i in inside]
    vectors = material.vectors[list(inside)]
    is_moment = [
        n_words >= MIN_MOMENT_WORDS and not material.texts[i].endswith("?")
        for i, n_words in zip(inside, lengths, strict=True)
    ]
    worth = np.where(is_moment, material.ranked.probability[list(inside)], -np.inf)

    def penalty(moment: int) -> Float64Array:
        is_told = (vectors @ vectors[moment]).astype(np.float64) >= SAME_MOMENT
        is_told[slice(*window_around(lengths, moment, WINDOW_WORDS))] = True
        return ruled_out(is_told)

    moments = select_greedily(worth, penalty, n_moments)
    windows = (slice(*window_around(lengths, moment, WINDOW_WORDS)) for moment in moments)
    return sorted(list(inside[window]) for window in windows)


def window_around(lengths: Sequence[int], place: int, n_words: int) -> tuple[int, int]:
    """Sentences before and after one, in turns, until they have enough words.

    :param lengths: Words of each sentence.
    :param place: Which sentence to begin with.
    :param n_words: How many words are enough.
    :return: First and one-past-last sentence.
    """
    first, end, n_read = place, place + 1, lengths[place]
    while n_read < n_words and (first > 0 or end < len(lengths)):
        if first > 0:
            first -= 1
            n_read += lengths[first]
        if n_read < n_words and end < len(lengths):
            n_read += lengths[end]
            end += 1
    return first, end


def read_passage(
    material: EpisodeContext,
    inside: Sequence[int],
    ask: Callable[[str], str],
    fits: Callable[[str], bool],
) -> PromptContext | None:
    """What a model reads of some sentences, and is asked about them: as much as it can hold.

    :param material: The episode.
    :param inside: Indices of its sentences that may be read.
    :param ask: From a passage to a request about it.
    :param fits: Whether a request and its answer fit the model's context.
    :return: None if there is too little to sum up.
    """
    max_words = PASSAGE_WORDS
    while max_words >= MIN_READ_WORDS:
        kept = choose_read(material.texts, inside, material.salience, max_words)
        n_read = material.n_words(kept)
        if n_read < MIN_READ_WORDS:
            return None
        request = ask(passage_text(material.sentences, material.texts, kept))
        if fits(request):
            return PromptContext(tuple(kept), request)
        max_words = int(FEWER * min(max_words, n_read))
    return None
