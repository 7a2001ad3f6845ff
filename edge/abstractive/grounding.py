"""Where a written sentence is supported: the sentences of a passage that say it.

Looks for the transcript sentence that a written one retells, for those closest to it, and for
names and numbers that nobody said (docs/adr/0013-summarizer.md).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.claims import (
    denied_stems,
    is_uncertain,
    long_stems,
    names_in,
    numbers_in,
    reports_question,
)
from edge.english.paraphrase import retells
from edge.english.words import Rarity, stem, words

N_EVIDENCE = 3
"""Transcript sentences a written one points at, at most."""
EVIDENCE_SHARE = 0.6
"""A sentence is evidence if it is this share as close as the closest."""
SMALL_NUMBERS = frozenset({"0", "1", "2"})
"""Numbers that English has other words for: their absence proves nothing."""


@dataclass(frozen=True)
class SourcePassage:
    """A passage as something to look for evidence in.

    Made once for all that is written about it.
    """

    texts: tuple[str, ...]
    vectors: Float32Array
    """Shape (sentences, dimension)."""
    speakers: tuple[str, ...]
    """Who says each sentence, empty where nobody knows; speakers' names count as said."""
    word_stems: tuple[frozenset[str], ...]
    """Of each sentence, stems of all its words and of its speaker's name."""
    long_stems: tuple[frozenset[str], ...]
    """Of each sentence, as ``edge.english.claims.long_stems`` gives them."""
    stem_pairs: frozenset[tuple[str, str]]
    """Long stems that follow each other in any sentence."""
    numbers: tuple[frozenset[str], ...]
    """Of each sentence and its speaker's name, as digits."""
    denied_stems: tuple[frozenset[str], ...]
    """Of each sentence, the stems that a denial concerns."""


@dataclass(frozen=True)
class Evidence:
    """Where a claim is supported, and what it names that was never said."""

    passage_indices: tuple[int, ...]
    """Indices into the passage's sentences, the closest first."""
    missing_entities: tuple[str, ...]
    """Names and numbers of the claim that the passage lacks."""


def source_passage(
    texts: Sequence[str], vectors: Float32Array, speakers: Sequence[str | None] = ()
) -> SourcePassage:
    """A passage prepared for finding evidence in it.

    :param texts: Its sentences; at least one.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param speakers: Who says each; empty where the transcript does not know.
    """
    names = [speaker or "" for speaker in speakers] or [""] * len(texts)
    named_texts = [f"{name} {text}" for name, text in zip(names, texts, strict=True)]
    stems = [long_stems(text) for text in texts]
    return SourcePassage(
        texts=tuple(texts),
        vectors=vectors,
        speakers=tuple(names),
        word_stems=tuple(_word_stems(text) for text in named_texts),
        long_stems=tuple(frozenset(sentence_stems) for sentence_stems in stems),
        stem_pairs=frozenset(
            pair for sentence_stems in stems for pair in itertools.pairwise(sentence_stems)
        ),
        numbers=tuple(frozenset(numbers_in(text)) for text in named_texts),
        denied_stems=tuple(frozenset(denied_stems(text)) for text in texts),
    )


def find_evidence(
    claim: str, vector: Float32Array, passage: SourcePassage, rarity: Rarity | None = None
) -> Evidence:
    """The transcript sentences that are closest to a claim, and what of it they lack.

    :param claim: A written sentence.
    :param vector: Its vector, shape (dimension,).
    :param passage: What it is about.
    :param rarity: Word to 0 (common) to 1 (rare); None to look at names alone.
    """
    closeness = sentence_closeness(claim, vector, passage)
    order = np.argsort(-closeness, kind="stable")[:N_EVIDENCE]
    least = EVIDENCE_SHARE * closeness[order[0]]
    return Evidence(
        tuple(int(i) for i in order if closeness[i] >= least),
        tuple(missing_entities(claim, passage, rarity)),
    )


def sentence_closeness(claim: str, vector: Float32Array, passage: SourcePassage) -> Float64Array:
    """How close each sentence is to a claim: its cosine, and as much for the words they share.

    :param claim: A written sentence.
    :param vector: Its vector, shape (dimension,).
    :param passage: What it is about.
    :return: Shape (sentences,), at most 2.
    """
    claim_stems = frozenset(long_stems(claim))
    n_stems = max(1, len(claim_stems))
    shared = np.array([len(claim_stems & stems) / n_stems for stems in passage.long_stems])
    closeness: Float64Array = np.asarray(passage.vectors @ vector, float) + shared
    return closeness


def missing_entities(claim: str, passage: SourcePassage, rarity: Rarity | None = None) -> list[str]:
    """Names and numbers of a claim that its passage lacks.

    A sentence's first word has a capital whatever it is: it counts where no dictionary has it.

    :param claim: A written sentence.
    :param passage: What it is about.
    :param rarity: Word to 0 (common) to 1 (in no dictionary); None to leave first words alone.
    """
    word_stems = frozenset().union(*passage.word_stems)
    names = names_in(claim)
    first_word = re.sub(r"['’]s?$", "", next(iter(words(claim)), ""))
    if rarity is not None and rarity(first_word) == 1.0:
        names = [first_word, *names]
    numbers = SMALL_NUMBERS.union(*passage.numbers)
    return [name for name in names if not is_spoken(name, word_stems)] + [
        number for number in numbers_in(claim) if number not in numbers
    ]


def find_retold(claim: str, passage: SourcePassage) -> int | None:
    """The transcript sentence that a claim retells, and does not turn around.

    A question is retold as one, and a wish or a possibility as one.

    :param claim: A written sentence.
    :param passage: What it is about.
    :return: Its index in the passage; None if there is none.
    """
    for index, text in enumerate(passage.texts):
        is_question = text.rstrip("\"”’'").endswith("?")
        is_turned = is_question != reports_question(claim) or (
            is_uncertain(text) and not is_uncertain(claim)
        )
        if not is_turned and retells(claim, text):
            return index
    return None


def is_spoken(name: str, word_stems: frozenset[str]) -> bool:
    """Whether a name is among some words, as one of them or part by part.

    :param name: A word written as a name.
    :param word_stems: Of one or several sentences of a passage.
    """
    name_stem = stem(name)
    parts = [part for part in re.split(r"[-/]", name_stem) if part]
    return name_stem in word_stems or all(part in word_stems for part in parts)


def spoken_pair_share(claim: str, passage: SourcePassage) -> float:
    """Share of a claim's neighbouring words, as stems, that are neighbours in the passage.

    :param claim: A written sentence.
    :param passage: What it is about.
    """
    pairs = list(itertools.pairwise(long_stems(claim)))
    return sum(pair in passage.stem_pairs for pair in pairs) / max(1, len(pairs))


def _word_stems(text: str) -> frozenset[str]:
    """Stems of all words of a text, and of the parts of those that are joined."""
    stems = [stem(word) for word in words(text)]
    parts = [part for word in stems for part in re.split(r"[-/’'.]", word) if part]
    joined = [re.sub(r"[-.]", "", word) for word in stems]
    return frozenset([*stems, *parts, *joined])
