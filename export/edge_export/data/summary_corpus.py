"""Everything the summarizer learns: what it is asked about spoken passages, and the answers.

Meetings bring human summaries and topic titles, a regular show its notes on each chapter, and
``models/spoken-135m`` summaries and titles written for this project. docs/training.md says
which documents are never learned from.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from edge.runtime.encoder import Encoder
from edge_export.data.documents import CHAPTERED, DESCRIBED, MEETINGS, Row, described, read_rows
from edge_export.data.held_out import held_out_runs, repeats
from edge_export.data.meeting_summaries import answered_questions, dev_examples, meeting_examples
from edge_export.data.podcast_summaries import chapter_examples, note_examples
from edge_export.data.sentence_examples import SentencePairs
from edge_export.data.summary_examples import PassageReader, SummaryExample
from edge_export.data.written_summaries import read_written, written_examples
from edge_export.errors import TrainingDataError
from edge_export.log import Log

WRITTEN_TWICE = 2
"""Examples written for this project are seen this often an epoch: they set the tone."""
SEED = 0


def read_examples(data: Path, written: Path, encoder: Encoder, log: Log) -> list[SummaryExample]:
    """All training examples, always the same and in the same order.

    :param data: Folder of the training files.
    :param written: Folder with ``passages.jsonl`` and ``episodes.jsonl``.
    :param encoder: Its heads choose what is read of long passages.
    :param log: Told of each step.
    :raises TrainingDataError: If a file is missing or malformed.
    """
    reader = PassageReader(encoder)
    try:
        log("meetings")
        meetings = list(read_rows(data / MEETINGS))
        examples = list(meeting_examples(meetings, reader))
        log("notes on chapters")
        examples += note_examples(read_rows(data / DESCRIBED), reader)
        episodes = {row["id"]: row for row in read_rows(data / CHAPTERED)}
        examples += chapter_examples(episodes.values(), reader)
        log("written for this project")
        examples += list(written_examples(written, episodes, reader)) * WRITTEN_TWICE
        log("sentences and what was said around them")
        examples += _sentence_examples(data, written, meetings, episodes, encoder)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(
            f"cannot read the training data in {data} and {written}: "
            f"{type(error).__name__} {error}",
            "docs/training.md says what the files hold.",
        ) from error
    runs = held_out_runs(meetings)
    examples = [e for e in examples if not repeats((e.request, e.answer), runs)]
    random.Random(SEED).shuffle(examples)
    return examples


def read_dev_examples(data: Path, encoder: Encoder) -> list[SummaryExample]:
    """Questions about meetings that are never learned from, with a person's answers.

    :param data: Folder of the training files.
    :param encoder: As for ``read_examples``.
    """
    return list(dev_examples(read_rows(data / MEETINGS), PassageReader(encoder)))


def _sentence_examples(
    data: Path,
    written: Path,
    meetings: Iterable[Row],
    episodes: Mapping[str, Row],
    encoder: Encoder,
) -> Iterator[SummaryExample]:
    """Single sentences of the summaries, each with what was said around it."""
    described_chapters = (d for row in read_rows(data / DESCRIBED) for d in described(row))
    documents = [
        *(("written", document) for document in read_written(written, episodes)),
        *(("meetings", document) for row in meetings for document in answered_questions(row)),
        *(("notes", document) for document in described_chapters),
    ]
    pairs = SentencePairs(encoder)
    for source, document in documents:
        for identifier, request, answer in pairs.of(document, source):
            yield SummaryExample(identifier, "sentences", request, answer)
