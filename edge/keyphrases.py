"""Keyphrases: noun-phrase-like candidates, ranked by meaning, frequency and position."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge.lexicon import GENERIC, NOUN_LIKE_FORMS, is_content_word, stem, words
from edge.records import Keyphrase, Mention, Sentence

FloatArray = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], FloatArray]
Rarity = Callable[[str], float]
Key = tuple[str, ...]
"""A phrase as the stems of its words: its identity."""

MAX_PHRASE_WORDS = 4
COMMON_WEIGHT = 0.4
"""What a phrase of common words only ("data", "system") is worth beside a rare one."""
N_EMBEDDED = 160
"""Candidates that are worth a place in the model's batches."""
SAME_MEANING = 0.88
"""Cosine above which two phrases are one; the better-ranked wording stays."""
MIN_OPEN = 0.3
"""Share of mentions in which a phrase is not cut out of a longer one, on each side."""
_NO_NOUN = re.compile(r"(?:ical|ional|ous|ful|able|ible|less|[^ie]ed|ory|[^tr]ive|ese|ish)$|..ing$")
_CLAUSE_END = re.compile(r"[,.;:?!…—)\"”\]]+$")
_CLAUSE_START = re.compile(r"^[(\"“\[—]")


@dataclass
class Candidate:
    """A phrase on its way to be ranked."""

    key: Key
    mentions: list[tuple[int, Mention]] = field(default_factory=list)
    """(sentence index, mention) in order."""
    surfaces: Counter[str] = field(default_factory=Counter)
    n_capitalised: int = 0
    """Mentions with every word capitalised though no sentence begins there."""
    n_open_left: int = 0
    """Mentions with no content word right before."""
    n_open_right: int = 0
    """Mentions with no content word right after."""
    n_inside: int = 0
    """Mentions that do not begin a sentence: only these tell names from other words."""

    @property
    def is_name(self) -> bool:
        """Whether it is written like a name: capitalised inside sentences."""
        return self.n_inside > 0 and self.n_capitalised >= 0.5 * self.n_inside

    @property
    def can_stand_alone(self) -> bool:
        """Whether it reads like a noun phrase, as far as its last word tells."""
        last = self.key[-1]
        if last in GENERIC or last.endswith("ly"):
            return False
        if len(self.key) == 1 and (_NO_NOUN.search(last) or last in NOUN_LIKE_FORMS):
            return False
        # "learning code" is only ever cut out of "machine learning code".
        return min(self.n_open_left, self.n_open_right) >= MIN_OPEN * len(self.mentions)

    @property
    def text(self) -> str:
        """The commonest wording, in lower case unless it is a name."""
        surface = max(self.surfaces.items(), key=lambda item: (item[1], item[0]))[0]
        if self.is_name:
            return surface
        return " ".join(w if _keeps_case(w) else w.lower() for w in surface.split())


def _keeps_case(word: str) -> bool:
    return sum(character.isupper() for character in word) > 1 or "." in word


def find_candidates(sentences: Sequence[Sentence], usable: Sequence[bool]) -> dict[Key, Candidate]:
    """All phrases of one to four content words inside a clause, with their mentions.

    :param sentences: The whole episode.
    :param usable: For each sentence, whether it may be a source.
    """
    candidates: dict[Key, Candidate] = {}
    for i, sentence in enumerate(sentences):
        if not usable[i]:
            continue
        tokens = sentence.text.split()
        for start, run in _content_runs(tokens):
            for a in range(len(run)):
                for b in range(a + 1, min(a + MAX_PHRASE_WORDS, len(run)) + 1):
                    _add(candidates, sentence, i, start, run, a, b)
    return candidates


def _add(
    candidates: dict[Key, Candidate],
    sentence: Sentence,
    i: int,
    start: int,
    run: list[str],
    a: int,
    b: int,
) -> None:
    """Count words a to b of a run that begins at word ``start`` of sentence ``i``."""
    phrase = run[a:b]
    at = start + a
    key = tuple(stem(word) for word in phrase)
    if len(set(key)) < len(key):  # a stutter: "machine machine learning"
        return
    candidate = candidates.setdefault(key, Candidate(key))
    segment = sentence.word_segments[at]
    candidate.mentions.append((i, Mention(segment, sentence.word_starts_s[at])))
    candidate.surfaces[" ".join(phrase)] += 1
    candidate.n_open_left += a == 0
    candidate.n_open_right += b == len(run)
    if at > 0:
        candidate.n_inside += 1
        candidate.n_capitalised += all(word[:1].isupper() for word in phrase)


