"""From a bundle and a folder of documents to the bundle with heads, whole or in folds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.encoder import Encoder
from edge.manifest import Bundle, read_bundle
from export.documents import Document, data_hashes, read_documents
from export.errors import MissingExtraError
from export.heads import attach_heads
from export.train import Example, train_heads
from export.vectors import VectorCache

Log = Callable[[str], None]
MIN_SHOW_EPISODES = 3
"""A show with fewer episodes is never left out by itself."""
N_EPISODE_FOLDS = 3


def train_bundle(folder: Path, data: Path, cache: Path, log: Log) -> Bundle:
    """Train all heads on the training documents and write them into the bundle.

    :param folder: Bundle whose vectors the heads read.
    :param data: Folder of the training files.
    :param cache: Folder of sentence vectors.
    :param log: Told of each step.
    :raises ExportError: If data are missing, or a head does not pass.
    """
    bundle, examples = _examples(folder, data, cache, log)
    return attach_heads(bundle, train_heads(examples, log), data_hashes(data))


def train_folds(folder: Path, data: Path, cache: Path, output: Path, log: Log) -> None:
    """Bundles trained without some documents, and ``folds.json`` that says without which.

    ``show-N`` leaves out a whole show, ``episodes-N`` some episodes of every show; meetings of
    the validation part are in none.

    :param folder: Bundle whose vectors the heads read; it is not changed.
    :param data: Folder of the training files.
    :param cache: Folder of sentence vectors.
    :param output: Folder to write to.
    :param log: Told of each step.
    :raises ExportError: If data are missing, or a head does not pass.
    """
    _, examples = _examples(folder, data, cache, log)
    hashes = data_hashes(data)
    left_out: dict[str, list[str]] = {}
    for name, held in fold_members([example.document for example in examples]).items():
        log(f"fold {name}: {len(held)} episodes left out")
        target = output / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        known = [example for example in examples if example.document.episode not in held]
        attach_heads(read_bundle(target), train_heads(known, log), hashes)
        left_out[name] = sorted(held)
    (output / "folds.json").write_text(json.dumps(left_out, indent=1) + "\n", encoding="utf-8")


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


def _examples(folder: Path, data: Path, cache: Path, log: Log) -> tuple[Bundle, list[Example]]:
    try:
        import lightgbm  # noqa: F401
        import rouge_score  # noqa: F401
        import skl2onnx  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"training needs {error.name or 'a package'}, which is not installed here",
            "Install it: pip install 'edge-insights[export,train]'",
        ) from error
    encoder = Encoder(read_bundle(folder))
    documents = [document for document in read_documents(data) if document.for_training]
    log(f"{len(documents)} training documents")
    vectors = VectorCache(cache, encoder)
    vectors.add((s.text for document in documents for s in document.sentences), log)
    return encoder.bundle, [
        Example(document, vectors.get([s.text for s in document.sentences]), encoder.rarity)
        for document in documents
    ]
