"""The ``phrase`` and ``subject`` heads: which noun phrases people name an episode or a text by.

Readers gave keyphrases to whole episodes. Of other podcasts, meetings and texts there are titles,
topics, tags and questions: what occurs in those is what to find, and counts less.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edge.arrays import Float32Array, Float64Array
from edge.english.words import is_content_word
from edge.extraction.lexicon import Lexicon
from edge.extraction.phrase_features import Centre, most_prominent, phrase_features
from edge.extraction.phrases import MAX_PHRASE_WORDS, Key, find_phrases
from edge.extraction.tagger import tag_sentences
from edge.records import Segment, Sentence, Transcript
from edge.runtime.heads import Classifier, feature_matrix
from edge.transcript.sentences import rebuild_sentences
from edge_export.data.annotated import AnnotatedEpisode
from edge_export.data.documents import Document
from edge_export.training.small_network import VECTORS, fit_chance, scaled_network
from edge_export.training.stemming import stem_word
from edge_export.training.trained_head import TrainedHead, boosted_trees, well_apart

PART_SHARE, WRITTEN_SHARE = 0.35, 0.5
"""Share of the parts of documents, and of the human texts, to learn from."""
MIN_CANDIDATES = 5
READ_WEIGHT, READ_PART_WEIGHT = 8.0, 4.0
"""What an annotated episode counts, and a chapter of one: short texts are to be known, too."""
LABELLED_WEIGHT, LABELLED_PART_WEIGHT = 1.0, 0.3
"""What a document with titles or tags counts: they name less, and less of what is said."""
TYPICAL = 20
"""Phrases of a document from where on more do not count more."""
MAX_DEVIATION, PENALTY = 3.0, 200.0
"""Of the ``subject`` head."""


@dataclass(frozen=True)
class PhraseDocument:
    """A spoken or written text with what people named it by, its labels."""

    document: Document
    is_read: bool
    """Whether a reader chose the labels as its keyphrases."""

    @property
    def weight(self) -> float:
        """What it counts."""
        if self.is_read:
            return READ_PART_WEIGHT if self.document.is_part else READ_WEIGHT
        return LABELLED_PART_WEIGHT if self.document.is_part else LABELLED_WEIGHT


def labelled_documents(documents: Sequence[Document]) -> list[PhraseDocument]:
    """The labelled documents to learn from, and the human texts about them as their own.

    Of the many parts some are taken, always the same.

    :param documents: Training documents.
    """
    texts = []
    for document in documents:
        if not document.labels:
            continue
        is_part = document.is_part
        if not is_part or _drawn(document.id, PART_SHARE):
            texts.append(PhraseDocument(document, False))
        if document.references and (not is_part or _drawn(f"{document.id} text", WRITTEN_SHARE)):
            segments = (Segment(document.references[0]),)
            written = replace(
                document,
                id=f"{document.id} text",
                sentences=tuple(rebuild_sentences(Transcript(segments, "text"))),
                boundaries=None,
                references=(),
            )
            texts.append(PhraseDocument(written, False))
    return texts


def heard_sentences(episode: AnnotatedEpisode) -> list[Sentence]:
    """The sentences of an episode; of every other one it is not known who speaks.

    Names have to be told from other words where nobody labelled the speakers, too.

    :param episode: Annotated.
    """
    return episode.sentences(with_speakers=_drawn(f"{episode.id} speakers", 0.5))


def annotated_documents(episodes: Sequence[AnnotatedEpisode]) -> list[PhraseDocument]:
    """Episodes and chapters by the keyphrases a reader gave them.

    :param episodes: Annotated.
    """
    found = []
    for episode in episodes:
        sentences = tuple(heard_sentences(episode))
        whole = Document(episode.id, episode.show, True, sentences, labels=episode.keyphrases)
        found.append(PhraseDocument(whole, True))
        starts = [sentence.first_segment for sentence in sentences]
        firsts = [bisect_left(starts, chapter.first) for chapter in episode.chapters]
        for k, (first, end) in enumerate(pairwise([*firsts, len(sentences)])):
            if _drawn(f"{episode.id}#{k}", PART_SHARE) and first < end:
                part = replace(whole, id=f"{episode.id}#{k}", sentences=sentences[first:end])
                found.append(PhraseDocument(part, True))
    return found


def _drawn(name: str, share: float) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] < 256 * share


@dataclass(frozen=True)
class PhraseExample:
    """The phrases of a document, measured, and which of them people named it by."""

    source: PhraseDocument
    texts: tuple[str, ...]
    features: Mapping[str, Float64Array]
    is_named: npt.NDArray[np.bool_]
    """Shape (phrases,)."""

    @property
    def weights(self) -> Float64Array:
        """What each phrase counts; documents count alike, whatever their length."""
        n = len(self.is_named)
        return np.full(n, self.source.weight * TYPICAL / (TYPICAL + n))


class PhraseSource:
    """The candidates of a document before any phrase is embedded.

    :param source: The document.
    :param tagger: The ``tagger`` head.
    :param lexicon: What is known of words.
    """

    def __init__(self, source: PhraseDocument, tagger: Classifier, lexicon: Lexicon) -> None:
        self.source = source
        self.lexicon = lexicon
        sentences = source.document.sentences
        is_candidate = [True] * len(sentences)
        self.candidates = find_phrases(sentences, is_candidate, tag_sentences(sentences, tagger))
        self.pool = most_prominent(self.candidates, len(sentences), lexicon.rarity)

    @property
    def texts(self) -> list[str]:
        """Texts to embed: the sentences and the phrases."""
        sentences = self.source.document.sentences
        return [sentence.text for sentence in sentences] + [c.text for c in self.pool]

    def measured(self, vectors: Float32Array) -> PhraseExample | None:
        """The example; None where there are too few phrases, or none that people used.

        :param vectors: Vectors of ``texts``, shape (texts, dimension).
        """
        document = self.source.document
        known = {candidate.key: _stems(_bare_words(candidate.text)) for candidate in self.pool}
        named = _longest_within(document.labels, set(known.values()))
        if len(self.pool) < MIN_CANDIDATES or not named:
            return None
        n = len(document.sentences)
        features = phrase_features(
            self.pool,
            self.candidates,
            document.sentences,
            Centre.of(document.sentences, vectors[:n]),
            vectors[n:],
            self.lexicon,
        )
        is_named = np.array([known[candidate.key] in named for candidate in self.pool])
        texts = tuple(candidate.text for candidate in self.pool)
        return PhraseExample(self.source, texts, features, is_named)


def _bare_words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("'s", ""))


def _stems(words: Sequence[str]) -> Key:
    return tuple(stem_word(word) for word in words)


def _longest_within(texts: Sequence[str], known: Collection[Key]) -> set[Key]:
    """Known phrases that stand in some texts as they are.

    Those inside a longer one, or beside a word with content, are only parts of what is named.
    """
    complete: set[Key] = set()
    for text in texts:
        for line in re.split(r"[.,;:?!()\n]", text):
            words = _bare_words(line)
            stems = _stems(words)
            for a, b in _longest_hits(stems, known):
                around = [*words[max(0, a - 1) : a], *words[b : b + 1]]
                if not any(map(is_content_word, around)):
                    complete.add(stems[a:b])
    return complete


def _longest_hits(line: Key, known: Collection[Key]) -> list[tuple[int, int]]:
    hits = [
        (a, b)
        for a in range(len(line))
        for b in range(a + 1, min(a + MAX_PHRASE_WORDS + 2, len(line)) + 1)
        if line[a:b] in known
    ]
    return [
        (a, b) for a, b in hits if not any(c <= a and b <= d and (c, d) != (a, b) for c, d in hits)
    ]


def fit_phrase_heads(examples: Sequence[PhraseExample]) -> list[TrainedHead]:
    """The ``phrase`` head on the measures, and ``subject`` on the phrase's meaning beside them.

    :param examples: Documents with their phrases.
    """
    return [_fit_measures(examples), _fit_meaning([e for e in examples if e.source.is_read])]


def _fit_measures(examples: Sequence[PhraseExample]) -> TrainedHead:
    names = tuple(name for name in examples[0].features if name not in VECTORS)
    rows, is_named, weights = _stacked(examples, names)
    model = boosted_trees("regression", 300, 0.04, 15)
    model.fit(well_apart(rows), is_named.astype(float), sample_weight=weights)
    return TrainedHead.of("phrase", names, model, rows, len(examples))


def _fit_meaning(examples: Sequence[PhraseExample]) -> TrainedHead:
    names = tuple(examples[0].features)
    rows, is_named, weights = _stacked(examples, names)
    blank = scaled_network(rows, examples[0].features, names, MAX_DEVIATION)
    model = fit_chance(blank, rows, is_named, weights, PENALTY)
    return TrainedHead.of("subject", names, model, rows, len(examples))


def _stacked(
    examples: Sequence[PhraseExample], names: tuple[str, ...]
) -> tuple[Float32Array, npt.NDArray[np.bool_], Float64Array]:
    """Rows, whether each is named, and what it counts."""
    return (
        np.concatenate([feature_matrix(example.features, names) for example in examples]),
        np.concatenate([example.is_named for example in examples]),
        np.concatenate([example.weights for example in examples]),
    )
