"""Requests and answers as tokens: which a stage learns, in which updates and batches."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_export.recipe import FinetuneSettings


@dataclass(frozen=True)
class TokenExample:
    """A request and its answer as tokens."""

    id: str
    source: str
    request: Sequence[int]
    answer: Sequence[int]
    """The model's end included."""

    def __len__(self) -> int:
        return len(self.request) + len(self.answer)


@dataclass(frozen=True)
class TokenExamples:
    """All examples of a training."""

    train: Sequence[TokenExample]
    """What to learn."""
    dev: Sequence[TokenExample]
    """What the loss is measured on after each epoch, never learned."""


def choose_examples(
    examples: Sequence[TokenExample], settings: FinetuneSettings
) -> list[TokenExample]:
    """The examples of a stage, in their order.

    :param examples: All there are.
    :param settings: Of the stage.
    """
    kept: list[TokenExample] = []
    seen: set[str] = set()
    for example in examples:
        is_wanted = (
            (not settings.sources or example.source in settings.sources)
            and len(example.answer) >= settings.min_answer_tokens
            and len(example) <= settings.max_tokens
            and not (settings.once and example.id in seen)
        )
        if is_wanted:
            kept.append(example)
            seen.add(example.id)
    return kept


def iter_updates(
    examples: Sequence[TokenExample], settings: FinetuneSettings
) -> Iterator[list[TokenExample]]:
    """The examples of each update, every epoch in another order.

    :param examples: Of the stage.
    :param settings: Of the stage.
    """
    for epoch in range(settings.epochs):
        order = list(range(len(examples)))
        random.Random(settings.seed * 1000 + epoch).shuffle(order)
        for start in range(0, len(order), settings.batch_examples):
            yield [examples[i] for i in order[start : start + settings.batch_examples]]


def iter_batches(
    examples: Sequence[TokenExample], batch_tokens: int
) -> Iterator[list[TokenExample]]:
    """Examples of like length together, so that little is padded.

    :param examples: Of an update.
    :param batch_tokens: Most tokens, padding included, of a batch.
    """
    batch: list[TokenExample] = []
    for example in sorted(examples, key=len):
        if batch and len(example) * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(example)
    if batch:
        yield batch
