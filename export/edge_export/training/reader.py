"""The encoder and the ``reader`` head, taught what people chose; or the head alone.

Every epoch reads each episode once, in windows of neighbouring sentences and in a form that is
drawn anew. The loss: how wrong the roles are, and how far the vectors moved.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edge.arrays import Float32Array
from edge.extraction.measures import Place, measure_sentences
from edge.extraction.reader import ROLES
from edge.runtime.encoder import Encoded
from edge_export.data.annotated import AnnotatedEpisode
from edge_export.data.forms import FORMS, FormedEpisode, in_form
from edge_export.log import Log
from edge_export.recipe import ReaderSettings
from edge_export.training.reader_model import AdaptedEncoder, SequenceReader

Tokenize = Callable[[Sequence[str]], list[list[int]]]
"""Texts to the tokens of each, with the markers around them."""
Encode = Callable[[Sequence[str]], Encoded]

FORM_SHARES = (0.45, 0.25, 0.15, 0.15)
"""How often an episode is read in each of ``FORMS``."""
ROLE_WEIGHTS = {
    "worth": 2.0, "summary": 1.0, "chapter_key": 1.5, "key_line": 1.0,
    "quote": 0.7, "opens": 2.0, "question": 0.7, "advert": 4.0,
    "introduces": 0.5,
}  # fmt: skip
MIN_WINDOW = 20
"""Sentences of the shortest window that is learned from."""


class ReadingExample:
    """An episode in a form, as the reader is shown it.

    :param formed: The episode.
    :param encode: The encoder as it was, for the measures and for where vectors are to stay.
    :param tokenize: Texts to tokens.
    :param rarity: Word to 0 (common) to 1 (rare).
    """

    def __init__(
        self,
        formed: FormedEpisode,
        encode: Encode,
        tokenize: Tokenize,
        rarity: Callable[[str], float],
    ) -> None:
        self.formed = formed
        texts = [sentence.text for sentence in formed.sentences]
        self.token_ids = tokenize(texts)
        encoded = encode(texts)
        place = Place(0, sum(sentence.n_words for sentence in formed.sentences))
        measures = measure_sentences(formed.sentences, encoded.vectors, rarity, place)
        self.measures = np.column_stack(list(measures.values())).astype(np.float32)
        self.measure_names = tuple(measures)
        self.vectors = encoded.vectors.astype(np.float16)
        self.states = encoded.states.astype(np.float16)

    def __len__(self) -> int:
        return len(self.token_ids)

    @cached_property
    def labels(self) -> Float32Array:
        """``FormedEpisode.labels``."""
        return self.formed.labels()


def teach_reader(
    encoder: AdaptedEncoder | None,
    by_form: Sequence[dict[str, ReadingExample]],
    settings: ReaderSettings,
    log: Log,
) -> SequenceReader:
    """Teach the network over an episode's sentences and, with it, an encoder's adapter.

    :param encoder: None for one that stays as it is: the examples have its states.
    :param by_form: For each episode, its forms by name.
    :param settings: How.
    :param log: Told of the progress.
    """
    torch.manual_seed(settings.seed)
    draw = random.Random(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    first = next(iter(by_form[0].values()))
    network = SequenceReader(
        first.vectors.shape[1], first.measures.shape[1], settings.width, settings.dropout
    )
    network.to(device)
    with torch.no_grad():
        rate = (
            np.concatenate([forms["full"].labels for forms in by_form])
            .mean(axis=0)
            .clip(1e-4, 1 - 1e-4)
        )
        network.role.bias.copy_(torch.from_numpy(np.log(rate / (1 - rate)).astype(np.float32)))
    n_updates = settings.epochs * round(sum(len(f["full"]) for f in by_form) / settings.window)
    optimizer, schedule = _optimizer(encoder, network, settings, n_updates)
    learned = [p for group in optimizer.param_groups for p in group["params"]]
    losses: list[float] = []
    network.train()
    if encoder is not None:
        encoder.to(device).train()
    for epoch in range(settings.epochs):
        windows = list(_windows(by_form, settings.window, draw))
        draw.shuffle(windows)
        for example, start, end in windows:
            loss = _loss(encoder, network, example, slice(start, end), settings)
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


def forms_of(
    episode: AnnotatedEpisode,
    encode: Encode,
    tokenize: Tokenize,
    rarity: Callable[[str], float],
    seed: int,
) -> dict[str, ReadingExample]:
    """An episode in every form, ready to be learned from.

    :param episode: As it was annotated.
    :param encode: The encoder as it was.
    :param tokenize: Texts to tokens.
    :param rarity: Word to 0 (common) to 1 (rare).
    :param seed: Where lines end in the form that is cut anywhere.
    """
    return {
        form: ReadingExample(in_form(episode, form, seed), encode, tokenize, rarity)
        for form in FORMS
    }


def _windows(
    by_form: Sequence[dict[str, ReadingExample]], window: int, draw: random.Random
) -> Iterator[tuple[ReadingExample, int, int]]:
    """Each episode once, in a form that is drawn, in windows that begin anywhere."""
    for forms in by_form:
        example = forms[draw.choices(FORMS, FORM_SHARES)[0]]
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
    moved = 1.0 - (vectors * kept).sum(dim=1)
    return (wrong * weights).mean() + settings.kept_likeness * moved.mean()


def _optimizer(
    encoder: AdaptedEncoder | None,
    network: SequenceReader,
    settings: ReaderSettings,
    n_updates: int,
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    groups = [{"params": list(network.parameters()), "lr": settings.head_rate}]
    if encoder is not None:
        adapter = [p for delta in encoder.deltas.values() for p in delta.parameters()]
        groups.append({"params": adapter, "lr": settings.adapter_rate})
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)

    def share(update: int) -> float:
        rising = min(1.0, (update + 1) / settings.warmup_updates)
        return rising * max(0.02, 1.0 - update / max(1, n_updates))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)
