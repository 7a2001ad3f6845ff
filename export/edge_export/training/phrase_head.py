"""The ``phrase`` head: which noun phrases people name an episode, a meeting or a text by.

Nobody marked keyphrases in the training documents, but people gave them titles, topics, tags
and questions, and wrote about them: what occurs in those is what to find.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.words import Rarity, is_content_word
from edge.extraction.phrase_features import Centre, most_prominent, phrase_features
from edge.extraction.phrases import MAX_PHRASE_WORDS, Candidate, Key, find_phrases
from edge.extraction.tagger import tag_sentences
from edge.records import Segment, Transcript
from edge.runtime.heads import Classifier, feature_matrix
from edge.transcript.sentences import rebuild_sentences
from edge_export.data.documents import Document
from edge_export.training.stemming import stem_word
from edge_export.training.trained_head import TrainedHead, boosted_trees

NAMED = 1.0
"""Target of a phrase that stands in a title, topic, tag or question as it is."""
MENTIONED = 0.3
"""Target of one that is only a part of a phrase there, or occurs in a text about the document."""
PART_SHARE, WRITTEN_SHARE = 0.35, 0.5
"""Share of the parts of documents, and of the human texts, to learn from."""
MIN_CANDIDATES = 5
WHOLE_WEIGHT = 4.0
TYPICAL = 20
"""Phrases of a document from where on more do not count more."""


@dataclass(frozen=True)
class PhraseDocument:
    """A spoken or written text, and what people wrote about it."""

    document: Document
    parallel: tuple[str, ...]
    """Texts about the same: summaries of speech, or the speech a summary is of."""


def phrase_documents(documents: Sequence[Document]) -> list[PhraseDocument]:
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
            texts.append(PhraseDocument(document, document.references))
        if document.references and (not is_part or _drawn(f"{document.id} text", WRITTEN_SHARE)):
            segments = (Segment(document.references[0]),)
            written = replace(
                document,
                id=f"{document.id} text",
                sentences=tuple(rebuild_sentences(Transcript(segments, "text"))),
                boundaries=None,
                references=(),
            )
            spoken = " ".join(sentence.text for sentence in document.sentences)
            texts.append(PhraseDocument(written, (spoken,) if is_part else ()))
    return texts


def _drawn(name: str, share: float) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] < 256 * share


@dataclass(frozen=True)
class PhraseExample:
    """The phrases of a document, measured, with the target of each."""

    document: Document
    pool: tuple[Candidate, ...]
    features: Mapping[str, Float64Array]
    targets: Float64Array
    """Shape (phrases,): 1 for a phrase people named it by, less for one only mentioned."""


class PhraseSource:
    """The candidates of a document before any phrase is embedded.

    :param source: The document.
    :param tagger: The ``tagger`` head.
    :param rarity: Word to 0 (common) to 1 (rare).
    """

    def __init__(self, source: PhraseDocument, tagger: Classifier, rarity: Rarity) -> None:
        self.source = source
        self.rarity = rarity
        sentences = source.document.sentences
        is_candidate = [True] * len(sentences)
        self.candidates = find_phrases(sentences, is_candidate, tag_sentences(sentences, tagger))
        self.pool = most_prominent(self.candidates, len(sentences), rarity)

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
        named, parts = _longest_within(document.labels, set(known.values()))
        if len(self.pool) < MIN_CANDIDATES or not named:
            return None
        mentioned = parts.union(*_longest_within(self.source.parallel, set(known.values())))
        n = len(document.sentences)
        features = phrase_features(
            self.pool,
            self.candidates,
            document.sentences,
            Centre.of(document.sentences, vectors[:n]),
            vectors[n:],
            self.rarity,
        )
        targets = np.array([_target(known[c.key], named, mentioned) for c in self.pool])
        return PhraseExample(document, tuple(self.pool), features, targets)


def _target(key: Key, named: Collection[Key], mentioned: Collection[Key]) -> float:
    return NAMED if key in named else MENTIONED if key in mentioned else 0.0


def _bare_words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("'s", ""))


def _stems(words: Sequence[str]) -> Key:
    return tuple(stem_word(word) for word in words)


def _longest_within(texts: Sequence[str], known: Collection[Key]) -> tuple[set[Key], set[Key]]:
    """Known phrases that occur in some texts, not inside a longer one there.

    The first set holds those that stand between words without content, the second the rest: parts
    of phrases that the document itself never uses whole.
    """
    complete: set[Key] = set()
    parts: set[Key] = set()
    for text in texts:
        for line in re.split(r"[.,;:?!()\n]", text):
            words = _bare_words(line)
            stems = _stems(words)
            for a, b in _longest_hits(stems, known):
                around = [*words[max(0, a - 1) : a], *words[b : b + 1]]
                is_part = any(map(is_content_word, around))
                (parts if is_part else complete).add(stems[a:b])
    return complete, parts - complete


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


def fit_phrase_head(examples: Sequence[PhraseExample]) -> TrainedHead:
    """The ``phrase`` head; every document counts alike, whatever its length.

    :param examples: Documents with their phrases.
    """
    names = tuple(examples[0].features)
    rows = np.concatenate([feature_matrix(example.features, names) for example in examples])
    targets = np.concatenate([example.targets for example in examples])
    weights = np.concatenate([np.full(len(e.pool), _weight(e)) for e in examples])
    model = boosted_trees("regression", 200, 0.04, 15).fit(rows, targets, sample_weight=weights)
    return TrainedHead.of("phrase", names, model, rows, len(examples))


def _weight(example: PhraseExample) -> float:
    """Whole podcasts and meetings are what the head is for."""
    return (
        (1.0 if example.document.is_part else WHOLE_WEIGHT)
        * TYPICAL
        / (TYPICAL + len(example.pool))
    )
