"""The ``entity`` head: which names a reader would list of an episode, and of which kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.extraction.entities import entity_features, most_said
from edge.extraction.lexicon import Lexicon
from edge.extraction.names import find_names
from edge.extraction.phrases import Key
from edge.extraction.tagger import tag_sentences
from edge.records import ENTITY_KINDS
from edge.runtime.heads import Classifier, feature_matrix
from edge_export.data.annotated import AnnotatedEpisode
from edge_export.data.vector_cache import VectorCache
from edge_export.training.phrase_head import heard_sentences
from edge_export.training.small_network import fit_classes, scaled_network
from edge_export.training.stemming import stem_word
from edge_export.training.trained_head import TrainedHead

N_HIDDEN, N_EPOCHS, PENALTY = 32, 20, 3.0
MAX_DEVIATION = 30.0
"""Most measures are marks that few names have: far from the mean, and meant so."""
_PARENTHESIS = re.compile(r"\(([^)]*)\)")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class EntityExample:
    """The names of an episode, measured, with the class of each."""

    episode: str
    features: Mapping[str, Float64Array]
    classes: npt.NDArray[np.intp]
    """0 for a name the reader did not list, else 1 and on by kind."""


class EntitySource:
    """The names of an annotated episode before any is embedded.

    :param episode: Annotated.
    :param tagger: The ``tagger`` head.
    :param lexicon: What is known of words.
    :param vectors: Holds those of its sentences.
    :param is_cased: Whether it keeps its capitals; the encoder reads it alike without.
    """

    def __init__(
        self,
        episode: AnnotatedEpisode,
        tagger: Classifier,
        lexicon: Lexicon,
        vectors: VectorCache,
        is_cased: bool = True,
    ) -> None:
        self.episode = episode
        self.lexicon = lexicon
        self.sentences = heard_sentences(episode)
        of_sentences = vectors.get([sentence.text for sentence in self.sentences])
        if not is_cased:
            self.sentences = [replace(s, text=s.text.lower()) for s in self.sentences]
        adverts = {turn for first, last in episode.adverts for turn in range(first, last + 1)}
        self.names = find_names(
            self.sentences,
            [sentence.first_segment not in adverts for sentence in self.sentences],
            tag_sentences(self.sentences, tagger),
            of_sentences,
            lexicon,
        )
        self.pool = most_said(self.names)

    @property
    def texts(self) -> tuple[str, ...]:
        """Texts to embed."""
        return tuple(name.text for name in self.pool)

    def measured(self, vectors: Float32Array) -> EntityExample:
        """The example.

        :param vectors: Vectors of ``texts``, shape (texts, dimension).
        """
        listed = listed_names(self.episode)
        return EntityExample(
            self.episode.id,
            entity_features(self.pool, self.names, self.sentences, vectors, self.lexicon),
            np.array([listed.get(_stems(text), 0) for text in self.texts]),
        )


def listed_names(episode: AnnotatedEpisode) -> dict[Key, int]:
    """Class of each name that the reader listed, also of what stands in parentheses behind one.

    :param episode: Annotated.
    """
    listed: dict[Key, int] = {}
    for thing in episode.mentions:
        kind = thing.kind if thing.kind in ENTITY_KINDS else "other"
        for text in (_PARENTHESIS.sub(" ", thing.name), *_PARENTHESIS.findall(thing.name)):
            listed[_stems(text)] = 1 + ENTITY_KINDS.index(kind)
    return listed


def _stems(text: str) -> Key:
    return tuple(map(stem_word, _WORD.findall(text.lower())))


def fit_entity_head(examples: Sequence[EntityExample]) -> TrainedHead:
    """The ``entity`` head.

    :param examples: Names of episodes.
    """
    names = tuple(examples[0].features)
    rows = np.concatenate([feature_matrix(example.features, names) for example in examples])
    classes = np.concatenate([example.classes for example in examples])
    blank = scaled_network(rows, examples[0].features, names, MAX_DEVIATION)
    model = fit_classes(
        blank,
        rows,
        classes,
        1 + len(ENTITY_KINDS),
        n_hidden=N_HIDDEN,
        penalty=PENALTY,
        n_epochs=N_EPOCHS,
    )
    return TrainedHead.of("entity", names, model, rows, len(examples))
