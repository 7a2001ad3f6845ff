"""How likely a written sentence is supported by its passage: features of the pair, and a head.

The features say what the closest transcript sentences, and the whole passage, have of its words,
names and numbers, and whether they deny what it denies. The ``support`` head weighs them; what
was not said is refused whatever the head says (docs/adr/0013-summarizer.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.abstractive.grounding import (
    N_EVIDENCE,
    SMALL_NUMBERS,
    SourcePassage,
    is_spoken,
    missing_entities,
    sentence_closeness,
    spoken_pair_share,
)
from edge.arrays import Float32Array, Float64Array
from edge.english.claims import bare_stem, denied_stems, long_stems, names_in, numbers_in
from edge.english.words import Rarity, stem, words
from edge.runtime.heads import Head

N_NEIGHBOURHOODS = 5
"""Closest sentences that are looked at with their neighbours."""
NEIGHBOURS = 2
"""Sentences before and after each: who says what is seldom in one sentence."""
NAME_NEIGHBOURS = 1
"""Sentences before and after one that has a name or number of the claim."""
COMMON_WORD_WEIGHT = 0.2
"""What a word counts that everybody uses; the rarest counts 1 more."""
MAX_SENTENCES_COUNTED = 60
"""A longer passage counts as one of so many."""


@dataclass(frozen=True)
class _Comparison:
    """A claim beside its passage: what the features are measured on."""

    claim: str
    stems: Sequence[str]
    names: Sequence[str]
    numbers: Sequence[str]
    passage: SourcePassage
    cosines: Float64Array
    """Of each sentence of the passage, shape (sentences,)."""
    closest: Sequence[int]
    """Indices of the ``N_EVIDENCE`` closest sentences, the closest first."""
    neighbourhoods: Sequence[slice]
    """Stretches of the passage around its closest sentences, the closest first."""


def predict_support(
    claims: Sequence[str], vectors: Float32Array, passage: SourcePassage, rarity: Rarity, head: Head
) -> Float64Array:
    """Chance that each claim is supported by its passage.

    :param claims: Written sentences.
    :param vectors: Their vectors, shape (claims, dimension).
    :param passage: What they are about.
    :param rarity: Word to 0 (common) to 1 (rare).
    :param head: The ``support`` head.
    :return: Shape (claims,), 0 to 1.
    """
    if not claims:
        return np.zeros(0)
    return head.predict(support_features(claims, vectors, passage, rarity))


def support_features(
    claims: Sequence[str], vectors: Float32Array, passage: SourcePassage, rarity: Rarity
) -> Mapping[str, Float64Array]:
    """What the ``support`` head reads, by the names that its bundle lists.

    :param claims: Written sentences.
    :param vectors: Their vectors, shape (claims, dimension).
    :param passage: What they are about.
    :param rarity: Word to 0 (common) to 1 (rare).
    :return: Feature -> one value a claim, shape (claims,).
    """
    rows = [
        _features(_compare(claim, vector, passage), rarity)
        for claim, vector in zip(claims, vectors, strict=True)
    ]
    names = rows[0] if rows else {}
    return {name: np.array([row[name] for row in rows], float) for name in names}


def _compare(claim: str, vector: Float32Array, passage: SourcePassage) -> _Comparison:
    order = np.argsort(-sentence_closeness(claim, vector, passage), kind="stable").tolist()
    return _Comparison(
        claim=claim,
        stems=long_stems(claim),
        names=names_in(claim),
        numbers=numbers_in(claim),
        passage=passage,
        cosines=np.asarray(passage.vectors @ vector, float),
        closest=order[:N_EVIDENCE],
        neighbourhoods=[_around(index, NEIGHBOURS) for index in order[:N_NEIGHBOURHOODS]],
    )


def _around(index: int, n_neighbours: int) -> slice:
    return slice(max(0, index - n_neighbours), index + n_neighbours + 1)


def _features(pair: _Comparison, rarity: Rarity) -> dict[str, float]:
    """All features; their order is that of the columns a head is trained on."""
    return {
        "cosine_best": float(pair.cosines.max()),
        "cosine_top": float(np.sort(pair.cosines)[-N_EVIDENCE:].mean()),
        "cosine_passage": float(pair.cosines.mean()),
        **_coverage_features(pair, rarity),
        **_name_features(pair),
        **_number_features(pair),
        "unsaid": float(len(missing_entities(pair.claim, pair.passage))),
        **_denial_features(pair),
        "content_words": float(len(pair.stems)),
        "passage_sentences": float(min(len(pair.passage.texts), MAX_SENTENCES_COUNTED)),
    }


def _coverage_features(pair: _Comparison, rarity: Rarity) -> dict[str, float]:
    """How much of a claim's words its passage has, rare words weighing more."""
    sentence_stems = pair.passage.long_stems
    passage_stems = frozenset().union(*sentence_stems)
    closest_stems = frozenset().union(*(sentence_stems[i] for i in pair.closest))
    weights = {word: COMMON_WORD_WEIGHT + rarity(word) for word in pair.stems}
    missing = [word for word in weights if word not in passage_stems]
    return {
        "covered_best": _covered(weights, sentence_stems[pair.closest[0]]),
        "covered_top": _covered(weights, closest_stems),
        "covered_near": max(
            _covered(weights, frozenset().union(*sentence_stems[near]))
            for near in pair.neighbourhoods
        ),
        "covered_passage": _covered(weights, passage_stems),
        "missing_weight": sum(weights[word] for word in missing),
        "rarest_missing": max(map(rarity, missing), default=0.0),
        "pairs_said": spoken_pair_share(pair.claim, pair.passage),
    }


