"""Names in a transcript: runs of words with capitals, each with every place where it is said.

In a text without capitals, a run of words that the tagger takes for names and that are written
with a capital elsewhere.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.words import FILLERS, FUNCTION_WORDS, stem
from edge.extraction.lexicon import Lexicon
from edge.extraction.phrases import Key
from edge.extraction.tagger import TAGS, bare_word, ends_clause
from edge.records import Mention, Sentence

MAX_NAME_WORDS = 8
INNER_WORDS = frozenset("of the for de da van von der la le".split())
"""Words in small letters that a name may hold: "Bank of the West", "Women for Go"."""
MAX_INNER_WORDS = 2
UNCASED_SHARE = 0.004
"""In a text with fewer capitals inside its sentences, capitals tell nothing."""
SHOUTED_SHARE = 0.6
"""A sentence with more capitals is a headline: they tell nothing either."""
ELSEWHERE = 0.6
"""Share of capitals elsewhere from where on a word is a name where capitals tell nothing."""
TITLES = frozenset(["Mr", "Mrs", "Ms"])
"""No part of a name: the same person is called with and without."""
_INITIAL = re.compile(r"[A-Z]\.|(?:Dr|St|Jr)\.")
_NAME, _OTHER = TAGS.index("name"), TAGS.index("other")
_NEVER = FUNCTION_WORDS | FILLERS


@dataclass(slots=True)
class Name:
    """A name and how the episode uses it."""

    key: Key
    context: Float32Array
    """Sum of the vectors of the sentences it is said in, shape (dimension,)."""
    sentences: array[int] = field(default_factory=lambda: array("I"))
    """Sentence of each mention, in order."""
    words: array[int] = field(default_factory=lambda: array("I"))
    """Which word of that sentence it begins with."""
    surfaces: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    """Words right before it, in small letters; none where a clause begins with it."""
    n_first: int = 0
    """Mentions that begin a sentence, where a capital tells nothing."""
    n_alone: int = 0
    """Mentions with a pause on either side."""
    n_joined: int = 0
    """Mentions that are a part of a longer name."""
    tag_sum: float = 0.0
    """Sum over mentions of the last word's probability to be a name."""

    @property
    def count(self) -> int:
        """How often it is said."""
        return len(self.sentences)

    @property
    def text(self) -> str:
        """The commonest wording."""
        return max(self.surfaces.items(), key=lambda item: (item[1], item[0]))[0]

    def mentions(self, sentences: Sequence[Sentence]) -> list[Mention]:
        """Where it is said.

        :param sentences: Those its mentions are counted in.
        """
        return [
            Mention(sentences[i].word_segments[word], sentences[i].word_starts_s[word])
            for i, word in zip(self.sentences, self.words, strict=True)
        ]

    def add(self, later: Name, first: int) -> None:
        """Count the mentions of the same name in a later stretch of the episode.

        :param later: Its sentences are counted from the stretch's beginning.
        :param first: The stretch's first sentence.
        """
        self.context = self.context + later.context
        self.sentences.extend(first + i for i in later.sentences)
        self.words.extend(later.words)
        self.surfaces.update(later.surfaces)
        self.before.update(later.before)
        self.n_first += later.n_first
        self.n_alone += later.n_alone
        self.n_joined += later.n_joined
        self.tag_sum += later.tag_sum


@dataclass
class Names:
    """The names of an episode, or of a stretch of it."""

    found: dict[Key, Name] = field(default_factory=dict)
    small: Counter[str] = field(default_factory=Counter)
    """How often a word is written in small letters, by its stem."""

    def add(self, later: Names, first: int) -> None:
        """Add what was found in a later stretch.

        :param later: Its sentences are counted from the stretch's beginning.
        :param first: The stretch's first sentence.
        """
        self.small.update(later.small)
        for key, name in later.found.items():
            if key in self.found:
                self.found[key].add(name, first)
            else:
                blank = Name(key, np.zeros_like(name.context))
                blank.add(name, first)
                self.found[key] = blank


def find_names(
    sentences: Sequence[Sentence],
    is_candidate: Sequence[bool],
    tags: Sequence[Float64Array],
    vectors: Float32Array,
    lexicon: Lexicon,
) -> Names:
    """All that is written like a name.

    :param sentences: The whole episode, or a stretch of it.
    :param is_candidate: For each sentence, whether it may be a source.
    :param tags: For each sentence, probabilities of ``TAGS``, shape (words, 4).
    :param vectors: Sentence vectors, shape (sentences, dimension).
    :param lexicon: What is known of words.
    """
    names = Names()
    tokens = [sentence.text.split() for sentence in sentences]
    bare = [[bare_word(token) for token in of_sentence] for of_sentence in tokens]
    is_cased = _has_capitals(bare)
    for i in range(len(sentences)):
        if is_cased:
            names.small.update(stem(word) for word in bare[i] if word.islower())
        if not is_candidate[i]:
            continue
        marks = _marked(bare[i]) if is_cased else _known_names(bare[i], tags[i], lexicon)
        if is_cased and marks and marks[0]:  # any word has a capital there
            marks[0] = _is_name(bare[i][0], tags[i][0], lexicon)
        for a, b, is_joined in _spans(tokens[i], bare[i], marks):
            key = tuple(stem(word) for word in bare[i][a:b])
            if key not in names.found:
                names.found[key] = Name(key, np.zeros_like(vectors[i]))
            name = names.found[key]
            if not name.sentences or name.sentences[-1] != i:
                name.context = name.context + vectors[i]
            name.sentences.append(i)
            name.words.append(a)
            name.surfaces[" ".join(bare[i][a:b])] += 1
            opens, closes = ends_clause(tokens[i], a), ends_clause(tokens[i], b)
            if not opens:
                name.before[bare[i][a - 1].lower()] += 1
            name.n_first += a == 0
            name.n_alone += opens and closes and b - a < len(tokens[i])
            name.n_joined += is_joined
            name.tag_sum += float(tags[i][b - 1][_NAME])
    return names


