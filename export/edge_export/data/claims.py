"""Sentences people wrote about passages, true and spoilt: what the support head learns from.

A human summary's sentences are supported by its passage. Spoilt copies are not: another name or
number in the place of its own, a denial put in or taken out, or a sentence about something else.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.english.claims import names_in, numbers_in
from edge.english.words import words
from edge.transcript.sentences import sentence_texts
from edge_export.data.documents import CHAPTERED, Document, read_documents, read_rows
from edge_export.data.held_out import DEV_SHOW
from edge_export.data.written_summaries import read_written
from edge_export.errors import TrainingDataError

SEED = 0
MEETING_EVERY = 3
"""Of the meetings' answers each third: they say less exactly what was said."""
MIN_CLAIM_WORDS = 4
N_OTHERS = 2
"""Sentences about something else, of the same episode and of others, for each document."""
KINDS = ("name", "role", "number", "denial", "same episode", "other episode")
"""Ways to spoil a sentence."""
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


def read_claims(data: Path, written: Path) -> list[Claims]:
    """The sentences to learn from, always the same.

    :param data: Folder of the training files.
    :param written: Folder with the summaries written for this project.
    :raises TrainingDataError: If a file is missing or malformed.
    """
    answers = [d for d in read_documents(data) if d.is_meeting and d.is_part and d.for_training]
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
    true = {document.id: _summary_sentences(document) for document in documents}
    by_show: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        by_show[document.group].append(document)
    names = {
        show: sorted({name for d in of_show for claim in true[d.id] for name in names_in(claim)})
        for show, of_show in by_show.items()
    }
    claims = []
    for document in documents:
        of_show = by_show[document.group]
        same = [d for d in of_show if d.episode == document.episode and d.id != document.id]
        other = [d for d in of_show if d.episode != document.episode] or list(documents)
        spoilt = [
            *_damaged(true[document.id], document, names[document.group], draw),
            *_about_something_else("same episode", same, true, draw),
            *_about_something_else("other episode", other, true, draw),
        ]
        texts = (*true[document.id], *(text for _, text in spoilt))
        kinds = ("",) * len(true[document.id]) + tuple(kind for kind, _ in spoilt)
        claims.append(Claims(document, texts, kinds))
    return claims


def _summary_sentences(document: Document) -> list[str]:
    return [
        sentence
        for sentence in sentence_texts(document.references[0])
        if len(sentence.split()) >= MIN_CLAIM_WORDS
    ]


def _about_something_else(
    kind: str,
    documents: Sequence[Document],
    sentences: Mapping[str, Sequence[str]],
    draw: random.Random,
) -> Iterator[tuple[str, str]]:
    """Sentences of some of the documents."""
    for _ in range(N_OTHERS if documents else 0):
        candidates = sentences[draw.choice(documents).id]
        if candidates:
            yield kind, draw.choice(candidates)


def _damaged(
    claims: Sequence[str], document: Document, names: Sequence[str], draw: random.Random
) -> Iterator[tuple[str, str]]:
    """Copies of claims that say something else, with the kind of damage.

    A name becomes one of its show that is not in the document, and one that is.
    """
    spoken = {word for sentence in document.sentences for word in words(sentence.text)}
    for claim in claims:
        claim_names = names_in(claim)
        if claim_names:
            replaced = draw.choice(claim_names)
            strangers = [n for n in names if n not in spoken and n not in claim_names]
            present = [n for n in names if n in spoken and n not in claim_names]
            if strangers:
                yield "name", _replace(claim, replaced, draw.choice(strangers))
            if present:
                yield "role", _replace(claim, replaced, draw.choice(present))
        numbers = re.findall(r"\d+", claim)
        if numbers and numbers_in(claim):
            number = draw.choice(numbers)
            another = int(number) + draw.choice([1, 2, 3, 5, 10, 20])
            yield "number", _replace(claim, number, str(another))
        denied = _flip_denial(claim)
        if denied != claim:
            yield "denial", denied


def _replace(claim: str, old: str, new: str) -> str:
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
