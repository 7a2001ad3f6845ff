"""Our own system on a document, as the program would run on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.quality.data import Item, Span
from edge.abstractive.drafts import Summarizer
from edge.arrays import Float32Array
from edge.bundles.manifest import Bundle
from edge.english.analysis import analyse_sentence
from edge.extraction.judgements import judge_text
from edge.extraction.tagger import tag_sentences
from edge.extraction.titles import chapter_phrases, title_chapters
from edge.options import DEFAULT_SUMMARY_WORDS, DigestOptions
from edge.pipeline import digest_transcript
from edge.records import Digest, Sentence
from edge.runtime.encoder import Encoder, Progress


class RememberingEncoder(Encoder):
    """An encoder that embeds a text once, however many systems ask."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._known: dict[str, Float32Array] = {}

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Float32Array:
        """As ``Encoder.encode``."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, super().encode(new, progress), strict=True))
        if not texts:
            return np.zeros((0, self.spec.dimension), np.float32)
        return np.stack([self._known[text] for text in texts])


def digest_item(
    item: Item,
    encoder: Encoder,
    max_words: int = DEFAULT_SUMMARY_WORDS,
    writer: Summarizer | None = None,
) -> Digest:
    """The digest of a document.

    :param item: The document.
    :param encoder: The model that reads.
    :param max_words: Budget of the summary.
    :param writer: The model that writes; None for an extractive summary.
    """
    options = DigestOptions(words=max_words)
    return digest_transcript(item.transcript, encoder, options, summarizer=writer)


def vectors_of(sentences: Sequence[Sentence], encoder: Encoder) -> Float32Array:
    """Vectors of sentences, shape (sentences, dimension), unit rows.

    :param sentences: Of a document.
    :param encoder: The model.
    """
    return encoder.encode([sentence.text for sentence in sentences])


def title_spans(
    sentences: Sequence[Sentence], spans: Sequence[Span], encoder: Encoder
) -> list[str]:
    """Our title of each of some chapters, wherever those come from.

    :param sentences: Of a document.
    :param spans: First and one-past-last sentence of each chapter.
    :param encoder: The model, with its heads.
    """
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    phrases = chapter_phrases(spans, sentences, [True] * len(sentences), tags)
    analysed = [analyse_sentence(sentence) for sentence in sentences]
    vectors, judgements = judge_text(analysed, encoder)
    return title_chapters(spans, sentences, phrases, vectors, judgements.worth, encoder)
