"""Training examples of the summarizer: what it is asked about spoken passages, and the answers.

Meetings bring human summaries and topic titles, a regular show its notes on each chapter, and
``models/spoken-135m`` summaries and titles written for this project. docs/training.md says
which documents are never learned from.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.abstractive.requests import (
    PASSAGE_WORDS,
    answer_text,
    choose_read,
    episode_request,
    passage_text,
    summary_request,
    title_request,
)
from edge.english.analysis import analyse_sentence
from edge.english.words import content_stems
from edge.extraction.salience import predict_salience
from edge.records import Sentence
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import sentence_texts
from edge_export.data.documents import (
    CHAPTERED,
    DESCRIBED,
    INTRODUCTION,
    MEETINGS,
    UNNAMED,
    Document,
    as_sentences,
    described,
    meeting,
    show_of,
)
from edge_export.data.sentence_examples import SentencePairs
from edge_export.errors import TrainingDataError

DEV_SHOW = "btctranscripts/chaincode-podcast"
"""Never learned from, like the meetings whose split is not train: measured on instead."""
TITLE_PASSAGE_WORDS = 350
"""Most words read where only a title is learned: reading is what training costs."""
MIN_PASSAGE_WORDS = 40
SAME_SECTION = 0.6
"""Share of the turns (intersection over union) from which a question is about a whole section."""
MIN_SHARE_SAID, MAX_NOTE_WORDS, MIN_NOTE_WORDS = 0.6, 90, 12
WRITTEN_TWICE = 2
"""Examples written for this project are seen this often an epoch: they set the tone."""
RUN_WORDS = 12
"""What shares a run of so many words with what is measured on is not learned."""
SEED = 0

Row = Mapping[str, Any]
Log = Callable[[str], None]
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"(?<=\s)[A-Z][\w-]+")


@dataclass(frozen=True)
class SummaryExample:
    """A request and the answer to learn."""

    id: str
    source: str
    """``meetings``, ``notes``, ``chapters``, ``written`` or, of single sentences, ``sentences``."""
    request: str
    answer: str


def read_examples(data: Path, written: Path, encoder: Encoder, log: Log) -> list[SummaryExample]:
    """All training examples, always the same and in the same order.

    :param data: Folder of the training files.
    :param written: Folder with ``passages.jsonl`` and ``episodes.jsonl``.
    :param encoder: Its heads choose what is read of long passages.
    :param log: Told of each step.
    :raises TrainingDataError: If a file is missing or malformed.
    """
    reader = _Reader(encoder)
    try:
        log("meetings")
        meetings = list(read_rows(data / MEETINGS))
        found = list(_meetings(meetings, reader))
        log("notes on chapters")
        found += _notes(read_rows(data / DESCRIBED), reader)
        episodes = {row["id"]: row for row in read_rows(data / CHAPTERED)}
        found += _chapters(episodes.values(), reader)
        log("written for this project")
        own = list(_written(written, episodes, reader))
        log("sentences and what was said around them")
        sentences = list(_sentences(data, written, meetings, episodes, encoder))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(
            f"cannot read the training data in {data} and {written}: "
            f"{type(error).__name__} {error}",
            "docs/training.md says what the files hold.",
        ) from error
    measured = measured_runs(meetings)
    examples = [e for e in found + own * WRITTEN_TWICE + sentences if not _repeats(e, measured)]
    random.Random(SEED).shuffle(examples)
    return examples


def read_dev_examples(data: Path, encoder: Encoder) -> list[SummaryExample]:
    """Questions about meetings that are never learned from, with a person's answers.

    :param data: Folder of the training files.
    :param encoder: As for ``read_examples``.
    """
    reader = _Reader(encoder)
    found = []
    for row in read_rows(data / MEETINGS):
        for k, entry in enumerate(row["specific"] if row["split"] != "train" else ()):
            turns = [row["turns"][i] for i in sorted(_chosen_turns(entry, len(row["turns"])))]
            passage = reader.passage(as_sentences(turns, True))
            if len(passage.split()) >= MIN_PASSAGE_WORDS:
                identifier = f"{row['id']}#{k}"
                found.append(
                    _summary_example(identifier, "meetings", passage, entry["summary"], "")
                )
    return found


class _Reader:
    """Passages as the device would put them before the model."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def passage(self, sentences: Sequence[Sentence], max_words: int = PASSAGE_WORDS) -> str:
        analysed = [analyse_sentence(sentence) for sentence in sentences]
        texts = [sentence.shown_text for sentence in analysed]
        everything = range(len(sentences))
        if sum(sentence.n_shown_words for sentence in analysed) <= max_words:
            kept = [i for i in everything if analysed[i].content_stems]
        else:
            encoder = self._encoder
            vectors = encoder.encode([sentence.text for sentence in sentences])
            salience = predict_salience(analysed, vectors, encoder.heads, encoder.rarity)
            kept = choose_read(texts, everything, salience, max_words)
        return passage_text(sentences, texts, kept)


