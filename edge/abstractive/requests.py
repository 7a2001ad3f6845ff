"""What a model fine-tuned for summarization is asked, and what it reads.

The export builds training examples with these functions, so the device asks in the words the
model was trained on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge.arrays import Float64Array
from edge.english.analysis import AnalysedSentence

PASSAGE_WORDS = 1000
"""Most words read of one passage; the least salient sentences of a longer one are left out."""
TITLE_MARK = "Title: "
"""What an answer's title begins with."""
WORD_STEP = 10
"""Lengths are asked for in tens of words, ten at least."""

_TITLE = re.compile(rf"\n*^{TITLE_MARK.strip()}\s*", re.MULTILINE)


def summary_request(passage: str, n_words: int, with_title: bool = False) -> str:
    """A request for a passage's summary.

    :param passage: As ``passage_text`` gives it.
    :param n_words: About how long it is to be; said in tens.
    :param with_title: Whether a title is to follow.
    """
    title = ", then give a title" if with_title else ""
    return f"{passage}\n\nSummarize in {_rounded(n_words)} words{title}."


def title_request(passage: str) -> str:
    """A request for a passage's title.

    :param passage: As ``passage_text`` gives it.
    """
    return f"{passage}\n\nGive a title."


def episode_request(summaries: Sequence[str], n_words: int) -> str:
    """A request for the summary of an episode from the summaries of its chapters.

    :param summaries: In spoken order.
    :param n_words: About how long it is to be; said in tens.
    """
    lines = "\n".join(f"- {summary}" for summary in summaries)
    return f"{lines}\n\nSummarize the episode in {_rounded(n_words)} words."


def answer_text(summary: str, title: str) -> str:
    """An answer with a summary and a title, as it is trained.

    :param summary: May be empty.
    :param title: May be empty.
    """
    if summary and title:
        return f"{summary}\n{TITLE_MARK}{title}"
    return summary or title


def split_answer(answer: str) -> tuple[str, str]:
    """The summary and the title in an answer to ``summary_request``.

    :param answer: As written by the model.
    :return: Either may be empty.
    """
    summary, _, title = _TITLE.sub("\0", answer, count=1).partition("\0")
    return " ".join(summary.split()), " ".join(title.split())


def passage_text(sentences: Sequence[AnalysedSentence]) -> str:
    """What a model reads: the words, and who says them where the transcript knows.

    :param sentences: Those to read, in spoken order.
    """
    lines: list[str] = []
    speaker: str | None = None
    for sentence in sentences:
        text = sentence.shown_text
        if lines and sentence.speaker == speaker:
            lines[-1] += f" {text}"
        else:
            speaker = sentence.speaker
            lines.append(f"{speaker}: {text}" if speaker else text)
    return "\n".join(lines)


def choose_sentences(
    sentences: Sequence[AnalysedSentence],
    candidates: Sequence[int],
    worth: Float64Array,
    max_words: int = PASSAGE_WORDS,
) -> list[int]:
    """Which sentences of a passage a model reads: those with content, the most salient that fit.

    :param sentences: The whole episode.
    :param candidates: Indices of the passage's sentences that may be read.
    :param worth: Of every sentence of the episode, shape (sentences,).
    :param max_words: Most words to read.
    :return: Indices in spoken order.
    """
    with_content = [i for i in candidates if sentences[i].content_stems]
    n_left = max_words
    chosen = []
    for i in sorted(with_content, key=lambda i: (-worth[i], i)):
        n_words = sentences[i].n_shown_words
        if n_words <= n_left:
            chosen.append(i)
            n_left -= n_words
    return sorted(chosen)


def _rounded(n_words: int) -> int:
    return max(WORD_STEP, round(n_words / WORD_STEP) * WORD_STEP)
