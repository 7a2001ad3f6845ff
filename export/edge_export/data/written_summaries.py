"""Summaries and titles written for this project, of passages of its training files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge.abstractive.requests import episode_request
from edge_export.data.documents import Document, Row, as_sentences, show_of
from edge_export.data.summary_examples import PassageReader, SummaryExample, summary_example


def read_written(folder: Path, episodes: Mapping[str, Row]) -> list[Document]:
    """The passages summed up for this project, each with its summary and title.

    :param folder: Folder with ``passages.jsonl``.
    :param episodes: Rows of the chaptered podcasts, by id.
    :raises ValueError: If a passage is not what was summed up.
    """
    documents = []
    for line in (folder / "passages.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        turns = episodes[entry["id"]]["turns"][entry["first_turn"] : entry["last_turn"] + 1]
        spoken = " ".join(turn["content"] for turn in turns)
        if hashlib.sha256(spoken.encode()).hexdigest() != entry["sha256"]:
            raise ValueError(f"the passage {entry['id']} {entry['first_turn']} is another")
        documents.append(
            Document(
                id=f"{entry['id']}#{entry['first_turn']}",
                group=show_of(entry["id"]),
                for_training=True,
                sentences=as_sentences(turns, False),
                references=(entry["summary"],),
                labels=(entry["title"],),
            )
        )
    return documents


def written_examples(
    folder: Path, episodes: Mapping[str, Row], reader: PassageReader
) -> Iterator[SummaryExample]:
    """The passages, and whole episodes as their passages' summaries tell them.

    :param folder: Folder with ``passages.jsonl`` and ``episodes.jsonl``.
    :param episodes: Rows of the chaptered podcasts, by id.
    :param reader: Reads the passages.
    """
    notes: dict[str, list[str]] = {}
    for document in read_written(folder, episodes):
        summary = document.references[0]
        notes.setdefault(document.episode, []).append(summary)
        passage = reader.passage(document.sentences)
        yield summary_example(document.id, "written", passage, summary, document.labels[0])
    for line in (folder / "episodes.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        request = episode_request(notes[entry["id"]], len(entry["summary"].split()))
        yield SummaryExample(f"{entry['id']}+", "written", request, entry["summary"])
