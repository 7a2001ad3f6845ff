"""An episode as a model that writes about it is shown it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.abstractive.grounding import SourcePassage, source_passage
from edge.arrays import Float32Array, Float64Array
from edge.extraction.selection import Ranked
from edge.records import Sentence


@dataclass(frozen=True)
class EpisodeContext:
    """An episode as the digest's earlier stages left it."""

    sentences: Sequence[Sentence]
    texts: Sequence[str]
    """Sentences without their leading fillers."""
    is_candidate: Sequence[bool]
    """For each sentence, whether it may be read and shown at all."""
    vectors: Float32Array
    """Shape (sentences, dimension)."""
    salience: Float64Array
    """Shape (sentences,)."""
    ranked: Ranked

    def candidates_in(self, span: tuple[int, int]) -> list[int]:
        """Indices of a stretch's sentences that may be read.

        :param span: First and one-past-last sentence.
        """
        return [i for i in range(*span) if self.is_candidate[i]]

    def n_words(self, sentence_indices: Sequence[int]) -> int:
        """Words of some sentences.

        :param sentence_indices: Which.
        """
        return sum(len(self.texts[i].split()) for i in sentence_indices)

    def passage(self, sentence_indices: Sequence[int]) -> SourcePassage:
        """Some sentences as a passage to find evidence in.

        :param sentence_indices: Which; at least one.
        """
        return source_passage(
            [self.texts[i] for i in sentence_indices],
            self.vectors[list(sentence_indices)],
            [self.sentences[i].speaker for i in sentence_indices],
        )
