"""An episode, read in parts of whole chapters, so that memory does not grow with its length.

What a part is read for is kept (a number a sentence, its chapters, its commonest phrases), and
its vectors are dropped. An episode of usual length is one part. docs/adr/0014-parts.md tells why.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.words import stem
from edge.extraction.features import word_offsets
from edge.extraction.keyphrases import Centre, worth_embedding
from edge.extraction.phrases import Candidate, Key, find_phrases, merge_phrases
from edge.extraction.salience import predict_salience
from edge.extraction.segmentation import find_boundaries, text_features
from edge.extraction.selection import look_at
from edge.extraction.tagger import bare_word, tag_sentences
from edge.extraction.titles import chapter_phrases, title_chapters
from edge.records import Mention, Sentence
from edge.runtime.encoder import Encoder, LoadingEncoder, Progress
from edge.runtime.heads import require_heads
from edge.runtime.memory import give_back, map_large_arrays
from edge.stages import stage

PART_WORDS = 8_000
"""Most words of a part of a long episode, about three quarters of an hour of speech."""
WHOLE_WORDS = 20_000
"""An episode of so many words or less, about two hours, is read as one part."""
KEPT_PHRASES = 2000
"""Most phrases that are remembered from part to part, ten times those a head is asked about."""

SOUGHT_TOGETHER = 200
"""Sentences that are tagged at once where the mentions of a long episode's phrases are sought."""

Span = tuple[int, int]
"""First and one-past-last sentence."""


@dataclass
class EpisodeAnalysis:
    """What was found in an episode's sentences."""

    spans: list[Span] = field(default_factory=list)
    """Chapters; they tile the sentences."""
    titles: list[str] = field(default_factory=list)
    """Of each chapter; empty where none was asked for or found."""
    salience: Float64Array = field(default_factory=lambda: np.zeros(0))
    """Of each sentence."""
    phrases: dict[Key, Candidate] = field(default_factory=dict)
    centre: Centre | None = None
    vectors: Float32Array | None = None
    """Of all sentences, where it was one part or they were asked for."""
    n_parts: int = 0


@dataclass(frozen=True)
class _Part:
    """Whole chapters that are read together."""

    first: int
    """Its first sentence."""
    spans: list[Span]
    """Chapters, counted from there."""
    vectors: Float32Array
    """Of its sentences."""
    tags: list[Float64Array]
    """Of their words."""


def read_episode(
    sentences: Sequence[Sentence],
    texts: Sequence[str],
    usable: Sequence[bool],
    loading: Encoder | LoadingEncoder,
    *,
    titles: bool = True,
    keep_vectors: bool = False,
    progress: Progress | None = None,
) -> EpisodeAnalysis:
    """Read an episode.

    :param sentences: The whole episode.
    :param texts: The sentences as they would be shown, without leading fillers.
    :param usable: For each sentence, whether it may be shown at all.
    :param loading: The model, with its heads; waited for when it is needed.
    :param titles: Whether the chapters are to be named.
    :param keep_vectors: Whether the vectors of a long episode are needed.
    :param progress: Told of (words read, words in all).
    :raises BundleError: If the bundle has no heads, or is not what its manifest says.
    :raises InferenceError: If onnxruntime fails.
    """
    reading = EpisodeAnalysis()
    if sum(sentence.n_words for sentence in sentences) > WHOLE_WORDS:
        map_large_arrays()
    salience, vectors = [], []
    used: set[str] = set()
    for part in _parts(sentences, texts, usable, loading, progress):
        encoder = loading.ready()
        inside = slice(part.first, part.first + len(part.vectors))
        own, own_usable = sentences[inside], usable[inside]
        with stage("keyphrases"):
            found = chapter_phrases(part.spans, own, own_usable, part.tags)
        with stage("rank"):
            salience.append(
                predict_salience(own, texts[inside], part.vectors, encoder.heads, encoder.rarity)
            )
        if titles:
            with stage("chapters"):
                reading.titles += title_chapters(
                    part.spans, own, found, part.vectors, encoder, used
                )
        with stage("keyphrases"):
            _remember(reading, part, found, own, encoder)
        vectors.append(part.vectors)
        if reading.n_parts > 1 and not keep_vectors:
            vectors.clear()
        give_back()
    reading.salience = np.concatenate(salience) if salience else reading.salience
    if vectors and (keep_vectors or reading.n_parts == 1):
        reading.vectors = np.concatenate(vectors)
    return reading