def read_rows(path: Path) -> Iterator[Row]:
    """Documents of a file of gzip JSON Lines.

    :param path: The file.
    """
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def measured_runs(meetings: Iterable[Row]) -> frozenset[tuple[str, ...]]:
    """Runs of words in the answers about meetings that are measured on.

    Some of them repeat, word for word, what was answered about other meetings.

    :param meetings: Rows of all meetings.
    """
    return frozenset(
        run
        for row in meetings
        if row["split"] != "train"
        for entry in (*row["specific"], *row["general"])
        for run in word_runs(entry["summary"])
    )


def word_runs(text: str) -> set[tuple[str, ...]]:
    """All runs of ``RUN_WORDS`` words of a text, in small letters.

    :param text: Any text.
    """
    words = text.lower().split()
    return {tuple(words[i : i + RUN_WORDS]) for i in range(len(words) - RUN_WORDS + 1)}


def _repeats(example: SummaryExample, runs: frozenset[tuple[str, ...]]) -> bool:
    return not runs.isdisjoint(word_runs(example.answer) | word_runs(example.request))


def _meetings(rows: Iterable[Row], reader: _Reader) -> Iterator[SummaryExample]:
    for row in rows:
        if row["split"] != "train":
            continue
        turns = row["turns"]
        sections = _sections(row)
        titled: set[int] = set()
        for k, entry in enumerate(row["specific"]):
            chosen = _chosen_turns(entry, len(turns))
            passage = reader.passage(as_sentences([turns[i] for i in sorted(chosen)], True))
            if len(passage.split()) < MIN_PASSAGE_WORDS:
                continue
            section = _same_section(chosen, sections)
            title = row["topics"][section] if section is not None else ""
            if section is not None and title != UNNAMED:
                titled.add(section)
            else:
                title = ""
            yield _summary_example(f"{row['id']}#{k}", "meetings", passage, entry["summary"], title)
        for k, section_turns in enumerate(sections):
            if k not in titled and row["topics"][k] != UNNAMED:
                sentences = as_sentences([turns[i] for i in section_turns], True)
                yield from _title_example(
                    f"{row['id']}@{k}", "meetings", sentences, row["topics"][k], reader
                )
        yield from _whole_meeting(row, reader)


def _whole_meeting(row: Row, reader: _Reader) -> Iterator[SummaryExample]:
    """The meeting's summary, learned from its parts' summaries and from its own words."""
    parts = sorted(
        row["specific"], key=lambda entry: min((s[0] for s in entry["spans"]), default=0)
    )
    notes: list[str] = []
    for entry in parts:
        if (
            sum(len(note.split()) for note in notes) + len(entry["summary"].split())
            <= PASSAGE_WORDS
        ):
            notes.append(entry["summary"])
    for k, entry in enumerate(row["general"]):
        n_words = len(entry["summary"].split())
        request = episode_request(notes, n_words)
        yield SummaryExample(f"{row['id']}+{k}", "meetings", request, entry["summary"])
        passage = reader.passage(as_sentences(row["turns"], True))
        yield _summary_example(f"{row['id']}*{k}", "meetings", passage, entry["summary"], "")


def _notes(rows: Iterator[Row], reader: _Reader) -> Iterator[SummaryExample]:
    for row in rows:
        sentences = as_sentences(row["turns"], False)
        passage = reader.passage(sentences)
        if len(passage.split()) < MIN_PASSAGE_WORDS:
            continue
        said = " ".join(turn["content"] for turn in row["turns"])
        summary = said_part(row["description"], said)
        if len(summary.split()) >= MIN_NOTE_WORDS:
            yield _summary_example(row["id"], "notes", passage, summary, row["title"])
        else:
            yield from _title_example(row["id"], "notes", sentences, row["title"], reader)


