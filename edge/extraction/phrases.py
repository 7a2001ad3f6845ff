"""Noun phrases: what an episode can be said to be about, with every mention."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge.arrays import Float64Array
from edge.english.words import FILLERS, FUNCTION_WORDS, GENERIC, stem
from edge.extraction.tagger import TAGS, bare_word, ends_clause
from edge.records import Mention, Sentence

Key = tuple[str, ...]
"""A phrase as the stems of its words: its identity."""

MAX_PHRASE_WORDS = 5
MIN_OPEN = 0.3
"""Share of mentions in which a phrase is not cut out of a longer one, on each side."""
SURELY_OTHER = 0.9
"""A word is no part of a noun phrase if the tagger is so sure: "active listening" is one."""
MAX_NUMBERED = 3
"""Of one thing there may be so many, told apart by numbers: "Vue 2", "Vue 3"."""
JOINING = frozenset(["of"])
"""Words that join two noun phrases into one: "code of conduct"."""
_OTHER = TAGS.index("other")
_ADJECTIVE = TAGS.index("adjective")
_NAME = TAGS.index("name")
_NEVER = FUNCTION_WORDS | FILLERS


@dataclass(slots=True)
class Candidate:
    """A noun phrase and how the episode uses it."""

    key: Key
    sentences: array[int] = field(default_factory=lambda: array("I"))
    """Sentence of each mention, in order."""
    words: array[int] = field(default_factory=lambda: array("I"))
    """Which word of that sentence it begins with."""
    surfaces: Counter[str] = field(default_factory=Counter)
    n_capitalised: int = 0
    """Mentions with every word capitalised though no sentence begins there."""
    n_open_left: int = 0
    """Mentions that begin a noun phrase."""
    n_open_right: int = 0
    """Mentions that end one."""
    n_whole: int = 0
    """Mentions that are a whole noun phrase."""
    n_inside: int = 0
    """Mentions that do not begin a sentence: only these tell names from other words."""
    n_alone: int = 0
    """Mentions with a pause on either side: "Thanks, Ann"."""
    n_named: int = 0
    """Mentions whose last word is tagged as a name."""
    noun_sum: float = 0.0
    """Sum over mentions of the last word's probability to be a noun or a name."""

    @property
    def count(self) -> int:
        """How often it is said."""
        return len(self.sentences)

    def mentions(self, sentences: Sequence[Sentence]) -> list[Mention]:
        """Where it is said.

        :param sentences: Those its mentions are counted in.
        """
        return [
            Mention(sentences[i].word_segments[word], sentences[i].word_starts_s[word])
            for i, word in zip(self.sentences, self.words, strict=True)
        ]

    def add(self, later: Candidate, first: int) -> None:
        """Count the mentions of the same phrase in a later stretch of the episode.

        :param later: Its sentences are counted from the stretch's beginning.
        :param first: The stretch's first sentence.
        """
        self.sentences.extend(first + i for i in later.sentences)
        self.words.extend(later.words)
        self.surfaces.update(later.surfaces)
        self.n_capitalised += later.n_capitalised
        self.n_open_left += later.n_open_left
        self.n_open_right += later.n_open_right
        self.n_whole += later.n_whole
        self.n_inside += later.n_inside
        self.n_alone += later.n_alone
        self.n_named += later.n_named
        self.noun_sum += later.noun_sum

    @property
    def is_name(self) -> bool:
        """Whether it is written like a name: capitalised inside sentences."""
        return self.n_inside > 0 and self.n_capitalised >= 0.5 * self.n_inside

    @property
    def is_open(self) -> bool:
        """Whether it is a phrase of its own rather than a part of one longer phrase."""
        # "learning code" is only ever cut out of "machine learning code".
        return min(self.n_open_left, self.n_open_right) >= MIN_OPEN * self.count

    @property
    def is_generic(self) -> bool:
        """Whether no word of it names a subject."""
        return all(word in GENERIC for word in self.key)

    @property
    def text(self) -> str:
        """The commonest wording, in lower case unless it is a name."""
        surface = max(self.surfaces.items(), key=lambda item: (item[1], item[0]))[0]
        # "Hurricane Gilbert" may only begin sentences; "Machine learning" gives itself away.
        is_capitalised = len(self.key) > 1 and all(w[:1].isupper() for w in surface.split())
        if self.is_name or (is_capitalised and not self.n_inside):
            return surface
        return " ".join(w if _keeps_case(w) else w.lower() for w in surface.split())


def _keeps_case(word: str) -> bool:
    return sum(character.isupper() for character in word) > 1 or "." in word


def find_phrases(
    sentences: Sequence[Sentence], is_candidate: Sequence[bool], tags: Sequence[Float64Array]
) -> dict[Key, Candidate]:
    """All noun phrases of up to five words inside a clause, their parts, and two joined by "of".

    :param sentences: The whole episode.
    :param is_candidate: For each sentence, whether it may be a source.
    :param tags: For each sentence, probabilities of ``TAGS``, shape (words, 4).
    """
    candidates: dict[Key, Candidate] = {}
    for i, sentence in enumerate(sentences):
        if not is_candidate[i]:
            continue
        tokens = sentence.text.split()
        bare = [bare_word(token) for token in tokens]
        for first, a, b, last in _spans(tokens, bare, tags[i]):
            if tags[i][b - 1].argmax() != _ADJECTIVE and not _only_follows(bare[a]):
                _add(candidates, i, (tokens, bare, tags[i]), (first, a, b, last))
    return candidates