def _parts(
    sentences: Sequence[Sentence],
    texts: Sequence[str],
    usable: Sequence[bool],
    loading: Encoder | LoadingEncoder,
    progress: Progress | None,
) -> Iterator[_Part]:
    """Parts that end where a chapter does; what lies behind the last boundary goes to the next."""
    n, offsets = len(sentences), word_offsets(sentences)
    first = read = 0
    vectors = np.zeros((0, 0), np.float32)
    tags: list[Float64Array] = []

    def advance(done: int, total: int) -> None:
        if progress:
            words_before, words_after = int(offsets[read]), int(offsets[end])
            progress(words_before + (words_after - words_before) * done // total, int(offsets[-1]))

    total = int(offsets[-1])
    part_words = total if total <= WHOLE_WORDS else total / math.ceil(total / PART_WORDS)
    while first < n:
        end = min(n, int(np.searchsorted(offsets, offsets[first] + part_words)))
        unseen = iter(zip(sentences[read:end], texts[read:end], strict=True))
        with stage("rank"):  # beside the loading of the model
            for sentence, text in unseen:
                look_at(sentence, text)
                if loading.is_ready:
                    break
        with stage("load"):
            encoder = loading.ready()
            require_heads(encoder.bundle)
        encoding = encoder.begin_texts([sentence.text for sentence in sentences[read:end]])
        with stage("rank"):  # beside the encoding
            for sentence, text in unseen:
                look_at(sentence, text)
        with stage("tag"):
            tags += tag_sentences(sentences[read:end], encoder.heads["tagger"])
        with stage("chapters"):
            # An advert is no change of subject.
            spoken = [i for i in range(first, end) if usable[i]]
            features = text_features([sentences[i] for i in spoken]) if spoken else {}
        new = encoding.result(advance)
        vectors = np.concatenate([vectors, new]) if len(vectors) else new
        read = end
        with stage("chapters"):
            own = vectors[[i - first for i in spoken]]
            found = find_boundaries([sentences[i] for i in spoken], own, encoder.heads, features)
            cuts = [spoken[i] - first for i in found]
            spans = list(itertools.pairwise([0, *cuts, end - first]))
        if end < n and len(spans) > 1:
            spans.pop()  # it goes on in what is not read yet
        n_own = spans[-1][1]
        yield _Part(first, spans, vectors[:n_own], tags[:n_own])
        vectors, tags, first = vectors[n_own:], tags[n_own:], first + n_own


def _remember(
    reading: EpisodeAnalysis,
    part: _Part,
    found: Sequence[dict[Key, Candidate]],
    sentences: Sequence[Sentence],
    encoder: Encoder,
) -> None:
    """Keep of a part what the whole episode is judged by."""
    if reading.n_parts:
        _forget(reading, part.first, encoder)
    for (first, _), own in zip(part.spans, found, strict=True):
        merge_phrases(reading.phrases, own, part.first + first)
    reading.spans += [(part.first + a, part.first + b) for a, b in part.spans]
    centre = Centre.of(sentences, part.vectors)
    reading.centre = centre if reading.centre is None else reading.centre.joined(centre)
    reading.n_parts += 1


def _forget(reading: EpisodeAnalysis, n_read: int, encoder: Encoder) -> None:
    """Drop all but the most prominent phrases."""
    kept = worth_embedding(reading.phrases, n_read, encoder.rarity, KEPT_PHRASES)
    reading.phrases = {candidate.key: candidate for candidate in kept}


def all_mentions(
    keys: Sequence[Key],
    sentences: Sequence[Sentence],
    usable: Sequence[bool],
    encoder: Encoder,
) -> dict[Key, list[Mention]]:
    """Every mention of some phrases, for an episode of several parts.

    :param keys: The phrases.
    :param sentences: The whole episode.
    :param usable: For each sentence, whether it may be a source.
    :param encoder: The model, with its heads.
    """
    wanted = {key: frozenset(key) for key in keys}
    places = [
        i
        for i, sentence in enumerate(sentences)
        if usable[i] and any(map(_stems(sentence).issuperset, wanted.values()))
    ]
    mentions: dict[Key, list[Mention]] = {key: [] for key in keys}
    for start in range(0, len(places), SOUGHT_TOGETHER):
        own = [sentences[i] for i in places[start : start + SOUGHT_TOGETHER]]
        found = find_phrases(own, [True] * len(own), tag_sentences(own, encoder.heads["tagger"]))
        for key in keys:
            if key in found:
                mentions[key] += found[key].mentions(own)
    return mentions


def _stems(sentence: Sentence) -> set[str]:
    return {stem(bare_word(token)) for token in sentence.text.split()}