def _covered(weights: Mapping[str, float], stems: frozenset[str]) -> float:
    """Share of the weight of some words that others have; 1 where there are none."""
    total = sum(weights.values())
    return sum(w for word, w in weights.items() if word in stems) / total if total else 1.0


def _name_features(pair: _Comparison) -> dict[str, float]:
    """Whether a claim's names are near its evidence, and near what it says of them."""
    word_stems = pair.passage.word_stems
    near_stems = [frozenset().union(*word_stems[near]) for near in pair.neighbourhoods]
    shares_around = [
        _share_around(
            [i for i, stems in enumerate(word_stems) if is_spoken(name, stems)],
            set(pair.stems) - {bare_stem(name)},
            pair.passage,
        )
        for name in pair.names
    ]
    return {
        "names": float(len(pair.names)),
        "names_near": max(
            _share(is_spoken(name, stems) for name in pair.names) for stems in near_stems
        ),
        "names_anchored": min(shares_around, default=1.0),
        "speaker_best": _speaker_agreement(pair),
    }


def _number_features(pair: _Comparison) -> dict[str, float]:
    """The same of its numbers."""
    numbers = pair.passage.numbers
    near_numbers = [SMALL_NUMBERS.union(*numbers[near]) for near in pair.neighbourhoods]
    shares_around = [
        _share_around(
            [i for i, spoken in enumerate(numbers) if number in spoken],
            set(pair.stems),
            pair.passage,
        )
        for number in pair.numbers
    ]
    return {
        "numbers": float(len(pair.numbers)),
        "numbers_anchored": min(shares_around, default=1.0),
        "numbers_near": max(
            _share(number in near for number in pair.numbers) for near in near_numbers
        ),
    }


def _share(answers: Iterable[bool]) -> float:
    """Share of true answers; 1 where nothing was asked."""
    listed = list(answers)
    return sum(listed) / len(listed) if listed else 1.0


def _share_around(indices: Iterable[int], stems: set[str], passage: SourcePassage) -> float:
    """Largest share of some stems that is said in, or next to, any of some sentences."""
    shares = []
    for index in indices:
        near = frozenset().union(*passage.long_stems[_around(index, NAME_NEIGHBOURS)])
        shares.append(len(stems & near) / max(1, len(stems)))
    return max(shares, default=0.0)


def _speaker_agreement(pair: _Comparison) -> float:
    """Whether who says the evidence is who a claim names: 1, 0, or 0.5 where neither tells."""
    speakers = pair.passage.speakers
    known = {stem(word) for speaker in speakers for word in words(speaker)}
    named = {stem(name) for name in pair.names} & known
    if not named:
        return 0.5
    return _share(bool(named & {stem(word) for word in words(speakers[i])}) for i in pair.closest)


def _denial_features(pair: _Comparison) -> dict[str, float]:
    """Whether a claim denies what its evidence denies."""
    denied = [pair.passage.denied_stems[i] for i in pair.closest]
    claim_denied, passage_denied = denied_stems(pair.claim), frozenset().union(*denied)
    evidence_stems = frozenset().union(*(pair.passage.long_stems[i] for i in pair.closest))
    shared = evidence_stems.intersection(pair.stems)
    n_shared = max(1, len(shared))
    return {
        "denials": float(len(claim_denied)),
        "denials_best": sum(map(bool, denied)) / len(denied),
        "denial_agrees": len(claim_denied & passage_denied) / max(1, len(claim_denied)),
        "denial_lost": len((passage_denied & shared) - claim_denied) / n_shared,
        "denial_invented": len((claim_denied & shared) - passage_denied) / n_shared,
    }
