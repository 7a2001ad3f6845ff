"""Is a written sentence supported by what was said? Features of the pair, judged by a head.

Looks for the transcript sentences that say it best, then at what those, and the whole passage,
have of its content words, names and numbers, and whether they deny what it denies. The
``support`` head weighs the features; names and numbers that were not said are refused whatever
it finds (docs/adr/0013-summarizer.md).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.claims import (
    bare_stem,
    denied_stems,
    is_uncertain,
    long_stems,
    names_in,
    numbers_in,
    reports_question,
)
from edge.english.paraphrase import retells
from edge.english.words import Rarity, stem, words
from edge.runtime.heads import Head

N_EVIDENCE = 3
"""Transcript sentences a written one points at, at most."""
NEAR = 5
"""Sentences looked at around a place: who says what is seldom in one sentence."""
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
    spoken: tuple[frozenset[str], ...]
    """Of each sentence, stems of all its words and of its speaker's name."""
    stems: tuple[frozenset[str], ...]
    pairs: frozenset[tuple[str, str]]
    numbers: tuple[frozenset[str], ...]
    denied: tuple[frozenset[str], ...]
    """Of each sentence, the stems that a denial concerns."""


@dataclass(frozen=True)
class Evidence:
    """Where a sentence is supported, and what it says that was never said."""

    places: tuple[int, ...]
    """Indices into the passage's sentences, best first."""
    unsaid: tuple[str, ...]
    """Names and numbers of the sentence that the passage lacks."""


def source_passage(
    texts: Sequence[str], vectors: Float32Array, speakers: Sequence[str | None] = ()
) -> SourcePassage:
    """A passage prepared for finding evidence in it.

    :param texts: Its sentences; at least one.
    :param vectors: Their vectors, shape (sentences, dimension).
    :param speakers: Who says each; empty where the transcript does not know.
    """
    names = [speaker or "" for speaker in speakers] or [""] * len(texts)
    stems = [long_stems(text) for text in texts]
    pairs = itertools.chain.from_iterable(itertools.pairwise(own) for own in stems)
    return SourcePassage(
        tuple(texts),
        vectors,
        tuple(names),
        tuple(_spoken(f"{name} {text}") for name, text in zip(names, texts, strict=True)),
        tuple(frozenset(own) for own in stems),
        frozenset(pairs),
        tuple(
            frozenset(numbers_in(f"{name} {text}")) for name, text in zip(names, texts, strict=True)
        ),
        tuple(frozenset(denied_stems(text)) for text in texts),
    )


def find_evidence(
    claim: str,
    vector: Float64Array | Float32Array,
    said: SourcePassage,
    rarity: Rarity | None = None,
) -> Evidence:
    """The transcript sentences that say a claim best, and what of it they lack.

    :param claim: A written sentence.
    :param vector: Its vector, shape (dimension,).
    :param said: The passage.
    :param rarity: Word to 0 (common) to 1 (rare); None to look at names alone.
    """
    closeness = _closeness(claim, vector, said)
    order = np.argsort(-closeness, kind="stable")[:N_EVIDENCE]
    least = EVIDENCE_SHARE * closeness[order[0]]
    places = tuple(int(i) for i in order if closeness[i] >= least)
    return Evidence(places, tuple(unsaid(claim, said, rarity)))


def unsaid(claim: str, said: SourcePassage, rarity: Rarity | None = None) -> list[str]:
    """Names and numbers of a claim that its passage lacks.

    A sentence's first word has a capital whatever it is: it counts where no dictionary has it.

    :param claim: A written sentence.
    :param said: The passage.
    :param rarity: Word to 0 (common) to 1 (in no dictionary); None to leave first words alone.
    """
    spoken = frozenset().union(*said.spoken)
    names = names_in(claim)
    first = re.sub(r"['’]s?$", "", next(iter(words(claim)), ""))
    if rarity is not None and rarity(first) == 1.0:
        names = [first, *names]
    missing = [name for name in names if not _is_said(name, spoken)]
    numbers = set().union(*said.numbers) | SMALL_NUMBERS
    return missing + [number for number in numbers_in(claim) if number not in numbers]


