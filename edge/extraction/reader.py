"""The reader: what each sentence of an episode is, as a person who reads it would say.

The ``reader`` head, a small network over the episode's sentences in their order, reads of each the
encoder's vector, the state of its first token, which was fine-tuned to tell roles, and measures of
its form and place; it tells how likely the sentence plays each role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.arrays import Float64Array, FloatArray
from edge.english.analysis import AnalysedSentence
from edge.english.words import Rarity
from edge.extraction.features import word_offsets
from edge.extraction.measures import Place, measure_sentences
from edge.runtime.encoder import Encoded
from edge.runtime.heads import Classifier

ROLES = (
    "worth", "summary", "chapter_key", "key_line", "quote", "opens", "question", "advert",
    "introduces",
)  # fmt: skip
"""What the head's outputs tell, in their order: that a reader would choose the sentence at all,
for the summary, as a chapter's or the episode's key point, as a quote; that a chapter begins with
it; that it is the question a chapter answers; that it is an advert or talk about the show; that it
says who talks and about what."""

OPENING_WORDS, OPENING_SHARE = 300, 0.1
"""An episode introduces itself in so many of its first words, or in that share of them."""


@dataclass(frozen=True)
class Reading:
    """How likely each sentence plays each role, 0 to 1; arrays of shape (sentences,)."""

    worth: Float64Array
    summary: Float64Array
    chapter_key: Float64Array
    key_line: Float64Array
    quote: Float64Array
    opens: Float64Array
    question: Float64Array
    advert: Float64Array
    introduces: Float64Array

    def rows(self, rows: slice | Sequence[int]) -> Reading:
        """The same of some sentences.

        :param rows: Which.
        """
        return Reading(*(getattr(self, role)[rows] for role in ROLES))


def read_sentences(
    sentences: Sequence[AnalysedSentence],
    encoded: Encoded,
    reader: Classifier,
    rarity: Rarity,
    place: Place,
) -> Reading:
    """Read an episode, or a part of one.

    :param sentences: In spoken order.
    :param encoded: Their vectors and states.
    :param reader: The ``reader`` head.
    :param rarity: Word to 0 (common) to 1 (rare).
    :param place: Where they lie in the episode.
    :raises InferenceError: If onnxruntime fails.
    """
    if not sentences:
        return Reading(*(np.zeros(0) for _ in ROLES))
    measures = measure_sentences(sentences, encoded.vectors, rarity, place)
    vectors: dict[str, FloatArray] = {"state": encoded.states, "vector": encoded.vectors}
    reading = Reading(*reader.predict_classes({**vectors, **measures}).T)
    starts = place.before + word_offsets(sentences)[:-1]
    is_opening = starts < max(OPENING_WORDS, OPENING_SHARE * place.total)
    return replace(reading, introduces=reading.introduces * is_opening)