def _content_runs(tokens: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(position, words) of each unbroken run of content words."""
    run: list[str] = []
    start = 0
    for position, token in enumerate(tokens):
        bare = words(token)
        is_content = len(bare) == 1 and is_content_word(bare[0])
        if run and (not is_content or _CLAUSE_START.match(token)):
            yield start, run
            run = []
        if is_content:
            if not run:
                start = position
            run.append(_bare(token))
            if _CLAUSE_END.search(token):
                yield start, run
                run = []
    if run:
        yield start, run


def _bare(token: str) -> str:
    word = words(token)[0]
    return re.sub(r"['’]s$", "", word)


def rank_keyphrases(
    sentences: Sequence[Sentence],
    candidates: dict[Key, Candidate],
    document: FloatArray,
    encode: Encode,
    rarity: Rarity,
    limit: int,
) -> list[Keyphrase]:
    """The best phrases of an episode, near-duplicates merged.

    score = cosine to the episode x log frequency x position x rarity, after EmbedRank and
    PositionRank; a phrase inside a longer one that is nearly as frequent gives way to it.

    :param sentences: The whole episode.
    :param candidates: As ``find_candidates`` gives them.
    :param document: Mean vector of the episode, shape (dimension,).
    :param encode: Texts to unit vectors.
    :param rarity: Word to 0 (common) to 1 (rare).
    :param limit: Most phrases to return.
    """
    prominence = {
        key: _prominence(candidate, len(sentences), rarity) for key, candidate in candidates.items()
    }
    pool = _worth_embedding(candidates, prominence)
    if not pool:
        return []
    vectors = encode([candidate.text for candidate in pool])  # (pool, dimension)
    unit = document / max(float(np.linalg.norm(document)), 1e-12)
    scores = np.array(
        [
            max(float(vector @ unit), 0.02) * prominence[candidate.key]
            for candidate, vector in zip(pool, vectors, strict=True)
        ]
    )
    chosen: list[int] = []
    for k in np.argsort(-scores, kind="stable"):
        if len(chosen) == limit:
            break
        if not any(_is_same(pool[k], pool[c], vectors[k], vectors[c]) for c in chosen):
            chosen.append(int(k))
    best = max(float(scores[chosen[0]]), 1e-12)
    return [
        Keyphrase(
            text=pool[k].text,
            score=round(float(scores[k]) / best, 4),
            mentions=tuple(mention for _, mention in pool[k].mentions),
        )
        for k in chosen
    ]


def _worth_embedding(
    candidates: dict[Key, Candidate], prominence: dict[Key, float]
) -> list[Candidate]:
    in_longer = _counts_in_longer(candidates)
    kept = [
        candidate
        for candidate in candidates.values()
        if _is_phrase(candidate) and in_longer[candidate.key] < 0.6 * len(candidate.mentions)
    ]
    kept.sort(key=lambda c: (-prominence[c.key], c.key))
    return kept[:N_EMBEDDED]


def _counts_in_longer(candidates: dict[Key, Candidate]) -> Counter[Key]:
    """For each phrase, how often the commonest acceptable longer phrase with it occurs."""
    counts: Counter[Key] = Counter()
    for candidate in candidates.values():
        n = len(candidate.key)
        if n == 1 or not _is_phrase(candidate):
            continue
        for a in range(n):
            for b in range(a + 1, n + 1):
                if b - a < n:
                    inner = candidate.key[a:b]
                    counts[inner] = max(counts[inner], len(candidate.mentions))
    return counts


def _is_phrase(candidate: Candidate) -> bool:
    """A single word must be frequent or a name; several must recur or be a name."""
    n_words = len(candidate.key)
    count = len(candidate.mentions)
    if not candidate.can_stand_alone:
        return False
    if candidate.is_name:
        return count >= 2 or n_words >= 2
    return count >= (3 if n_words == 1 else 2)


def _prominence(candidate: Candidate, n_sentences: int, rarity: Rarity) -> float:
    """Log frequency, early mention, length and rarity, without the model."""
    count = len(candidate.mentions)
    first = candidate.mentions[0][0] / max(1, n_sentences)
    spread = len({sentence for sentence, _ in candidate.mentions})
    length = (0.7, 1.1, 1.15, 1.0)[len(candidate.key) - 1]
    name = 1.15 if candidate.is_name else 1.0
    rare = COMMON_WEIGHT + (1.0 - COMMON_WEIGHT) * max(rarity(word) for word in candidate.key)
    return (
        math.log1p(min(count, spread)) * (1.0 + 0.5 * math.exp(-3.0 * first)) * length * name * rare
    )


def _is_same(left: Candidate, right: Candidate, a: FloatArray, b: FloatArray) -> bool:
    """Same words in other order, one inside the other, or the same meaning."""
    short, long = sorted((set(left.key), set(right.key)), key=len)
    return short <= long or float(a @ b) > SAME_MEANING