def _has_capitals(bare: Sequence[Sequence[str]]) -> bool:
    later = [word for words in bare for word in words[1:] if word and word.lower() not in _NEVER]
    return sum(word[0].isupper() for word in later) > UNCASED_SHARE * len(later)


def _marked(bare: Sequence[str]) -> list[bool]:
    """For each word, whether a capital makes it a part of a name."""
    marks = [_has_capital(word) for word in bare]
    if len(marks) > 5 and sum(word[:1].isupper() for word in bare) > SHOUTED_SHARE * len(marks):
        return [False] * len(marks)
    for k, word in enumerate(bare):
        if not marks[k] and k and marks[k - 1] and word.replace(".", "").isdigit():
            marks[k] = True  # "Vue 3"
        # "Who" in "Women Who Go", not where it begins a sentence.
        near = (k > 0 and marks[k - 1]) or (k + 1 < len(bare) and _has_capital(bare[k + 1]))
        is_inner = k > 0 and word[:1].isupper() and word.lower() in _NEVER and "'" not in word
        if is_inner and near and word != "I":
            marks[k] = True
    return marks


def _has_capital(word: str) -> bool:
    known = word.lower().replace("’", "'")
    is_address = "." in word and any(map(str.isalpha, word))  # "p5.js"
    is_written_so = is_address or any(map(str.isupper, word))
    is_pronoun = known.split("'")[0] == "i"
    return is_written_so and known not in _NEVER and word not in TITLES and not is_pronoun


def _known_names(bare: Sequence[str], tags: Float64Array, lexicon: Lexicon) -> list[bool]:
    """The same of a text without capitals."""
    lexicon.learn(map(stem, bare))
    return [
        bool(word)
        and word.lower() not in _NEVER
        and int(tag.argmax()) != _OTHER
        and lexicon.use(stem(word)).capitalised >= ELSEWHERE
        for word, tag in zip(bare, tags, strict=True)
    ]


def _is_name(word: str, tag: Float64Array, lexicon: Lexicon) -> bool:
    return int(tag.argmax()) == _NAME or lexicon.use(stem(word)).capitalised >= ELSEWHERE


def _breaks(tokens: Sequence[str], k: int) -> bool:
    """Whether a name ends before a word: a clause or a possessive does, an initial does not."""
    last = tokens[k - 1]
    if _INITIAL.fullmatch(last):
        return False
    return last.endswith(("'s", "’s")) or ends_clause(tokens, k)


def _spans(
    tokens: Sequence[str], bare: Sequence[str], marks: Sequence[bool]
) -> Iterator[tuple[int, int, bool]]:
    """First and one-past-last word of each name, and whether it is a part of the next one."""
    runs: list[tuple[int, int]] = []
    for k, is_marked in enumerate(marks):
        if not is_marked:
            continue
        if runs and runs[-1][1] == k and not _breaks(tokens, k):
            runs[-1] = (runs[-1][0], k + 1)
        else:
            runs.append((k, k + 1))
    runs = [(a, b) for a, b in runs if b - a <= MAX_NAME_WORDS and len("".join(bare[a:b])) > 1]
    for k, (a, b) in enumerate(runs):
        joins = k + 1 < len(runs) and _joins(tokens, bare, b, runs[k + 1][0])
        was_joined = k > 0 and _joins(tokens, bare, runs[k - 1][1], a)
        yield a, b, joins or was_joined
        if joins and runs[k + 1][1] - a <= MAX_NAME_WORDS:
            yield a, runs[k + 1][1], False


def _joins(tokens: Sequence[str], bare: Sequence[str], end: int, start: int) -> bool:
    """Whether the words between two runs may be inside of a name."""
    between = bare[end:start]
    return (
        0 < len(between) <= MAX_INNER_WORDS
        and INNER_WORDS.issuperset(between)
        and not any(_breaks(tokens, k) for k in range(end, start + 1))
    )


def longer_names(names: Mapping[Key, Name]) -> dict[str, Name]:
    """For each word that begins or ends longer names, the one said most often.

    :param names: All names of the episode.
    """
    longer: dict[str, Name] = {}
    for key, name in names.items():
        for word in {key[0], key[-1]} if len(key) > 1 else ():
            if word not in longer or longer[word].count < name.count:
                longer[word] = name
    return longer
