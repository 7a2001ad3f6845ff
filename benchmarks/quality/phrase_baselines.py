"""Keyphrases without our ranking, best first; all but YAKE and KeyBERT rank our noun phrases."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np

from edge.arrays import Float32Array
from edge.english.words import Rarity, is_content_word, stem, words
from edge.extraction.features import Encode, unit
from edge.extraction.phrases import Candidate
from edge.records import Sentence

N_PHRASES = 30


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


def first_phrases(episode: Phrased) -> list[str]:
    """The first said."""
    return episode.best(-episode.first())


def frequent_phrases(episode: Phrased) -> list[str]:
    """The most often said."""
    return episode.best([c.count for c in episode.pool])


def tfidf_phrases(episode: Phrased) -> list[str]:
    """Log frequency times the rarity of the rarest word."""
    rare = [max(map(episode.rarity, c.key)) for c in episode.pool]
    return episode.best(np.log1p([c.count for c in episode.pool]) * rare)


def embed_rank(episode: Phrased) -> list[str]:
    """By nearness to the episode alone, as in EmbedRank."""
    return episode.best(episode.cosines)


def embed_rank_weighted(episode: Phrased) -> list[str]:
    """EmbedRank x early mention x log frequency: the best without learning."""
    early = 1.0 + np.exp(-3.0 * episode.first())
    often = np.log1p([c.count for c in episode.pool])
    return episode.best(np.maximum(episode.cosines, 0.02) * early * often)


def _word_ranks(episode: Phrased, by_position: bool) -> dict[str, float]:
    """PageRank of words said within ten words of each other."""
    import networkx

    graph = networkx.Graph()
    known = {word for candidate in episode.pool for word in candidate.key}
    said = [stem(word) for word in words(episode.text)]
    mentions = [(i, word) for i, word in enumerate(said) if word in known]
    weights: defaultdict[str, float] = defaultdict(float)
    for k, (i, word) in enumerate(mentions):
        weights[word] += 1.0 / (i + 1) if by_position else 0.0
        for j, other in mentions[k + 1 : k + 10]:
            if j - i < 10 and other != word:
                old = graph.get_edge_data(word, other, {"weight": 0})["weight"]
                graph.add_edge(word, other, weight=old + 1)
    start = {word: weights[word] for word in graph} if by_position else None
    ranked: dict[str, float] = networkx.pagerank(graph, personalization=start)
    return ranked


def single_rank(episode: Phrased) -> list[str]:
    """SingleRank: the sum of its words' PageRank."""
    ranked = _word_ranks(episode, by_position=False)
    return episode.best([sum(ranked.get(w, 0.0) for w in c.key) for c in episode.pool])


def position_rank(episode: Phrased) -> list[str]:
    """PositionRank: the same, starting from words said early."""
    ranked = _word_ranks(episode, by_position=True)
    return episode.best([sum(ranked.get(w, 0.0) for w in c.key) for c in episode.pool])


def multipartite_rank(episode: Phrased) -> list[str]:
    """MultipartiteRank: PageRank of phrases, those that share words in one topic.

    Phrases of one topic are not joined; what speaks for the others speaks for the first too.
    """
    import networkx

    pool = sorted(episode.pool, key=lambda c: -c.count)[:300]
    positions = [np.array(c.sentences, float) for c in pool]
    topics = _topics(pool)
    of = {k: t for t, topic in enumerate(topics) for k in topic}
    weights = np.zeros((len(pool), len(pool)))
    for a, b in combinations(range(len(pool)), 2):
        if of[a] != of[b]:
            near = float(
                (1.0 / (1.0 + np.abs(positions[a][:, None] - positions[b][None, :]))).sum()
            )
            weights[a, b] = weights[b, a] = near
    towards_first = np.zeros_like(weights)
    for topic in topics:
        first, *rest = sorted(topic, key=lambda k: float(positions[k][0]))
        gain = 1.1 * math.exp(1.0 / (1.0 + positions[first][0]))
        towards_first[:, first] = gain * weights[:, rest].sum(axis=1)
    graph = networkx.from_numpy_array(weights + towards_first, create_using=networkx.DiGraph)
    ranked = networkx.pagerank(graph) if len(graph) else {}
    return [pool[k].text for k in sorted(ranked, key=lambda k: -ranked[k])[:N_PHRASES]]


def _topics(pool: Sequence[Candidate]) -> list[list[int]]:
    """Indices of phrases that share more than a quarter of their words with the topic's first."""
    topics: list[list[int]] = []
    for k, candidate in enumerate(pool):
        stems = set(candidate.key)
        for topic in topics:
            first_stems = set(pool[topic[0]].key)
            if len(stems & first_stems) > 0.25 * len(stems | first_stems):
                topic.append(k)
                break
        else:
            topics.append([k])
    return topics


PHRASES: dict[str, Callable[[Phrased], list[str]]] = {
    "YAKE": yake,
    "KeyBERT (one or two words)": keybert,
    "first noun phrases": first_phrases,
    "most frequent noun phrases": frequent_phrases,
    "TF-IDF of noun phrases": tfidf_phrases,
    "SingleRank": single_rank,
    "PositionRank": position_rank,
    "MultipartiteRank": multipartite_rank,
    "EmbedRank": embed_rank,
    "EmbedRank x early x log frequency": embed_rank_weighted,
}
