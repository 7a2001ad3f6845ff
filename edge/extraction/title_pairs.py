"""Two candidates for a title as one: two subjects, or a subject and what is said near it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.words import FUNCTION_WORDS
from edge.extraction.features import unit
from edge.extraction.syntax import FORMS, plain_word
from edge.extraction.title_candidates import TitleCandidate

N_JOINED, MAX_JOINED = 8, 4
"""The best noun phrases, of so many words at the most, are joined in pairs."""
N_SAID, MIN_SAID = 10, 3
"""The best of them and the best longer candidates are."""
NEAR = 2
"""Lines back to where the noun phrase was said last."""
MAX_TITLE_WORDS = 10
ROOT_LETTERS = 5
_NOUN = FORMS.index("noun")


def join_pairs(
    pool: Sequence[TitleCandidate],
    vectors: Float32Array,
    worth: Float64Array,
    lines: Sequence[frozenset[str]],
) -> tuple[list[TitleCandidate], Float32Array]:
    """Two of the best candidates as one, in the order they are said in.

    Two noun phrases are joined by "and"; a noun phrase and what is said near it by a comma.

    :param pool: Candidates.
    :param vectors: Vectors of their texts, shape (candidates, dimension).
    :param worth: Which are the better, shape (candidates,).
    :param lines: Stems of each sentence of the chapter.
    :return: The pairs and, for their vectors, the middle of the two's.
    """
    order = np.argsort(-worth, kind="stable").tolist()
    nouns = [k for k in order if _is_plain_noun(pool[k]) and len(pool[k].tokens) <= MAX_JOINED]
    others = [k for k in order if len(pool[k].tokens) >= MIN_SAID]
    best = sorted(nouns[:N_JOINED], key=lambda k: (pool[k].line, pool[k].place))
    found = [(i, j, " and ") for i, j in combinations(best, 2)]
    found += [
        (i, j, ", ")
        for i in nouns[:N_SAID]
        for j in others[:N_SAID]
        if _is_said_of(pool[i], pool[j], lines)
    ]
    found = [
        (i, j, joint)
        for i, j, joint in found
        if not _roots(pool[i]) & _roots(pool[j])
        and len(pool[i].tokens) + len(pool[j].tokens) <= MAX_TITLE_WORDS
    ]
    pairs = [pool[i].joined(pool[j], joint) for i, j, joint in found]
    middles = [vectors[i] + vectors[j] for i, j, _ in found]
    rows = np.asarray(unit(np.array(middles).reshape(len(found), vectors.shape[1])), np.float32)
    return pairs, rows


def _is_said_of(
    subject: TitleCandidate, said: TitleCandidate, lines: Sequence[frozenset[str]]
) -> bool:
    """Whether a subject is said more than once, before what is said of it and near it."""
    holding = [i for i, line in enumerate(lines) if subject.stems <= line]
    is_before = (subject.line, subject.place) < (said.line, said.place)
    return is_before and len(holding) > 1 and any(0 <= said.line - i <= NEAR for i in holding)


def _is_plain_noun(candidate: TitleCandidate) -> bool:
    plain = map(plain_word, candidate.tokens)
    return candidate.forms[_NOUN] > 0.5 and FUNCTION_WORDS.isdisjoint(plain)


def _roots(candidate: TitleCandidate) -> set[str]:
    return {stem[:ROOT_LETTERS] for stem in candidate.stems}
