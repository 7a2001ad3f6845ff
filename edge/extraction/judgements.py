"""Every sentence of an episode, judged: what stays of it once its part of the episode was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from edge.arrays import BoolArray, Float32Array, Float64Array, Int32Array
from edge.english.analysis import AnalysedSentence
from edge.extraction.measures import Place
from edge.extraction.reader import Reading, read_sentences
from edge.runtime.encoder import Encoder

MIN_INTRODUCTION = 0.05
"""Least probability of the sentence that introduces an episode."""


@dataclass(frozen=True)
class Judgements:
    """Arrays of shape (sentences,); probabilities are 0 for what may not be shown."""

    worth: Float64Array
    """0 to 1: chance that a reader would choose the sentence."""
    summary: Float64Array
    """The same, for the summary."""
    quote: Float64Array
    """The same, as a quote."""
    question: Float64Array
    """Chance that it is the question a chapter answers."""
    introduces: Float64Array
    """Chance that it says who talks and about what."""
    leans: BoolArray
    """Whether it points to what was said before it, and needs the sentence before."""
    n_words: Int32Array
    """Of the sentence as it would be shown."""
    is_candidate: BoolArray
    """Whether it may be shown: it is no advert, no cold open, no note of the recogniser."""

    @classmethod
    def of(
        cls, sentences: Sequence[AnalysedSentence], reading: Reading, is_candidate: BoolArray
    ) -> Judgements:
        """Of a part of an episode.

        :param sentences: The part's.
        :param reading: What the reader says of them.
        :param is_candidate: Which of them may be shown.
        """
        return cls(
            worth=reading.worth * is_candidate,
            summary=reading.summary * is_candidate,
            quote=reading.quote * is_candidate,
            question=reading.question * is_candidate,
            introduces=reading.introduces * is_candidate,
            leans=np.array([sentence.leans for sentence in sentences], bool),
            n_words=np.array([sentence.n_shown_words for sentence in sentences], np.int32),
            is_candidate=is_candidate,
        )

    @classmethod
    def joined(cls, parts: Sequence[Judgements]) -> Judgements:
        """The parts of an episode one after the other.

        :param parts: Of all its sentences; at least one.
        """
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def among(self, indices: Sequence[int]) -> Judgements:
        """The same of some sentences.

        :param indices: Which, in spoken order.
        """
        chosen = list(indices)
        return Judgements(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def without(self, index: int) -> Judgements:
        """The same, where one sentence is shown already and may not be shown again.

        :param index: Which.
        """
        elsewhere = np.arange(len(self.worth)) != index
        return replace(
            self,
            worth=self.worth * elsewhere,
            summary=self.summary * elsewhere,
            quote=self.quote * elsewhere,
        )

    @property
    def introduction(self) -> int | None:
        """Index of the sentence that says who talks and about what, where there is one."""
        if not self.introduces.max(initial=0.0) >= MIN_INTRODUCTION:
            return None
        return int(self.introduces.argmax())


def judge_text(
    sentences: Sequence[AnalysedSentence], encoder: Encoder
) -> tuple[Float32Array, Judgements]:
    """Embed and judge a text that is read at once, all of which may be shown.

    :param sentences: The text.
    :param encoder: The model, with its heads.
    :return: Vectors, shape (sentences, dimension), and judgements.
    :raises InferenceError: If onnxruntime fails.
    """
    encoded = encoder.begin_texts([sentence.text for sentence in sentences]).result()
    place = Place(0, sum(sentence.n_words for sentence in sentences))
    reading = read_sentences(sentences, encoded, encoder.heads["reader"], encoder.rarity, place)
    return encoded.vectors, Judgements.of(sentences, reading, np.ones(len(sentences), bool))
