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

from edge.arrays import BoolArray, Float32Array
from edge.english.analysis import AnalysedSentence
from edge.english.words import stem
from edge.extraction.judgements import Judgements
from edge.extraction.lexicon import Lexicon
from edge.extraction.names import Names, find_names
from edge.extraction.parts import Part, Span, is_one_part, iter_parts
from edge.extraction.phrase_features import Centre, most_prominent
from edge.extraction.phrases import Candidate, Key, find_phrases, merge_phrases
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
    judgements: Judgements | None
    """None of an episode without sentences, as ``centre``."""
    is_advert: BoolArray
    """Shape (sentences,)."""
    phrases: Mapping[Key, Candidate]
    """Of a long episode, the most prominent."""
    names: Names
    centre: Centre | None
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
    spans: list[Span] = []
    names: list[str] = []
    judged: list[Judgements] = []
    adverts: list[BoolArray] = []
    centres: list[Centre] = []
    kept: list[Part] = []
    phrases: dict[Key, Candidate] = {}
    names_said = Names()
    title_words: set[str] = set()
    for part in iter_parts(sentences, is_candidate, loading, progress):
        encoder = loading.ready()
        end = part.first + len(part.sentences)
        shown = np.array(is_candidate[part.first : end], bool) & ~part.is_advert
        judged.append(Judgements.of(part.sentences, part.reading, shown))
        adverts.append(part.is_advert)
        by_chapter = _phrases(part, shown)
        if titles:
            with stage("chapters"):
                names += title_chapters(
                    part.spans,
                    part.sentences,
                    by_chapter,
                    part.encoded.vectors,
                    np.where(shown, judged[-1].worth, -np.inf),
                    encoder,
                    title_words,
                )
        with stage("keyphrases"):
            phrases = _with_phrases(phrases, part, by_chapter, encoder)
            centres.append(Centre.of(part.sentences, part.encoded.vectors))
            names_said.add(_names(part, shown, encoder), part.first)
        spans += [(part.first + first, part.first + end) for first, end in part.spans]
        if keep_vectors or not is_long:
            kept.append(part)
        give_back()
    return EpisodeAnalysis(
        spans=spans,
        titles=names,
        judgements=Judgements.joined(judged) if judged else None,
        is_advert=np.concatenate(adverts) if adverts else np.zeros(0, bool),
        phrases=phrases,
        names=names_said,
        centre=reduce(Centre.joined, centres) if centres else None,
        n_parts=len(judged),
        sentences=[sentence for part in kept for sentence in part.sentences] if kept else None,
        vectors=np.concatenate([part.encoded.vectors for part in kept]) if kept else None,
    )


@stage("keyphrases")
def _phrases(part: Part, is_candidate: BoolArray) -> list[dict[Key, Candidate]]:
    """Those of each chapter."""
    return chapter_phrases(part.spans, part.sentences, is_candidate.tolist(), part.tags)


def _names(part: Part, is_candidate: BoolArray, encoder: Encoder) -> Names:
    lexicon = Lexicon(encoder.heads["background"], encoder.rarity)
    vectors = part.encoded.vectors
    return find_names(part.sentences, is_candidate.tolist(), part.tags, vectors, lexicon)


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
