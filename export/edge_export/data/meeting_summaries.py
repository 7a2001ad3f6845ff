"""Examples of the summarizer from meetings: people's answers, topics and summaries of the whole."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence

from edge.abstractive.requests import PASSAGE_WORDS, episode_request
from edge_export.data.documents import (
    UNNAMED,
    Document,
    Row,
    answering_turns,
    as_sentences,
    is_training_meeting,
    meeting,
    sections,
)
from edge_export.data.summary_examples import (
    PassageReader,
    SummaryExample,
    is_long_enough,
    summary_example,
    title_examples,
)

SAME_SECTION = 0.6
"""Share of the turns (intersection over union) from which a question is about a whole section."""


def meeting_examples(rows: Iterable[Row], reader: PassageReader) -> Iterator[SummaryExample]:
    """Answers to questions, titles of sections, and summaries of whole meetings.

    :param rows: Meetings; those that are measured on are passed over.
    :param reader: Reads the passages.
    """
    for row in rows:
        if is_training_meeting(row):
            answers = list(_answers(row, reader))
            yield from (example for _, example in answers)
            yield from _section_titles(row, reader, {section for section, _ in answers})
            yield from _whole_meeting(row, reader)


def _answers(row: Row, reader: PassageReader) -> Iterator[tuple[int | None, SummaryExample]]:
    """The answers; one that is about a whole section with a title brings it, and its number."""
    turns, cuts = row["turns"], sections(row)
    for k, entry in enumerate(row["specific"]):
        answering = answering_turns(entry, len(turns))
        passage = reader.passage(as_sentences([turns[i] for i in answering], True))
        if not is_long_enough(passage):
            continue
        section = _same_section(answering, cuts)
        if section is not None and row["topics"][section] == UNNAMED:
            section = None
        title = "" if section is None else row["topics"][section]
        identifier = f"{row['id']}#{k}"
        yield section, summary_example(identifier, "meetings", passage, entry["summary"], title)


def _section_titles(
    row: Row, reader: PassageReader, titled: Collection[int | None]
) -> Iterator[SummaryExample]:
    """Titles of the other sections."""
    for k, section in enumerate(sections(row)):
        if k not in titled and row["topics"][k] != UNNAMED:
            sentences = as_sentences([row["turns"][i] for i in section], True)
            identifier = f"{row['id']}@{k}"
            yield from title_examples(identifier, "meetings", sentences, row["topics"][k], reader)


def _whole_meeting(row: Row, reader: PassageReader) -> Iterator[SummaryExample]:
    """The meeting's summary, learned from its parts' summaries and from its own words."""
    parts = sorted(
        row["specific"], key=lambda entry: min((s[0] for s in entry["spans"]), default=0)
    )
    notes: list[str] = []
    n_words = 0
    for entry in parts:
        n_note_words = len(entry["summary"].split())
        if n_words + n_note_words <= PASSAGE_WORDS:
            notes.append(entry["summary"])
            n_words += n_note_words
    passage = reader.passage(as_sentences(row["turns"], True))
    for k, entry in enumerate(row["general"]):
        request = episode_request(notes, len(entry["summary"].split()))
        yield SummaryExample(f"{row['id']}+{k}", "meetings", request, entry["summary"])
        yield summary_example(f"{row['id']}*{k}", "meetings", passage, entry["summary"])


def dev_examples(rows: Iterable[Row], reader: PassageReader) -> Iterator[SummaryExample]:
    """Answers to questions about the meetings that are never learned from.

    :param rows: Meetings.
    :param reader: Reads the passages.
    """
    for row in rows:
        if is_training_meeting(row):
            continue
        for k, entry in enumerate(row["specific"]):
            turns = [row["turns"][i] for i in answering_turns(entry, len(row["turns"]))]
            passage = reader.passage(as_sentences(turns, True))
            if is_long_enough(passage):
                yield summary_example(f"{row['id']}#{k}", "meetings", passage, entry["summary"])


def answered_questions(row: Row) -> Iterator[Document]:
    """The turns that answer each question about a meeting to learn from.

    :param row: A meeting.
    """
    parts = itertools.islice(meeting(row), 1, None)
    return parts if is_training_meeting(row) else iter(())


def _same_section(turns: Sequence[int], cuts: Sequence[range]) -> int | None:
    shares = [len({*turns} & {*cut}) / max(1, len({*turns} | {*cut})) for cut in cuts]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best if shares[best] >= SAME_SECTION else None
