"""An episode, read in parts of whole chapters, so that memory does not grow with its length.

What a part is read for is kept (a few numbers a sentence, its chapters, its commonest phrases),
and its vectors and sentences, taken apart, are dropped. An episode of usual length is one part.
docs/adr/0014-parts.md tells why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from edge.arrays import Float32Array
from edge.english.analysis import AnalysedSentence
from edge.english.words import stem
from edge.extraction.parts import Part, Span, is_one_part, iter_parts
from edge.extraction.phrase_features import Centre, most_prominent
from edge.extraction.phrases import Candidate, Key, find_phrases, merge_phrases
from edge.extraction.ranking import (
    Ranked,
    SentenceScores,
    count_opening,
    is_punctuated,
    rank_parts,
    score_sentences,
)
from edge.extraction.salience import predict_salience
from edge.extraction.tagger import bare_word, tag_sentences
from edge.extraction.titles import chapter_phrases, title_chapters
from edge.records import Mention, Sentence
from edge.runtime.encoder import Encoder, LoadingEncoder, Progress
from edge.runtime.memory import give_back, map_large_arrays
from edge.stages import stage

KEPT_PHRASES = 2000
"""Most phrases that are remembered from part to part, ten times those a head is asked about."""

SOUGHT_TOGETHER = 200
"""Sentences that are tagged at once where the mentions of a long episode's phrases are sought."""


@dataclass(frozen=True)
class EpisodeAnalysis:
    """What was found in an episode's sentences."""

    spans: Sequence[Span]
    """Chapters; they tile the sentences."""
    titles: Sequence[str]
    """Of each chapter, empty where none was found; none at all where they were not asked for."""
    ranked: Ranked
    phrases: Mapping[Key, Candidate]
    """Of a long episode, the most prominent."""
    centre: Centre | None
    """None of an episode without sentences."""
    n_parts: int
    sentences: Sequence[AnalysedSentence] | None
    vectors: Float32Array | None
    """These two: of the whole episode, where it was one part or they were asked for."""


# Long: for each part the same steps, and what is kept of it for the whole.
def read_episode(
    sentences: Sequence[Sentence],
    is_candidate: Sequence[bool],
    loading: Encoder | LoadingEncoder,
    *,
    titles: bool = True,
    keep_vectors: bool = False,
    progress: Progress | None = None,
) -> EpisodeAnalysis:
    """Read an episode.

    :param sentences: The whole episode.
    :param is_candidate: For each sentence, whether it may be shown at all.
    :param loading: The model, with its heads; waited for when it is needed.
    :param titles: Whether the chapters are to be named.
    :param keep_vectors: Whether the vectors of a long episode, and its sentences, are needed.
    :param progress: Told of (words read, words in all).
    :raises BundleError: If the bundle has no heads, or is not what its manifest says.
    :raises InferenceError: If onnxruntime fails.
    """
    is_long = not is_one_part(sentences)
    if is_long:
        map_large_arrays()
    n_opening, punctuated = count_opening(sentences), is_punctuated(sentences)
    spans: list[Span] = []
    names: list[str] = []
    scores: list[SentenceScores] = []
    centres: list[Centre] = []
    kept: list[Part] = []
    phrases: dict[Key, Candidate] = {}
    title_words: set[str] = set()
    for part in iter_parts(sentences, is_candidate, loading, progress):
        encoder = loading.ready()
        by_chapter = _phrases(part)
        scores.append(_score(part, n_opening - part.first, punctuated, encoder))
        if titles:
            with stage("chapters"):
                names += title_chapters(
                    part.spans, part.sentences, by_chapter, part.vectors, encoder, title_words
                )
        with stage("keyphrases"):
            phrases = _with_phrases(phrases, part, by_chapter, encoder)
            centres.append(Centre.of(part.sentences, part.vectors))
        spans += [(part.first + first, part.first + end) for first, end in part.spans]
        if keep_vectors or not is_long:
            kept.append(part)
        give_back()
    with stage("rank"):
        ranked = rank_parts(scores)
    return EpisodeAnalysis(
        spans=spans,
        titles=names,
        ranked=ranked,
        phrases=phrases,
        centre=reduce(Centre.joined, centres) if centres else None,
        n_parts=len(scores),
        sentences=[sentence for part in kept for sentence in part.sentences] if kept else None,
        vectors=np.concatenate([part.vectors for part in kept]) if kept else None,
    )


@stage("keyphrases")
def _phrases(part: Part) -> list[dict[Key, Candidate]]:
    """Those of each chapter."""
    is_candidate = [sentence.is_candidate for sentence in part.sentences]
    return chapter_phrases(part.spans, part.sentences, is_candidate, part.tags)


@stage("rank")
def _score(part: Part, n_opening: int, punctuated: bool, encoder: Encoder) -> SentenceScores:
    """What the sentences are worth, the first of which may be of the episode's opening."""
    salience = predict_salience(part.sentences, part.vectors, encoder.heads, encoder.rarity)
    n_inside = min(max(0, n_opening), len(part.sentences))
    return score_sentences(part.sentences, salience, n_inside, punctuated)


def _with_phrases(
    phrases: dict[Key, Candidate],
    part: Part,
    by_chapter: Sequence[Mapping[Key, Candidate]],
    encoder: Encoder,
) -> dict[Key, Candidate]:
    """The most prominent of the phrases before a part, with the part's; those may be changed."""
    if part.first:
        kept = most_prominent(phrases, part.first, encoder.rarity, KEPT_PHRASES)
        phrases = {candidate.key: candidate for candidate in kept}
    for (first, _), found in zip(part.spans, by_chapter, strict=True):
        merge_phrases(phrases, found, part.first + first)
    return phrases


def all_mentions(
    keys: Sequence[Key],
    sentences: Sequence[Sentence],
    is_candidate: Sequence[bool],
    encoder: Encoder,
) -> dict[Key, list[Mention]]:
    """Every mention of some phrases, for an episode of several parts.

    :param keys: The phrases.
    :param sentences: The whole episode.
    :param is_candidate: For each sentence, whether it may be shown.
    :param encoder: The model, with its heads.
    """
    wanted = {key: frozenset(key) for key in keys}
    holding = [
        i
        for i, sentence in enumerate(sentences)
        if is_candidate[i] and any(map(_stems(sentence).issuperset, wanted.values()))
    ]
    mentions: dict[Key, list[Mention]] = {key: [] for key in keys}
    for start in range(0, len(holding), SOUGHT_TOGETHER):
        some = [sentences[i] for i in holding[start : start + SOUGHT_TOGETHER]]
        tags = tag_sentences(some, encoder.heads["tagger"])
        found = find_phrases(some, [True] * len(some), tags)
        for key in keys:
            if key in found:
                mentions[key] += found[key].mentions(some)
    return mentions


def _stems(sentence: Sentence) -> set[str]:
    return {stem(bare_word(token)) for token in sentence.text.split()}
