"""What a model is given to read of an episode: stretches of it, whole or the salient part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.abstractive.context import EpisodeContext
from edge.abstractive.requests import PASSAGE_WORDS, choose_sentences, passage_text
from edge.arrays import Float64Array
from edge.extraction.greedy import none_alike, select_greedily

MIN_READ_WORDS = 20
"""Of fewer words nothing is written."""
WINDOW_WORDS = 40
"""About so many words in a row are read at a time: where little is read, little is put together
that was said apart (docs/adr/0013-summarizer.md)."""
WORDS_PER_MOMENT, MAX_MOMENTS = 130, 7
"""Of a chapter one moment is read for so many of its words, and at most so many moments."""
MIN_MOMENT_WORDS = 7
"""A shorter sentence is no moment: it says too little by itself."""
SAME_MOMENT_COSINE = 0.6
"""Cosine from which two sentences are about the same."""
SHRINKAGE = 0.8
"""Share of its words that is read of a passage that does not fit the context, until it does."""


@dataclass(frozen=True)
class PromptContext:
    """What a model is given to read, and asked."""

    sentence_indices: tuple[int, ...]
    """Of the episode's sentences, those read."""
    request: str


def choose_windows(context: EpisodeContext, candidates: Sequence[int]) -> list[list[int]]:
    """What is read of a chapter: what was said around its most salient moments.

    :param context: The episode.
    :param candidates: Indices of the chapter's sentences that may be read.
    :return: Indices of each window's sentences, in spoken order.
    """
    n_words = context.n_words(candidates)
    n_moments = max(1, min(MAX_MOMENTS, round(n_words / WORDS_PER_MOMENT)))
    sentences = [context.sentences[i] for i in candidates]
    lengths = [sentence.n_shown_words for sentence in sentences]
    windows = [window_around(lengths, k, WINDOW_WORDS) for k in range(len(candidates))]
    is_moment = [
        sentence.n_shown_words >= MIN_MOMENT_WORDS and not sentence.shown_text.endswith("?")
        for sentence in sentences
    ]
    worth = np.where(is_moment, context.judgements.worth[list(candidates)], -np.inf)
    same = none_alike(context.vectors[list(candidates)], SAME_MOMENT_COSINE)

    def same_or_read_with(k: int) -> Float64Array:
        penalty = same(k)
        penalty[slice(*windows[k])] = np.inf
        return penalty

    moments = select_greedily(worth, same_or_read_with, n_moments)
    return sorted(list(candidates[slice(*windows[k])]) for k in moments)


def window_around(lengths: Sequence[int], center: int, n_words: int) -> tuple[int, int]:
    """Sentences before and after one, in turns, until they have enough words.

    :param lengths: Words of each sentence.
    :param center: Index of the sentence to begin with.
    :param n_words: How many words are enough.
    :return: First and one-past-last sentence.
    """
    first, end, n_read = center, center + 1, lengths[center]
    while n_read < n_words and (first > 0 or end < len(lengths)):
        if first > 0:
            first -= 1
            n_read += lengths[first]
        if n_read < n_words and end < len(lengths):
            n_read += lengths[end]
            end += 1
    return first, end


def fit_passage(
    context: EpisodeContext,
    candidates: Sequence[int],
    ask: Callable[[str], str],
    fits: Callable[[str], bool],
) -> PromptContext | None:
    """As much of some sentences as a model's context holds, with the request about it.

    :param context: The episode.
    :param candidates: Indices of its sentences that may be read.
    :param ask: From a passage to a request about it.
    :param fits: Whether a request and its answer fit the model's context.
    :return: None if there is too little to summarize.
    """
    max_words = PASSAGE_WORDS
    while max_words >= MIN_READ_WORDS:
        chosen = choose_sentences(
            context.sentences, candidates, context.judgements.worth, max_words
        )
        n_words = context.n_words(chosen)
        if n_words < MIN_READ_WORDS:
            return None
        request = ask(passage_text([context.sentences[i] for i in chosen]))
        if fits(request):
            return PromptContext(tuple(chosen), request)
        max_words = int(SHRINKAGE * min(max_words, n_words))
    return None