def retold_place(claim: str, said: SourcePassage) -> int | None:
    """The transcript sentence that a claim retells, and does not turn around.

    A question is retold as one, and a wish or a possibility as one.

    :param claim: A written sentence.
    :param said: The passage.
    :return: Its place in the passage; None if there is none.
    """
    for place, text in enumerate(said.texts):
        is_question = text.rstrip("\"”’'").endswith("?")
        is_turned = is_question != reports_question(claim) or (
            is_uncertain(text) and not is_uncertain(claim)
        )
        if not is_turned and retells(claim, text):
            return place
    return None


def support_features(
    claims: Sequence[str], vectors: Float32Array, said: SourcePassage, rarity: Rarity
) -> Mapping[str, Float64Array]:
    """What the ``support`` head reads, one value a claim.

    :param claims: Written sentences.
    :param vectors: Their vectors, shape (claims, dimension).
    :param said: The passage they are about.
    :param rarity: Word to 0 (common) to 1 (rare).
    """
    rows = [
        _features(claim, vector, said, rarity)
        for claim, vector in zip(claims, vectors, strict=True)
    ]
    names = rows[0] if rows else {}
    return {name: np.array([row[name] for row in rows], float) for name in names}


def predict_support(
    claims: Sequence[str], vectors: Float32Array, said: SourcePassage, rarity: Rarity, head: Head
) -> Float64Array:
    """Chance that each claim is supported by its passage, shape (claims,).

    :param claims: Written sentences.
    :param vectors: Their vectors, shape (claims, dimension).
    :param said: The passage.
    :param rarity: Word to 0 (common) to 1 (rare).
    :param head: The ``support`` head.
    """
    if not claims:
        return np.zeros(0)
    return head.predict(support_features(claims, vectors, said, rarity))


def pairs_said(claim: str, said: SourcePassage) -> float:
    """Share of a claim's neighbouring words, as stems, that are neighbours in the passage.

    :param claim: A written sentence.
    :param said: The passage.
    """
    pairs = list(itertools.pairwise(long_stems(claim)))
    return sum(pair in said.pairs for pair in pairs) / max(1, len(pairs))


def _features(
    claim: str, vector: Float64Array | Float32Array, said: SourcePassage, rarity: Rarity
) -> dict[str, float]:
    cosines = np.asarray(said.vectors @ vector, float)
    closeness = _closeness(claim, vector, said)
    order = np.argsort(-closeness, kind="stable")
    best = order[:N_EVIDENCE]
    own = long_stems(claim)
    weights = {word: 0.2 + rarity(word) for word in own}
    everywhere = frozenset().union(*said.stems)
    windows = [_near(int(i), len(said.texts)) for i in order[:NEAR]]
    local = [frozenset().union(*said.stems[a:b]) for a, b in windows]
    names, numbers = names_in(claim), numbers_in(claim)
    near_words = [frozenset().union(*said.spoken[a:b]) for a, b in windows]
    near_numbers = [set().union(*said.numbers[a:b]) | SMALL_NUMBERS for a, b in windows]
    claim_denied = denied_stems(claim)
    best_denied = frozenset().union(*(said.denied[i] for i in best))
    shared = set(own) & frozenset().union(*(said.stems[i] for i in best))
    n_best_denials = sum(bool(said.denied[i]) for i in best)
    return {
        "cosine_best": float(cosines.max()),
        "cosine_top": float(np.sort(cosines)[-N_EVIDENCE:].mean()),
        "cosine_passage": float(cosines.mean()),
        "covered_best": _covered(weights, said.stems[order[0]]),
        "covered_top": _covered(weights, frozenset().union(*(said.stems[i] for i in best))),
        "covered_near": max(_covered(weights, stems) for stems in local),
        "covered_passage": _covered(weights, everywhere),
        "missing_weight": sum(w for word, w in weights.items() if word not in everywhere),
        "rarest_missing": max(
            (rarity(word) for word in weights if word not in everywhere), default=0.0
        ),
        "pairs_said": pairs_said(claim, said),
        "names": float(len(names)),
        "names_near": max(_share_said(names, near) for near in near_words),
        "names_anchored": min((_anchored(own, name, said) for name in names), default=1.0),
        "speaker_best": _speaker_agrees(names, said, best.tolist()),
        "numbers": float(len(numbers)),
        "numbers_anchored": min(
            (_anchored_number(own, number, said) for number in numbers), default=1.0
        ),
        "numbers_near": max(
            sum(n in near for n in numbers) / len(numbers) if numbers else 1.0
            for near in near_numbers
        ),
        "unsaid": float(len(unsaid(claim, said))),
        "denials": float(len(claim_denied)),
        "denials_best": n_best_denials / len(best),
        "denial_agrees": len(claim_denied & best_denied) / max(1, len(claim_denied)),
        "denial_lost": len((best_denied & shared) - claim_denied) / max(1, len(shared)),
        "denial_invented": len((claim_denied & shared) - best_denied) / max(1, len(shared)),
        "content_words": float(len(own)),
        "passage_sentences": float(min(len(said.texts), 60)),
    }


