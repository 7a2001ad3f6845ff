"""Chapter titles: stretches that can stand alone, said in their chapter, with the real heads."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from edge.english.words import words
from edge.extraction.chapter_view import view_chapters
from edge.extraction.syntax import (
    FORMS,
    KINDS,
    find_spans,
    span_features,
    without_hedges,
    word_kinds,
)
from edge.extraction.tagger import tag_sentences
from edge.extraction.title_candidates import TitleCandidate, title_candidates
from edge.extraction.title_pairs import join_pairs
from edge.extraction.titles import chapter_phrases, choose_title, title_chapters
from edge.records import Segment, Sentence, Transcript
from edge.runtime.encoder import Encoder
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import CHIP

N_CHAPTERS = 6


def candidate(text: str, line: int = 0, place: float = 0.0) -> TitleCandidate:
    forms = tuple(float(form == "noun") for form in FORMS)
    tokens = tuple(text.split())
    return TitleCandidate(text, tokens, frozenset(tokens), forms, 0.0, line, place, False)


def is_said(title: str, said: list[list[str]]) -> bool:
    """Whether the words of a title are said in this order in one line or, joined, in two."""
    joints = [
        (title[: joint.start()], title[joint.end() :]) for joint in re.finditer(" and |, ", title)
    ]
    return any(
        all(any(in_order(words(part.lower()), line) for line in said) for part in pieces)
        for pieces in [(title,), *joints]
    )


def in_order(wanted: tuple[str, ...], line: list[str]) -> bool:
    rest = iter(line)
    return all(word in rest for word in wanted)


def titles_of(sentences: list[Sentence], encoder: Encoder) -> list[tuple[str, list[Sentence]]]:
    cuts = np.linspace(0, len(sentences), N_CHAPTERS + 1).astype(int).tolist()
    spans = list(itertools.pairwise(cuts))
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    phrases = chapter_phrases(spans, sentences, [True] * len(sentences), tags)
    vectors = encoder.encode([sentence.text for sentence in sentences])
    salience = np.array([sentence.n_words for sentence in sentences], float)
    titles = title_chapters(spans, sentences, phrases, vectors, salience, encoder)
    return [(title, sentences[a:b]) for title, (a, b) in zip(titles, spans, strict=True)]


def plain(sentences: list[Sentence]) -> list[Sentence]:
    texts = [re.sub(r"[^\w' -]", "", sentence.text.lower()) for sentence in sentences]
    return rebuild_sentences(Transcript(tuple(Segment(text) for text in texts if text), "text"))


@pytest.mark.parametrize("is_plain", [False, True])
def test_titles_are_words_of_their_chapters_in_spoken_order(
    is_plain: bool, encoder: Encoder
) -> None:
    sentences = rebuild_sentences(read_transcript(CHIP))
    found = titles_of(plain(sentences) if is_plain else sentences, encoder)
    assert len({title for title, _ in found}) == N_CHAPTERS
    for title, chapter in found:
        lines = [[word.lower() for word in words(sentence.text)] for sentence in chapter]
        assert is_said(title, lines), title
        assert title[:1] == title[:1].upper()
        assert title[-1].isalnum() or title[-1] in "+#%"
        pointing = {"i", "we", "it", "this", "they", "he", "she"}
        assert pointing.isdisjoint(word.lower() for word in words(title)), title


def test_a_chapter_that_says_nothing_has_no_title(encoder: Encoder) -> None:
    sentences = rebuild_sentences(Transcript((Segment("Yeah."), Segment("Okay.")), "text"))
    vectors = encoder.encode([sentence.text for sentence in sentences])
    n = len(sentences)
    assert title_chapters([(0, n)], sentences, [{}], vectors, np.zeros(n), encoder) == [""]


def test_hedges_go_and_what_they_look_like_stays() -> None:
    tokens = (
        "Um, so it's, you know, really a a kind of database that, I mean, sort of scales.".split()
    )
    assert " ".join(without_hedges(tokens)) == "so it's, a kind of database that, scales."


def test_stretches_neither_point_away_nor_pass_the_end_of_a_sentence() -> None:
    tokens = "Static analysis tools find it. Dynamic tools run code".split()
    found = [" ".join(tokens[a:b]) for a, b in find_spans(tokens).tolist()]
    assert "Static analysis tools find" in found and "Dynamic tools run code" in found
    assert not any("it." in text for text in found)
    assert find_spans([]).shape == (0, 2)


def test_what_hangs_together_is_told_from_what_is_cut_amiss(encoder: Encoder) -> None:
    tokens = "The whole team spent a week moving the old build system to Rollup.".split()
    (kinds,) = word_kinds([tokens], encoder.heads["syntax"])
    assert kinds.shape == (len(tokens), len(KINDS))
    spans = np.array([(6, 13), (8, 11), (1, 3), (7, 9), (2, 5), (5, 8)])
    forms = encoder.heads["span"].predict_classes(span_features(tokens, kinds, spans))
    shown = [FORMS[k] for k in forms.argmax(axis=1)]
    assert shown == ["action", "noun", "noun", "cut", "cut", "cut"]


def test_pairs_are_joined_in_spoken_order_and_share_no_word() -> None:
    pool = [candidate("build tools", 3), candidate("memory", 1), candidate("building", 0)]
    rows = np.eye(3, dtype=np.float32)
    pairs, vectors = join_pairs(pool, rows, np.array([3.0, 2.0, 1.0]), [frozenset()] * 4)
    assert [pair.text for pair in pairs] == ["building and memory", "memory and build tools"]
    assert vectors[0] == pytest.approx(np.array([0.0, 0.5**0.5, 0.5**0.5]))
    said = [candidate("memory", 1), candidate("disks that were never full", 2)]
    near = [frozenset(["memory"]), frozenset(["memory"]), frozenset()]
    pairs, _ = join_pairs(said, rows[:2], np.array([1.0, 2.0]), near)
    assert "memory, disks that were never full" in {pair.text for pair in pairs}
    once = [frozenset[str](), frozenset(["memory"]), frozenset[str]()]
    for lines in ([frozenset[str]()] * 3, once):
        pairs, _ = join_pairs(said, rows[:2], np.array([1.0, 2.0]), lines)
        assert not any(pair.joint == ", " for pair in pairs)
    claim = tuple(float(form == "claim") for form in FORMS)
    earlier = [pool[0], replace(candidate("the disk is never full", 2), forms=claim)]
    assert not join_pairs(earlier, rows[:2], np.ones(2), [frozenset(["build", "tools"])] * 4)[0]


def test_a_title_has_a_word_that_none_before_has() -> None:
    pool = [candidate("memory"), candidate("disk")]
    scores = np.array([2.0, 1.0])
    assert choose_title(pool, scores, set()).text == "memory"
    assert choose_title(pool, scores, {"memory"}).text == "disk"
    assert choose_title(pool, scores, {"memory", "disk"}).text == "memory"


def test_candidates_tell_what_other_chapters_do_not(encoder: Encoder) -> None:
    lines = ["The solar panel turns sunlight into power.", "The baker kneads dough with flour."]
    sentences = rebuild_sentences(Transcript(tuple(map(Segment, lines)), "text"))
    spans = [(0, 1), (1, 2)]
    vectors = encoder.encode(lines)
    views = view_chapters(spans, sentences, vectors, np.ones(2), encoder.rarity)
    pools = title_candidates(views, [{}, {}], encoder.heads, encoder.rarity)
    assert [len(view.others) for view in views] == [1, 1]
    assert "solar panel" in {found.text for found in pools[0]}
    for view, pool in zip(views, pools, strict=True):
        assert all(found.stems <= set(view.weights) for found in pool)
