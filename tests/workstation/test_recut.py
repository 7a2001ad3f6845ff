"""Training documents cut into other sentences: the same words, the same chapters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from edge_export.data.augment import recut_document
from edge_export.data.documents import Document

from edge.english.words import words
from edge.records import Segment, Transcript
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import CHIP

FILLERS = {"um", "uh", "like"}


@pytest.fixture(scope="module")
def document() -> Document:
    """An interview with a chapter every twelve segments."""
    from edge.transcript import read_transcript

    transcript = read_transcript(CHIP)
    segments = tuple(Segment(segment.text, speaker="Chip") for segment in transcript.segments)
    sentences = tuple(rebuild_sentences(Transcript(segments, "json")))
    boundaries = tuple(range(12, len(segments), 12))
    return Document("show/one", "show", True, sentences, boundaries, ("A summary.",), ("Title",))


def spoken(document: Document, first: int = 0) -> list[str]:
    texts = [sentence.text for sentence in document.sentences[first:]]
    return [w.lower() for text in texts for w in words(text) if w.lower() not in FILLERS]


def test_the_words_and_where_chapters_begin_stay(document: Document) -> None:
    recut = recut_document(document, 0)
    assert [s.text for s in recut.sentences] != [s.text for s in document.sentences]
    assert spoken(recut) == spoken(document)
    starts, again = document.chapter_starts, recut.chapter_starts
    assert len(set(starts)) == len(set(again)) > 20
    for mine, theirs in zip(sorted(set(starts)), sorted(set(again)), strict=True):
        assert spoken(document, mine) == spoken(recut, theirs)


def test_sentences_are_joined_halved_and_misheard(document: Document) -> None:
    recut = recut_document(document, 0)
    before = {sentence.text for sentence in document.sentences}
    new = [sentence.text for sentence in recut.sentences if sentence.text not in before]
    joined = [text for text in new if sum(text.count(old.rstrip(".!?")) for old in before) > 1]
    halves = [text for text in new if any(text[:-1] in old for old in before)]
    assert len(joined) > 5
    assert len(halves) > 5
    n_questions = sum(sentence.is_question for sentence in document.sentences)
    assert sum(sentence.is_question for sentence in recut.sentences) < n_questions


def test_a_seed_is_one_way_to_cut(document: Document) -> None:
    assert recut_document(document, 1) == recut_document(document, 1)
    assert recut_document(document, 1).sentences != recut_document(document, 2).sentences


def test_it_teaches_nothing_but_chapters(document: Document) -> None:
    recut = recut_document(document, 0)
    assert recut.episode == document.episode
    assert (recut.references, recut.labels) == ((), ())
    assert recut_document(replace(document, boundaries=()), 0).boundaries == ()