def _anchored(own: Sequence[str], name: str, said: SourcePassage) -> float:
    """How much of a claim is said close to where a name of it is."""
    at = [i for i, spoken in enumerate(said.spoken) if _is_said(name, spoken)]
    return _best_around(set(own) - {bare_stem(name)}, at, said)


def _anchored_number(own: Sequence[str], number: str, said: SourcePassage) -> float:
    at = [i for i, numbers in enumerate(said.numbers) if number in numbers]
    return _best_around(set(own), at, said)


def _best_around(wanted: set[str], places: Sequence[int], said: SourcePassage) -> float:
    """Largest share of some stems within one sentence of any of some places."""
    shares = []
    for i in places:
        around = frozenset().union(*said.stems[max(0, i - 1) : i + 2])
        shares.append(len(wanted & around) / max(1, len(wanted)))
    return max(shares, default=0.0)


def _speaker_agrees(names: Sequence[str], said: SourcePassage, best: Sequence[int]) -> float:
    """Whether who says the evidence is who a claim names: 1, 0, or 0.5 where neither tells."""
    known = {stem(word) for speaker in said.speakers for word in words(speaker)}
    named = {stem(name) for name in names} & known
    if not named:
        return 0.5
    shares = [bool(named & {stem(w) for w in words(said.speakers[i])}) for i in best]
    return sum(shares) / len(shares)


def _spoken(text: str) -> frozenset[str]:
    """Stems of all words of a text, and of the parts of those that are joined."""
    whole = [stem(word) for word in words(text)]
    parts = [part for word in whole for part in re.split(r"[-/’'.]", word) if part]
    joined = [re.sub(r"[-.]", "", word) for word in whole]
    return frozenset([*whole, *parts, *joined])


def _closeness(
    claim: str, vector: Float64Array | Float32Array, said: SourcePassage
) -> Float64Array:
    """Cosine of each sentence to a claim, and as much for the words they share."""
    own = frozenset(long_stems(claim))
    shared = np.array([len(own & stems) / max(1, len(own)) for stems in said.stems])
    closeness: Float64Array = np.asarray(said.vectors @ vector, float) + shared
    return closeness


def _near(place: int, n: int) -> tuple[int, int]:
    return max(0, place - NEAR // 2), min(n, place + NEAR // 2 + 1)


def _covered(weights: Mapping[str, float], known: frozenset[str]) -> float:
    total = sum(weights.values())
    return sum(w for word, w in weights.items() if word in known) / total if total else 1.0


def _share_said(names: Sequence[str], spoken: frozenset[str]) -> float:
    return sum(_is_said(name, spoken) for name in names) / len(names) if names else 1.0


def _is_said(name: str, spoken: frozenset[str]) -> bool:
    whole = stem(name)
    parts = [part for part in re.split(r"[-/]", whole) if part]
    return whole in spoken or all(part in spoken for part in parts)
