"""Learn the ``support`` head: sentences people wrote about a passage, and what becomes of them.

A human summary's sentences are supported by its passage. Spoilt copies are not: another name or
number in the place of its own, a denial put in or taken out, or a sentence about something else.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.abstractive.grounding import source_passage
from edge.abstractive.support import support_features
from edge.arrays import Float64Array
from edge.english.claims import names_in, numbers_in
from edge.english.fillers import without_lead
from edge.english.words import words
from edge.runtime.encoder import Encoder
from edge.runtime.heads import feature_matrix
from edge.transcript.sentences import sentence_texts
from edge_export.data.documents import CHAPTERED, Document, read_documents
from edge_export.data.summary_examples import DEV_SHOW, read_rows, read_written
from edge_export.errors import TrainingDataError
from edge_export.training.fit import TrainedHead, boosted_trees

SEED = 0
MEETING_EVERY = 3
"""Of the meetings' answers each third: they say less exactly what was said."""
MIN_CLAIM_WORDS = 4
KINDS = ("name", "role", "number", "denial", "same episode", "other episode")
_DENIED = re.compile(r"\b(is|are|was|were|can|could|should|would|will|did|does|do) not |n['’]t\b")
_STATED = re.compile(r"\b(is|are|was|were|can|could|should|would|will|has|have|had)\b(?! not)")
_VERBED = re.compile(r"\b(\w+)(ed|es|s) (the|a|an|to|that)\b")


@dataclass(frozen=True)
class Claims:
    """Sentences about one passage, true and spoilt."""

    document: Document
    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    """``""`` for a supported sentence, else one of ``KINDS``."""


@dataclass(frozen=True)
class SupportRows:
    """All claims, measured."""

    features: dict[str, Float64Array]
    kinds: tuple[str, ...]
    shows: tuple[str, ...]


def read_claims(data: Path, written: Path) -> list[Claims]:
    """The sentences to learn from, always the same.

    :param data: Folder of the training files.
    :param written: Folder with the summaries written for this project.
    :raises TrainingDataError: If a file is missing or malformed.
    """
    answers = [d for d in read_documents(data) if d.is_meeting and "#" in d.id and d.for_training]
    try:
        episodes = {row["id"]: row for row in read_rows(data / CHAPTERED)}
        summed_up = read_written(written, episodes)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingDataError(
            f"the passages summed up in {written} are not in {data}: "
            f"{type(error).__name__} {error}",
            "They are passages of the project's own training files (docs/training.md).",
        ) from error
    documents = summed_up + answers[::MEETING_EVERY]
    documents = [d for d in documents if d.group != DEV_SHOW]
    return spoil([d for d in documents if len(d.sentences) > 1])


def spoil(documents: Sequence[Document]) -> list[Claims]:
    """Each document's summary sentences with spoilt copies of them.

    :param documents: Passages with a summary each; several of an episode and of several shows.
    """
    draw = random.Random(SEED)
    true = {d.id: _claims_of(d) for d in documents}
    by_show: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        by_show[document.group].append(document)
    names = {
        show: sorted({name for d in own for claim in true[d.id] for name in names_in(claim)})
        for show, own in by_show.items()
    }
    found = []
    for document in documents:
        pool = by_show[document.group]
        same = [d for d in pool if d.episode == document.episode and d.id != document.id]
        other = [d for d in pool if d.episode != document.episode] or list(documents)
        texts, kinds = list(true[document.id]), [""] * len(true[document.id])
        said = {word for sentence in document.sentences for word in words(sentence.text)}
        for claim in true[document.id]:
            for kind, spoilt in _spoilt(claim, said, names[document.group], draw):
                texts.append(spoilt)
                kinds.append(kind)
        for kind, others in (("same episode", same), ("other episode", other)):
            for _ in range(2 if others else 0):
                chosen = true[draw.choice(others).id]
                if chosen:
                    texts.append(draw.choice(chosen))
                    kinds.append(kind)
        found.append(Claims(document, tuple(texts), tuple(kinds)))
    return found


