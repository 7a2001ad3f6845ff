"""Annotated episodes in the forms that transcripts come in, with what readers chose of them.

The same words with and without speakers, without punctuation, and cut into lines that end
anywhere: what learns from all of them works on all of them.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge.arrays import Float32Array, Int64Array
from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.english.words import content_stems_of, words
from edge.extraction.reader import OPENING_SHARE, OPENING_WORDS, ROLES
from edge.records import Segment, Transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.data.annotated import AnnotatedEpisode, SpokenEpisode

FORMS = ("full", "no_speakers", "no_punctuation", "broken_lines")
FORM_SHARES = dict(zip(FORMS, (0.45, 0.25, 0.15, 0.15), strict=True))
"""How often an episode is learned from in each form."""
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

    episode: SpokenEpisode
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

    def labels(self, of_turns: Float32Array) -> Float32Array:
        """How likely each sentence plays each role.

        It plays a turn's where the turn makes up most of it, or most of the turn is in it; a
        chapter begins with the first sentence that begins where its first turn does, or later.

        :param of_turns: How likely each turn does, shape (turns, roles).
        :return: Shape (sentences, roles).
        """
        n_turn_words = np.bincount(np.concatenate(self.word_turns), minlength=len(of_turns))
        rows = np.array([_chances(turns, of_turns, n_turn_words) for turns in self.word_turns])
        opens, begins = ROLES.index("opens"), [int(turns[0]) for turns in self.word_turns]
        rows[0, opens] = 0.0
        for i, (before, begin) in enumerate(itertools.pairwise(begins), 1):
            rows[i, opens] = of_turns[before + 1 : begin + 1, opens].max(initial=0.0)
        return rows

    def turn_chances(self, of_sentences: Float32Array) -> Float32Array:
        """How likely each turn plays each role: as the likeliest sentence that has words of it.

        :param of_sentences: How likely each sentence does, shape (sentences, roles).
        :return: Shape (turns, roles).
        """
        opens = ROLES.index("opens")
        of_turns = np.zeros((len(self.episode.texts), len(ROLES)), np.float32)
        for turns, chances in zip(self.word_turns, of_sentences, strict=True):
            first, *later = np.unique(turns).tolist()
            of_turns[first] = np.maximum(of_turns[first], chances)
            of_turns[later] = np.maximum(
                of_turns[later], chances * (np.arange(len(ROLES)) != opens)
            )
        return of_turns


def turn_roles(episode: AnnotatedEpisode) -> Float32Array:
    """What the reader chose: 1 where a turn plays a role, shape (turns, roles).

    :param episode: As it was annotated.
    """
    adverts = [i for first, last in episode.adverts for i in range(first, last + 1)]
    chosen: dict[str, Iterable[int]] = {
        "worth": episode.chosen,
        "summary": episode.extract,
        "chapter_key": [line for chapter in episode.chapters for line in chapter.key],
        "key_line": episode.key_lines,
        "quote": episode.quotes,
        "opens": episode.chapter_starts,
        "question": [c.question for c in episode.chapters if c.question is not None],
        "advert": adverts,
        "introduces": _introductions(episode),
    }
    rows = np.zeros((len(episode.texts), len(ROLES)), np.float32)
    for column, role in enumerate(ROLES):
        rows[list(chosen[role]), column] = 1.0
    return rows


def in_form(episode: SpokenEpisode, form: str, seed: int = 0) -> FormedEpisode:
    """An episode in a form.

    :param episode: As it was said.
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


def _turns(episode: SpokenEpisode, form: str) -> Iterator[_Line]:
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


def _chances(turns: Int64Array, of_turns: Float32Array, n_turn_words: Int64Array) -> Float32Array:
    """A sentence's chances: what so many of its words have at least, or a turn that is in it."""
    of_words = np.sort(of_turns[turns], axis=0)
    inside, n_inside = np.unique(turns, return_counts=True)
    whole = inside[n_inside > MIN_SHARE * n_turn_words[inside]]
    chances: Float32Array = np.maximum(
        of_words[len(turns) - math.ceil(MIN_SHARE * len(turns))],
        of_turns[whole].max(axis=0, initial=0.0),
    )
    return chances
