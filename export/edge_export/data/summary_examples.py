"""A training example of the summarizer: a passage as the device would put it, and the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge.abstractive.requests import (
    PASSAGE_WORDS,
    answer_text,
    choose_sentences,
    passage_text,
    summary_request,
    title_request,
)
from edge.english.analysis import analyse_sentence
from edge.extraction.judgements import judge_text
from edge.records import Sentence
from edge.runtime.encoder import Encoder

TITLE_PASSAGE_WORDS = 350
"""Most words read where only a title is learned: reading is what training costs."""
MIN_PASSAGE_WORDS = 40


@dataclass(frozen=True)
class SummaryExample:
    """A request and the answer to learn."""

    id: str
    source: str
    """``meetings``, ``notes``, ``chapters``, ``written`` or, of single sentences, ``sentences``."""
    request: str
    answer: str


class PassageReader:
    """Passages as the device would put them before the model.

    :param encoder: Its heads choose what is read of long passages.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def passage(self, sentences: Sequence[Sentence], max_words: int = PASSAGE_WORDS) -> str:
        """A passage, of a long one the sentences most worth reading.

        :param sentences: What was said.
        :param max_words: Most words to read.
        """
        analysed = [analyse_sentence(sentence) for sentence in sentences]
        everything = range(len(sentences))
        if sum(sentence.n_shown_words for sentence in analysed) <= max_words:
            kept = [i for i in everything if analysed[i].content_stems]
        else:
            _, judgements = judge_text(analysed, self._encoder)
            kept = choose_sentences(analysed, everything, judgements.worth, max_words)
        return passage_text([analysed[i] for i in kept])


def is_long_enough(passage: str) -> bool:
    """Whether there is something to sum up.

    :param passage: As ``PassageReader.passage`` gives it.
    """
    return len(passage.split()) >= MIN_PASSAGE_WORDS


def summary_example(
    identifier: str, source: str, passage: str, summary: str, title: str = ""
) -> SummaryExample:
    """A passage to sum up and, where there is a title, to name.

    :param identifier: Of the example.
    :param source: See ``SummaryExample.source``.
    :param passage: As ``PassageReader.passage`` gives it.
    :param summary: What a person wrote about it.
    :param title: What a person called it; "" for none.
    """
    summary = " ".join(summary.split())
    request = summary_request(passage, len(summary.split()), bool(title))
    return SummaryExample(identifier, source, request, answer_text(summary, title))


def title_examples(
    identifier: str, source: str, sentences: Sequence[Sentence], title: str, reader: PassageReader
) -> Iterator[SummaryExample]:
    """A passage to name; none where it is too short.

    :param identifier: Of the example.
    :param source: See ``SummaryExample.source``.
    :param sentences: What was said.
    :param title: What a person called it.
    :param reader: Reads the passage.
    """
    passage = reader.passage(sentences, TITLE_PASSAGE_WORDS)
    if is_long_enough(passage):
        yield SummaryExample(identifier, source, title_request(passage), title)
