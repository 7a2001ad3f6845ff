"""An episode as a model that writes about it is shown it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.abstractive.grounding import SourcePassage, source_passage
from edge.arrays import Float32Array
from edge.english.analysis import AnalysedSentence
from edge.extraction.judgements import Judgements


@dataclass(frozen=True)
class EpisodeContext:
    """An episode as the digest's earlier stages left it."""

    sentences: Sequence[AnalysedSentence]
    vectors: Float32Array
    """Shape (sentences, dimension)."""
    judgements: Judgements

    def candidates_in(self, span: tuple[int, int]) -> list[int]:
        """Indices of a stretch's sentences that may be read.

        :param span: First and one-past-last sentence.
        """
        return [i for i in range(*span) if self.judgements.is_candidate[i]]

    def n_words(self, sentence_indices: Sequence[int]) -> int:
        """Words of some sentences.

        :param sentence_indices: Which.
        """
        return sum(self.sentences[i].n_shown_words for i in sentence_indices)

    def passage(self, sentence_indices: Sequence[int]) -> SourcePassage:
        """Some sentences as a passage to find evidence in.

        :param sentence_indices: Which; at least one.
        """
        sentences = [self.sentences[i] for i in sentence_indices]
        return source_passage(
            [sentence.shown_text for sentence in sentences],
            self.vectors[list(sentence_indices)],
            [sentence.speaker for sentence in sentences],
        )