def said_part(note: str, said: str) -> str:
    """The first sentences of a note that say nothing but what was said, as far as words can tell.

    A note was written before the recording; what was not talked about would teach invention.

    :param note: What was written about a passage.
    :param said: The passage.
    """
    known = set(content_stems(said))
    numbers, names = set(_NUMBER.findall(said)), said.lower()
    kept: list[str] = []
    for sentence in sentence_texts(note):
        stems = content_stems(sentence)
        share = sum(stem in known for stem in stems) / max(1, len(stems))
        is_said = (
            share >= MIN_SHARE_SAID
            and numbers.issuperset(_NUMBER.findall(sentence))
            and all(name.lower() in names for name in _NAME.findall(sentence))
        )
        n_words = sum(len(text.split()) for text in kept) + len(sentence.split())
        if not is_said or n_words > MAX_NOTE_WORDS:
            break
        kept.append(sentence)
    text = " ".join(kept)
    return text[:1].upper() + text[1:]


def _chapters(rows: Iterable[Row], reader: _Reader) -> Iterator[SummaryExample]:
    """Titles of chapters that have no notes."""
    for row in rows:
        if show_of(row["id"]) in (DEV_SHOW, "optech"):
            continue
        for k, turns in enumerate(_sections(row)):
            if row["topics"][k] not in (UNNAMED, INTRODUCTION):
                sentences = as_sentences([row["turns"][i] for i in turns], False)
                yield from _title_example(
                    f"{row['id']}@{k}", "chapters", sentences, row["topics"][k], reader
                )


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
        said = " ".join(turn["content"] for turn in turns)
        if hashlib.sha256(said.encode()).hexdigest() != entry["sha256"]:
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


def _written(
    folder: Path, episodes: Mapping[str, Row], reader: _Reader
) -> Iterator[SummaryExample]:
    notes: dict[str, list[str]] = {}
    for document in read_written(folder, episodes):
        summary = document.references[0]
        notes.setdefault(document.episode, []).append(summary)
        passage = reader.passage(document.sentences)
        yield _summary_example(document.id, "written", passage, summary, document.labels[0])
    for line in (folder / "episodes.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        request = episode_request(notes[entry["id"]], len(entry["summary"].split()))
        yield SummaryExample(f"{entry['id']}+", "written", request, entry["summary"])


def _sentences(
    data: Path,
    folder: Path,
    meetings: Iterable[Row],
    episodes: Mapping[str, Row],
    encoder: Encoder,
) -> Iterator[SummaryExample]:
    """Single sentences of the summaries, each with what was said around it."""
    summed_up = [
        *(("written", document) for document in read_written(folder, episodes)),
        *(("meetings", document) for row in meetings for document in _answered(row)),
        *(
            ("notes", document)
            for row in read_rows(data / DESCRIBED)
            for document in described(row)
        ),
    ]
    pairs = SentencePairs(encoder)
    for source, document in summed_up:
        for identifier, request, answer in pairs.of(document, source):
            yield SummaryExample(identifier, "sentences", request, answer)


def _answered(row: Row) -> Iterator[Document]:
    """The turns that answer each question about a meeting to learn from."""
    parts = itertools.islice(meeting(row), 1, None)
    return parts if row["split"] == "train" else iter(())


def _summary_example(
    identifier: str, source: str, passage: str, summary: str, title: str
) -> SummaryExample:
    summary = " ".join(summary.split())
    request = summary_request(passage, len(summary.split()), bool(title))
    return SummaryExample(identifier, source, request, answer_text(summary, title))


def _title_example(
    identifier: str, source: str, sentences: Sequence[Sentence], title: str, reader: _Reader
) -> Iterator[SummaryExample]:
    passage = reader.passage(sentences, TITLE_PASSAGE_WORDS)
    if len(passage.split()) >= MIN_PASSAGE_WORDS:
        yield SummaryExample(identifier, source, title_request(passage), title)


def _sections(row: Row) -> list[range]:
    cuts = [0, *row["boundaries"], len(row["turns"])]
    return [range(a, b) for a, b in itertools.pairwise(cuts)]


def _chosen_turns(entry: Row, n_turns: int) -> set[int]:
    return {i for a, b in entry["spans"] for i in range(a, min(b + 1, n_turns))}


def _same_section(turns: set[int], sections: Sequence[range]) -> int | None:
    shares = [len(turns & set(own)) / max(1, len(turns | set(own))) for own in sections]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best if shares[best] >= SAME_SECTION else None
