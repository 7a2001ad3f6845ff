"""Annotated episodes in the forms that transcripts come in, with what readers chose of them.

The same words with and without speakers, without punctuation, and cut into lines that end
anywhere: what learns from all of them works on all of them.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge.arrays import Float32Array, Int64Array
from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.english.words import content_stems_of, words
from edge.extraction.reader import OPENING_SHARE, OPENING_WORDS, ROLES
from edge.records import Segment, Transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.data.annotated import AnnotatedEpisode

FORMS = ("full", "no_speakers", "no_punctuation", "broken_lines")
LINE_WORDS = (6, 12)
"""Words of a line where lines end anywhere."""
INTRODUCTION_OVERLAP, MIN_CONTENT_WORDS = 1.3, 6
"""Content words that an introduction shares with what the reader says the episode is about, for
each square root of its own; of how many at least."""
MIN_SHARE = 0.5
"""A sentence plays a role if so much of it, or of a turn that does, is in it."""

_MARKS = re.compile(r"[^\w\s'’%$-]|(?<!\w)-|-(?!\w)")


@dataclass(frozen=True)
class FormedEpisode:
    """An episode in one form."""

    episode: AnnotatedEpisode
    form: str
    transcript: Transcript
    segment_turns: tuple[tuple[int, ...], ...]
    """For each segment, the turn of each of its words."""

    @cached_property
    def sentences(self) -> list[AnalysedSentence]:
        """As the device rebuilds them."""
        return [analyse_sentence(sentence) for sentence in rebuild_sentences(self.transcript)]

    @cached_property
    def word_turns(self) -> list[Int64Array]:
        """For each sentence, the turn of each of its words."""
        turns = (np.array(turns) for segment in self.segment_turns for turns in (segment,))
        flat = np.concatenate(list(turns))
        cuts = np.cumsum([sentence.n_words for sentence in self.sentences])[:-1]
        return list(np.split(flat, cuts))

    def labels(self) -> Float32Array:
        """What readers chose: 1 where a sentence plays a role, shape (sentences, roles)."""
        roles = _turn_roles(self.episode)
        rows = np.zeros((len(self.sentences), len(ROLES)), np.float32)
        n_turn_words = np.bincount(
            np.concatenate(self.word_turns), minlength=len(self.episode.texts)
        )
        for column, role in enumerate(ROLES):
            if role == "opens":
                rows[self.first_sentences(self.episode.chapter_starts), column] = 1.0
                continue
            for i, turns in enumerate(self.word_turns):
                rows[i, column] = _plays(turns, roles[role], n_turn_words)
        return rows

    def first_sentences(self, turns: Sequence[int]) -> list[int]:
        """For each turn, the first sentence that begins at or after it.

        :param turns: In order.
        """
        begins = [int(turns[0]) for turns in self.word_turns]
        places = [bisect_left(begins, turn) for turn in turns]
        return [place for place in places if 0 < place < len(begins)]


def in_form(episode: AnnotatedEpisode, form: str, seed: int = 0) -> FormedEpisode:
    """An episode in a form.

    :param episode: As it was annotated.
    :param form: One of ``FORMS``.
    :param seed: Where lines end, for ``broken_lines``.
    """
    turns = list(_turns(episode, form))
    if form == "broken_lines":
        turns = list(_broken(turns, random.Random(f"{seed} {episode.id}")))
    segments = tuple(Segment(" ".join(words), speaker=speaker) for words, _, speaker in turns)
    return FormedEpisode(
        episode, form, Transcript(segments, "json"), tuple(of_words for _, of_words, _ in turns)
    )


_Line = tuple[list[str], tuple[int, ...], str | None]
"""Words, the turn of each, and who says them."""


def _turns(episode: AnnotatedEpisode, form: str) -> Iterator[_Line]:
    is_bare = form in ("no_punctuation", "broken_lines")
    for i, (text, speaker) in enumerate(zip(episode.texts, episode.speakers, strict=True)):
        said = without_punctuation(text).split() if is_bare else text.split()
        if said:
            yield said, (i,) * len(said), speaker if form in ("full", "no_punctuation") else None


def without_punctuation(text: str) -> str:
    """A text as a recogniser writes it that knows no punctuation and no capitals.

    :param text: Any text.
    """
    return _MARKS.sub(" ", text).lower()


def _broken(turns: Sequence[_Line], draw: random.Random) -> Iterator[_Line]:
    spoken = [word for line, _, _ in turns for word in line]
    of_turns = [turn for _, turns_of_words, _ in turns for turn in turns_of_words]
    start = 0
    while start < len(spoken):
        end = min(len(spoken), start + draw.randint(*LINE_WORDS))
        yield spoken[start:end], tuple(of_turns[start:end]), None
        start = end


def _turn_roles(episode: AnnotatedEpisode) -> dict[str, frozenset[int]]:
    adverts = {i for first, last in episode.adverts for i in range(first, last + 1)}
    questions = {c.question for c in episode.chapters if c.question is not None}
    return {
        "worth": episode.chosen,
        "summary": frozenset(episode.extract),
        "chapter_key": frozenset(line for c in episode.chapters for line in c.key),
        "key_line": frozenset(episode.key_lines),
        "quote": frozenset(episode.quotes),
        "question": frozenset(questions),
        "advert": frozenset(adverts),
        "introduces": frozenset(_introductions(episode)),
    }


def _introductions(episode: AnnotatedEpisode) -> Iterator[int]:
    """Turns of the beginning that name who the reader says is talking, and what about."""
    told = set(content_stems_of(words(episode.about)))
    names = {word for word in words(episode.about)[1:] if word[:1].isupper()}
    n_words = np.cumsum([len(text.split()) for text in episode.texts])
    limit = max(OPENING_WORDS, OPENING_SHARE * n_words[-1])
    for i, text in enumerate(episode.texts[: int(np.searchsorted(n_words, limit))]):
        said = words(text)
        shared = told.intersection(content_stems_of(said))
        n_content = max(MIN_CONTENT_WORDS, len(set(content_stems_of(said))))
        is_named = len(names.intersection(said)) >= 2
        if is_named and len(shared) >= INTRODUCTION_OVERLAP * math.sqrt(n_content):
            yield i


def _plays(turns: Int64Array, chosen: frozenset[int], n_turn_words: Int64Array) -> bool:
    """Whether most of a sentence, or most of a chosen turn, is what was chosen."""
    inside = [int(turn) for turn in turns if int(turn) in chosen]
    if len(inside) >= MIN_SHARE * len(turns):
        return True
    return any(inside.count(turn) > MIN_SHARE * n_turn_words[turn] for turn in set(inside))
