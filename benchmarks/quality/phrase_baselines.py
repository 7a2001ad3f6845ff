"""Keyphrases without our ranking, best first; all but YAKE and KeyBERT rank our noun phrases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from benchmarks.quality.page_rank import page_rank
from edge.arrays import Float32Array
from edge.english.words import Rarity, is_content_word, stem, words
from edge.extraction.features import Encode, unit
from edge.extraction.phrases import Candidate
from edge.records import Sentence

N_PHRASES = 30
REACH = 10
"""Words this near to each other are joined in PositionRank's graph."""


@dataclass(frozen=True)
class Phrased:
    """An episode with its noun phrases and vectors."""

    sentences: Sequence[Sentence]
    vectors: Float32Array
    pool: Sequence[Candidate]
    encode: Encode
    rarity: Rarity

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(sentence.text for sentence in self.sentences)

    @cached_property
    def cosines(self) -> np.ndarray:
        """Nearness of each phrase to the episode."""
        embedded = self.encode([candidate.text for candidate in self.pool])
        return np.asarray(embedded @ unit(self.vectors.sum(axis=0)))

    def best(self, scores: Sequence[float] | np.ndarray) -> list[str]:
        """The phrases with the highest scores.

        :param scores: One a phrase.
        """
        order = np.argsort(-np.asarray(scores), kind="stable")
        return [self.pool[k].text for k in order[:N_PHRASES]]

    def first(self) -> np.ndarray:
        """Sentence of the first mention of each phrase, as a share of the episode."""
        return np.array([c.sentences[0] for c in self.pool]) / max(1, len(self.sentences))


def yake(episode: Phrased) -> list[str]:
    """YAKE, up to three words."""
    from yake import KeywordExtractor

    scored = KeywordExtractor(n=3, top=N_PHRASES).extract_keywords(episode.text)
    return [phrase for phrase, _ in scored]


def keybert(episode: Phrased) -> list[str]:
    """One or two words without stop words, by nearness to the episode, as KeyBERT does."""
    bare = [w.lower() if is_content_word(w) else "" for w in words(episode.text)]
    counts = Counter(w for w in bare if w)
    counts.update(f"{a} {b}" for a, b in pairwise(bare) if a and b)
    grams = [gram for gram, _ in counts.most_common(1500)]
    cosines = episode.encode(grams) @ unit(episode.vectors.sum(axis=0))
    return [grams[k] for k in np.argsort(-cosines, kind="stable")[:N_PHRASES]]


def frequent_phrases(episode: Phrased) -> list[str]:
    """The most often said."""
    return episode.best([c.count for c in episode.pool])


def tfidf_phrases(episode: Phrased) -> list[str]:
    """Log frequency times the rarity of the rarest word."""
    rare = [max(map(episode.rarity, c.key)) for c in episode.pool]
    return episode.best(np.log1p([c.count for c in episode.pool]) * rare)


def embed_rank_weighted(episode: Phrased) -> list[str]:
    """Nearness to the episode, as in EmbedRank, x early mention x log frequency."""
    early = 1.0 + np.exp(-3.0 * episode.first())
    often = np.log1p([c.count for c in episode.pool])
    return episode.best(np.maximum(episode.cosines, 0.02) * early * often)


def position_rank(episode: Phrased) -> list[str]:
    """PositionRank: the sum of its words' PageRank, the walk beginning at words said early.

    Words are joined that are said within ten words of each other.
    """
    at = {word: k for k, word in enumerate(sorted({w for c in episode.pool for w in c.key}))}
    weights, start = np.zeros((len(at), len(at))), np.zeros(len(at))
    said = [stem(word) for word in words(episode.text)]
    mentions = [(i, at[word]) for i, word in enumerate(said) if word in at]
    for k, (i, word) in enumerate(mentions):
        start[word] += 1.0 / (i + 1)
        for j, other in mentions[k + 1 : k + REACH]:
            if j - i < REACH and other != word:
                weights[word, other] += 1
                weights[other, word] += 1
    ranked = page_rank(weights, start) if start.any() else start
    return episode.best([sum(ranked[at[w]] for w in c.key) for c in episode.pool])


PHRASES: dict[str, Callable[[Phrased], list[str]]] = {
    "YAKE": yake,
    "KeyBERT (one or two words)": keybert,
    "most frequent noun phrases": frequent_phrases,
    "TF-IDF of noun phrases": tfidf_phrases,
    "PositionRank": position_rank,
    "EmbedRank x early x log frequency": embed_rank_weighted,
}
