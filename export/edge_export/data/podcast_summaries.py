"""Examples of the summarizer from podcasts: one show's notes on its chapters, others' titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from edge.english.words import content_stems
from edge.transcript.sentences import sentence_texts
from edge_export.data.documents import (
    INTRODUCTION,
    NOTED_SHOW,
    UNNAMED,
    Row,
    as_sentences,
    sections,
    show_of,
)
from edge_export.data.held_out import DEV_SHOW
from edge_export.data.summary_examples import (
    PassageReader,
    SummaryExample,
    is_long_enough,
    summary_example,
    title_examples,
)

MIN_SPOKEN_SHARE, MAX_NOTE_WORDS, MIN_NOTE_WORDS = 0.6, 90, 12
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"(?<=\s)[A-Z][\w-]+")


def note_examples(rows: Iterable[Row], reader: PassageReader) -> Iterator[SummaryExample]:
    """Chapters with what was written about them, as far as it was said; else their titles.

    :param rows: Described chapters.
    :param reader: Reads the passages.
    """
    for row in rows:
        sentences = as_sentences(row["turns"], False)
        passage = reader.passage(sentences)
        if not is_long_enough(passage):
            continue
        spoken = " ".join(turn["content"] for turn in row["turns"])
        summary = spoken_part(row["description"], spoken)
        if len(summary.split()) >= MIN_NOTE_WORDS:
            yield summary_example(row["id"], "notes", passage, summary, row["title"])
        else:
            yield from title_examples(row["id"], "notes", sentences, row["title"], reader)


def spoken_part(note: str, spoken: str) -> str:
    """The first sentences of a note that say nothing but what was said, as far as words can tell.

    A note was written before the recording; what was not talked about would teach invention.

    :param note: What was written about a passage.
    :param spoken: The passage.
    """
    known = set(content_stems(spoken))
    numbers, names = set(_NUMBER.findall(spoken)), spoken.lower()
    kept: list[str] = []
    for sentence in sentence_texts(note):
        stems = content_stems(sentence)
        share = sum(stem in known for stem in stems) / max(1, len(stems))
        is_spoken = (
            share >= MIN_SPOKEN_SHARE
            and numbers.issuperset(_NUMBER.findall(sentence))
            and all(name.lower() in names for name in _NAME.findall(sentence))
        )
        n_words = sum(len(text.split()) for text in kept) + len(sentence.split())
        if not is_spoken or n_words > MAX_NOTE_WORDS:
            break
        kept.append(sentence)
    text = " ".join(kept)
    return text[:1].upper() + text[1:]


def chapter_examples(rows: Iterable[Row], reader: PassageReader) -> Iterator[SummaryExample]:
    """Titles of chapters that have no notes.

    :param rows: Chaptered episodes; the show that is measured on is passed over.
    :param reader: Reads the passages.
    """
    for row in rows:
        if show_of(row["id"]) in (DEV_SHOW, NOTED_SHOW):
            continue
        for k, section in enumerate(sections(row)):
            title = row["topics"][k]
            if title not in (UNNAMED, INTRODUCTION):
                sentences = as_sentences([row["turns"][i] for i in section], False)
                yield from title_examples(f"{row['id']}@{k}", "chapters", sentences, title, reader)
