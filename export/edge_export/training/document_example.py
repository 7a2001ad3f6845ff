"""A training document with its vectors: what heads read of it, and what people wrote about it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.english.words import Rarity
from edge.extraction.boundary_features import boundary_features
from edge.extraction.concepts import concept_features
from edge.extraction.salience import salience_features
from edge.extraction.segmentation import may_begin
from edge_export.data.documents import Document
from edge_export.training.stemming import rouge_words
from edge_export.training.trained_head import SEED

N_INNER_FOLDS = 4
PAIR_WEIGHT = 2.0
"""Weight of word pairs beside single words in the overlap with a human summary."""


class DocumentExample:
    """A document with its vectors; what is measured of it is measured once.

    :param document: The document.
    :param vectors: Its sentences' vectors, shape (sentences, dimension).
    :param rarity: Word to 0 (common) to 1 (rare).
    """

    def __init__(self, document: Document, vectors: Float32Array, rarity: Rarity) -> None:
        self.document = document
        self.vectors = vectors
        self.rarity = rarity

    @cached_property
    def sentences(self) -> list[AnalysedSentence]:
        """The document's."""
        return [analyse_sentence(sentence) for sentence in self.document.sentences]

    @cached_property
    def stems(self) -> list[tuple[str, ...]]:
        """Content stems of each sentence."""
        return [sentence.content_stems for sentence in self.sentences]

    @cached_property
    def salience(self) -> dict[str, Float64Array]:
        """``edge.extraction.salience.salience_features``."""
        return salience_features(self.sentences, self.vectors, self.rarity)

    @cached_property
    def concepts(self) -> tuple[list[str], dict[str, Float64Array]]:
        """``edge.extraction.concepts.concept_features``."""
        return concept_features(self.stems, self.salience, self.rarity)

    @cached_property
    def boundary(self) -> dict[str, Float64Array]:
        """``edge.extraction.boundary_features.boundary_features``."""
        return boundary_features(self.sentences, self.vectors)

    @cached_property
    def candidate_starts(self) -> npt.NDArray[np.intp]:
        """Indices of the sentences before which a chapter may begin."""
        return np.flatnonzero(may_begin(self.document.sentences))

    @cached_property
    def is_boundary(self) -> npt.NDArray[np.bool_]:
        """Whether a chapter begins with the sentence, for each sentence."""
        marks = np.zeros(len(self.document.sentences), bool)
        marks[self.document.chapter_starts] = True
        return marks

    @cached_property
    def overlap(self) -> Float64Array:
        """Share of each sentence's words and word pairs that its human summaries use."""
        texts = [sentence.shown_text for sentence in self.sentences]
        shares: Float64Array = np.mean(
            [_overlap(texts, reference) for reference in self.document.references], axis=0
        )
        return shares

    @cached_property
    def used_stems(self) -> npt.NDArray[np.bool_]:
        """For each of ``concepts``, whether a human summary uses it."""
        used = {word for reference in self.document.references for word in rouge_words(reference)}
        return np.array([used.issuperset(rouge_words(key)) for key in self.concepts[0]], bool)


def _overlap(texts: Sequence[str], reference: str) -> Float64Array:
    reference_words = rouge_words(reference)
    known, known_pairs = set(reference_words), set(itertools.pairwise(reference_words))
    shares = []
    for text in texts:
        words = rouge_words(text)
        pairs = list(itertools.pairwise(words))
        single = sum(word in known for word in words) / max(1, len(words))
        double = sum(pair in known_pairs for pair in pairs) / max(1, len(pairs))
        shares.append(single + PAIR_WEIGHT * double)
    return np.array(shares)


def inner_folds(examples: Sequence[DocumentExample]) -> Iterator[tuple[list[int], list[int]]]:
    """(training, held-out) indices; parts of one document stay together.

    :param examples: Documents.
    """
    episodes = sorted({example.document.episode for example in examples})
    order = np.random.default_rng(SEED).permutation(len(episodes))
    fold_of = {name: int(k) % N_INNER_FOLDS for name, k in zip(episodes, order, strict=True)}
    folds = [fold_of[example.document.episode] for example in examples]
    for k in range(N_INNER_FOLDS):
        yield [i for i, f in enumerate(folds) if f != k], [i for i, f in enumerate(folds) if f == k]