def _spans(
    tokens: Sequence[str], bare: Sequence[str], tags: npt.NDArray[np.floating]
) -> Iterator[tuple[int, int, int, int]]:
    """First word of a noun phrase, first and one past last of a part of it, one past its last."""
    before: tuple[int, int] | None = None
    for first, last in _runs(tokens, bare, tags):
        for a in range(first, last):
            for b in range(a + 1, min(a + MAX_PHRASE_WORDS, last) + 1):
                yield first, a, b, last
        if before and _joins(tokens, bare, before[1], first):
            for a in range(max(before[0], last - MAX_PHRASE_WORDS), before[1]):
                yield before[0], a, last, last
        before = first, last


def _joins(tokens: Sequence[str], bare: Sequence[str], end: int, start: int) -> bool:
    """Whether one word between two runs makes them one, other than in "kinds of people"."""
    return (
        start == end + 1
        and bare[end] in JOINING
        and bare[end - 1].lower() not in GENERIC
        and not ends_clause(tokens, end)
        and not ends_clause(tokens, start)
    )


def amounts(keys: Iterable[Key]) -> set[Key]:
    """Phrases with a number that are amounts and no names: "RMB 8.9" beside "RMB 2.4".

    :param keys: All phrases of the episode.
    """
    by_head: dict[Key, set[Key]] = {}
    for key in keys:
        if len(key) > 1 and _only_follows(key[-1]):
            by_head.setdefault(key[:-1], set()).add(key)
    return {key for alike in by_head.values() if len(alike) > MAX_NUMBERED for key in alike}


def merge_phrases(
    candidates: dict[Key, Candidate], found: Mapping[Key, Candidate], first: int
) -> None:
    """Add what was found in a stretch of the episode to what was found before it.

    :param candidates: Phrases so far; changed in place.
    :param found: Phrases of the stretch, their sentences counted from its beginning.
    :param first: The stretch's first sentence.
    """
    for key, candidate in found.items():
        candidates.setdefault(key, Candidate(key)).add(candidate, first)


def _runs(
    tokens: Sequence[str], bare: Sequence[str], tags: npt.NDArray[np.floating]
) -> list[tuple[int, int]]:
    """(first, one past last) word of each stretch of adjectives, nouns and names in a clause."""
    is_nominal = _nominal(tokens, bare, tags)
    runs: list[tuple[int, int]] = []
    start = None
    for position in range(len(tokens) + 1):
        if start is not None and (ends_clause(tokens, position) or not is_nominal[position]):
            runs.append((start, position))
            start = None
        if start is None and position < len(tokens) and is_nominal[position]:
            start = None if _only_follows(bare[position]) else position
    return runs


def _nominal(
    tokens: Sequence[str], bare: Sequence[str], tags: npt.NDArray[np.floating]
) -> list[bool]:
    """For each word, whether it may stand in a noun phrase."""
    may_be = (tags[:, _OTHER] < SURELY_OTHER).tolist()
    nominal: list[bool] = []
    for position, word in enumerate(bare):
        if _only_follows(word):  # "Vue 3", "Series A", "Web 2.0"
            follows = position > 0 and nominal[-1] and bare[position - 1][:1].isupper()
            nominal.append(follows and not ends_clause(tokens, position))
        else:
            known = word.lower().replace("’", "'")
            is_noun = may_be[position] or _is_code(word)
            nominal.append(len(word) > 1 and is_noun and known not in _NEVER)
    return nominal


def _is_code(word: str) -> bool:
    """Whether a word has capitals and digits: "GPT-3", "5G"; taggers know few of them."""
    return any(map(str.isupper, word)) and any(map(str.isdigit, word))


def _only_follows(word: str) -> bool:
    """Whether a word can end a name and never begin one: a number or a letter."""
    return word.replace(".", "").isdigit() or (len(word) == 1 and word.isupper() and word != "I")


def _add(
    candidates: dict[Key, Candidate],
    i: int,
    sentence: tuple[Sequence[str], Sequence[str], npt.NDArray[np.floating]],
    bounds: tuple[int, int, int, int],
) -> None:
    """Count words a to b of a run from first to last of sentence ``i``: tokens, words, tags."""
    tokens, bare, tags = sentence
    first, a, b, last = bounds
    phrase = bare[a:b]
    key = tuple(stem(word) for word in phrase)
    if len(set(key)) < len(key):  # a stutter: "machine machine learning"
        return
    candidate = candidates.setdefault(key, Candidate(key))
    candidate.sentences.append(i)
    candidate.words.append(a)
    candidate.surfaces[" ".join(phrase)] += 1
    candidate.n_open_left += a == first
    candidate.n_open_right += b == last
    candidate.n_whole += a == first and b == last
    candidate.n_alone += a == first and b == last and _is_alone(tokens, a, b)
    candidate.n_named += int(tags[b - 1].argmax()) == _NAME
    candidate.noun_sum += float(1.0 - tags[b - 1][_ADJECTIVE] - tags[b - 1][_OTHER])
    if a > 0:
        candidate.n_inside += 1
        candidate.n_capitalised += all(w[:1].isupper() or _only_follows(w) for w in phrase)


def _is_alone(tokens: Sequence[str], a: int, b: int) -> bool:
    return b - a < len(tokens) and ends_clause(tokens, a) and ends_clause(tokens, b)