def measure_claims(claims: Sequence[Claims], encoder: Encoder) -> SupportRows:
    """What the head reads of all claims.

    :param claims: As ``read_claims`` gives them.
    :param encoder: The model.
    """
    columns: dict[str, list[Float64Array]] = defaultdict(list)
    kinds: list[str] = []
    shows: list[str] = []
    for own in claims:
        texts = [without_lead(sentence.text) for sentence in own.document.sentences]
        speakers = [sentence.speaker for sentence in own.document.sentences]
        vectors = encoder.encode([*texts, *own.texts])
        passage = source_passage(texts, vectors[: len(texts)], speakers)
        rows = support_features(own.texts, vectors[len(texts) :], passage, encoder.rarity)
        for name, values in rows.items():
            columns[name].append(values)
        kinds += own.kinds
        shows += [own.document.group] * len(own.texts)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return SupportRows(joined, tuple(kinds), tuple(shows))


def fit_support_head(rows: SupportRows, n_documents: int) -> TrainedHead:
    """The ``support`` head.

    :param rows: As ``measure_claims`` gives them.
    :param n_documents: Passages they are about, for the record.
    """
    names = tuple(rows.features)
    matrix = feature_matrix(rows.features, names)
    labels = np.array([kind == "" for kind in rows.kinds], int)
    # As many supported as spoilt: what is written is mostly supported, and is not to be dropped.
    weights = np.where(labels == 1, (labels == 0).sum() / max(1, labels.sum()), 1.0)
    model = boosted_trees("binary", 150, 0.05, 12).fit(matrix, labels, sample_weight=weights)
    return TrainedHead("support", names, model, matrix[:2000], n_documents, len(matrix))


def held_out_scores(rows: SupportRows) -> Float64Array:
    """Each claim's support by a head that saw no claim of its show.

    :param rows: As ``measure_claims`` gives them.
    """
    shows = np.array(rows.shows)
    scores = np.zeros(len(shows))
    for show in sorted(set(rows.shows)):
        inside = shows == show
        head = fit_support_head(_taken(rows, ~inside), 0)
        scores[inside] = head.predict(_taken(rows, inside).features)
    return scores


def area_under_curve(scores: Float64Array, kinds: Sequence[str], kind: str | None = None) -> float:
    """Chance that a supported sentence scores above a spoilt one.

    :param scores: Of each claim.
    :param kinds: Of each claim.
    :param kind: Only spoilt sentences of this kind; None for all.
    """
    from sklearn.metrics import roc_auc_score

    taken = [k for k, own in enumerate(kinds) if own == "" or kind in (None, own)]
    labels = [kinds[k] == "" for k in taken]
    return float(roc_auc_score(labels, scores[taken]))


def _taken(rows: SupportRows, mask: np.ndarray) -> SupportRows:
    chosen = np.flatnonzero(mask)
    return SupportRows(
        {name: values[chosen] for name, values in rows.features.items()},
        tuple(rows.kinds[i] for i in chosen),
        tuple(rows.shows[i] for i in chosen),
    )


def _claims_of(document: Document) -> list[str]:
    return [
        claim
        for claim in sentence_texts(document.references[0])
        if len(claim.split()) >= MIN_CLAIM_WORDS
    ]


def _spoilt(
    claim: str, said: set[str], names: Sequence[str], draw: random.Random
) -> Iterator[tuple[str, str]]:
    """Copies of a claim that say something else, with the kind of damage."""
    own = names_in(claim)
    if own:
        mine = draw.choice(own)
        strangers = [n for n in names if n not in said and n not in own]
        inside = [n for n in names if n in said and n not in own]
        if strangers:
            yield "name", _replaced(claim, mine, draw.choice(strangers))
        if inside:
            yield "role", _replaced(claim, mine, draw.choice(inside))
    numbers = re.findall(r"\d+", claim)
    if numbers and numbers_in(claim):
        mine = draw.choice(numbers)
        yield "number", _replaced(claim, mine, str(int(mine) + draw.choice([1, 2, 3, 5, 10, 20])))
    denied = _flip_denial(claim)
    if denied != claim:
        yield "denial", denied


def _replaced(claim: str, old: str, new: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, claim)


def _flip_denial(claim: str) -> str:
    """A claim with its denial taken out, or with one put in."""
    if _DENIED.search(claim):
        bare = re.sub(r"\b(\w+) not ", r"\1 ", claim, count=1)
        return bare if bare != claim else re.sub(r"n['’]t\b", "", claim, count=1)
    stated = _STATED.sub(lambda m: f"{m[1]} not", claim, count=1)
    if stated != claim:
        return stated
    return _VERBED.sub(lambda m: f"did not {m[1]} {m[3]}", claim, count=1)
