"""The ``reader`` head of a bundle whose encoder stays as it is: a static table, one's own model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.runtime.encoder import Encoded, Encoder
from edge_export.data.annotated import read_annotated
from edge_export.log import Log
from edge_export.recipe import ReaderSettings
from edge_export.training.reader import teach_reader
from edge_export.training.reading_example import forms_of
from edge_export.training.trained_head import TrainedHead

EPOCHS = 12
"""Without the encoder an epoch takes seconds."""


def fit_reader_head(encoder: Encoder, data: Path, log: Log) -> TrainedHead:
    """Teach a reader on a bundle's own vectors and states.

    :param encoder: The bundle.
    :param data: Folder of the annotated episodes.
    :param log: Told of each step.
    """
    settings = ReaderSettings(epochs=EPOCHS)
    episodes = read_annotated(data)
    examples = []
    for episode in episodes:
        log(f"reading {episode.id}")
        examples.append(
            forms_of(
                episode, lambda texts: _encode(encoder, texts), encoder.tokens, encoder.rarity, 0
            )
        )
    network = teach_reader(None, examples, settings, log)
    sample = examples[0]["full"]
    rows = np.concatenate([sample.states, sample.vectors, sample.measures], axis=1)
    return TrainedHead.of(
        "reader",
        ("state", "vector", *sample.measure_names),
        network,
        rows.astype(np.float32),
        len(episodes),
    )


def _encode(encoder: Encoder, texts: Sequence[str]) -> Encoded:
    return encoder.begin_texts(texts).result()
