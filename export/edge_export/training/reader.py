"""The encoder and the ``reader`` head, taught what people chose; or the head alone.

Every epoch reads each annotated episode once, in windows of neighbouring sentences and in a form
that is drawn anew, and some of the episodes that a larger reader scored. The loss: how wrong the
roles are, and how far the vectors moved.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edge.extraction.reader import ROLES
from edge_export.data.forms import FORM_SHARES
from edge_export.log import Log
from edge_export.recipe import ReaderSettings
from edge_export.training.reader_model import AdaptedEncoder, SequenceReader
from edge_export.training.reading_example import ReadingExample
from edge_export.training.tidy_lesson import TidyLesson

ROLE_WEIGHTS = {
    "worth": 2.0, "summary": 1.0, "chapter_key": 1.5, "key_line": 1.0,
    "quote": 0.7, "opens": 2.0, "question": 0.7, "advert": 4.0,
    "introduces": 0.5,
}  # fmt: skip
MIN_WINDOW = 20
"""Sentences of the shortest window that is learned from."""


def teach_reader(
    encoder: AdaptedEncoder | None,
    by_form: Sequence[Mapping[str, ReadingExample]],
    settings: ReaderSettings,
    log: Log,
    scored: Sequence[Mapping[str, ReadingExample]] = (),
    tidying: TidyLesson | None = None,
) -> SequenceReader:
    """Teach the network over an episode's sentences and, with it, an encoder's adapter.

    :param encoder: None for one that stays as it is: the examples have its states.
    :param by_form: For each episode, its forms by name.
    :param settings: How.
    :param log: Told of the progress.
    :param scored: Further episodes, each read once in all.
    :param tidying: What the encoder's other tokens learn beside it.
    """
    torch.manual_seed(settings.seed)
    draw = random.Random(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    first = by_form[0]["full"]
    dimension = first.vectors.shape[1] if encoder is None else encoder.model.config.hidden_size
    network = SequenceReader(dimension, first.measures.shape[1], settings.width, settings.dropout)
    network.to(device)
    with torch.no_grad():
        rate = (
            np.concatenate([forms["full"].labels for forms in by_form])
            .mean(axis=0)
            .clip(1e-4, 1 - 1e-4)
        )
        network.role.bias.copy_(torch.from_numpy(np.log(rate / (1 - rate)).astype(np.float32)))
    read = [*(settings.epochs * [*by_form]), *scored]
    n_updates = round(sum(len(next(iter(f.values()))) for f in read) / settings.window)
    optimizer, schedule = _optimizer(encoder, network, tidying, settings, n_updates)
    learned = [p for group in optimizer.param_groups for p in group["params"]]
    losses: list[float] = []
    network.train()
    if encoder is not None:
        encoder.to(device).train()
    for epoch in range(settings.epochs):
        some = [*by_form, *scored[epoch :: settings.epochs]]
        windows = list(_windows(some, settings.window, draw))
        draw.shuffle(windows)
        for example, start, end in windows:
            loss = _loss(encoder, network, example, slice(start, end), settings)
            if encoder is not None and tidying is not None:
                loss = loss + settings.tidying_weight * tidying(encoder)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
            if len(losses) % 100 == 0:
                log(f"update {len(losses)} of about {n_updates}: {np.mean(losses[-100:]):.4f}")
        log(f"epoch {epoch + 1} of {settings.epochs}")
    if encoder is not None:
        encoder.eval()
    network.half().float().eval()  # rounded to what its file can tell
    return network


def _windows(
    by_form: Sequence[Mapping[str, ReadingExample]], window: int, draw: random.Random
) -> Iterator[tuple[ReadingExample, int, int]]:
    """Each episode once, in a form of those it has, in windows that begin anywhere."""
    for forms in by_form:
        shares = [FORM_SHARES[form] for form in forms]
        (example,) = draw.choices(list(forms.values()), shares)
        start = draw.randint(MIN_WINDOW - window, 0)
        for first in range(start, len(example), window):
            inside = max(0, first), min(len(example), first + window)
            if inside[1] - inside[0] >= MIN_WINDOW:
                yield example, *inside


def _loss(
    encoder: AdaptedEncoder | None,
    network: SequenceReader,
    example: ReadingExample,
    window: slice,
    settings: ReaderSettings,
) -> Tensor:
    device = next(network.parameters()).device

    def there(rows: Any) -> Tensor:
        return torch.from_numpy(np.asarray(rows, np.float32)).to(device)

    kept = there(example.vectors[window])
    states, vectors = there(example.states[window]), kept
    if encoder is not None:
        states, vectors = encoder(example.token_ids[window])
    logits = network(states, vectors, there(example.measures[window]))
    wrong = nn.functional.binary_cross_entropy_with_logits(
        logits, there(example.labels[window]), reduction="none"
    )
    weights = there([ROLE_WEIGHTS[role] for role in ROLES])
    loss = (wrong * weights).mean()
    if settings.kept_likeness:
        loss = loss + settings.kept_likeness * (1.0 - (vectors * kept).sum(dim=1)).mean()
    return loss


def _optimizer(
    encoder: AdaptedEncoder | None,
    network: SequenceReader,
    tidying: TidyLesson | None,
    settings: ReaderSettings,
    n_updates: int,
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    others = [] if tidying is None else list(tidying.parameters())
    groups = [{"params": [*network.parameters(), *others], "lr": settings.head_rate}]
    if encoder is not None:
        adapter = [p for delta in encoder.deltas.values() for p in delta.parameters()]
        groups.append({"params": adapter, "lr": settings.adapter_rate})
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)

    def share(update: int) -> float:
        rising = min(1.0, (update + 1) / settings.warmup_updates)
        return rising * max(0.02, 1.0 - update / max(1, n_updates))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)
