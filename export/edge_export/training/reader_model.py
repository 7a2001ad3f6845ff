"""The reader while it learns: an encoder with a low-rank adapter, and the network over sentences.

Both learn together (docs/adr/0021-reader.md): the encoder's first token learns to tell what a
sentence is, and the mean of its tokens stays where it was, so that likeness keeps its meaning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import AutoModel

from edge.arrays import Float32Array
from edge.extraction.reader import ROLES
from edge_export.graph.reader import VECTOR_SCALE

ADAPTED_LAYERS = {
    "bert": (
        "attention.self.query", "attention.self.key", "attention.self.value",
        "attention.output.dense", "intermediate.dense", "output.dense",
    ),
    "mpnet": (
        "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o",
        "intermediate.dense", "output.dense",
    ),
}  # fmt: skip
"""Of each of an encoder's layers, by the family it is of."""
BATCH_TOKENS = 1536
"""Padded tokens that are encoded at once."""


class LowRankDelta(nn.Module):
    """What is added to a weight: a product of two thin matrices (LoRA, Hu et al. 2021).

    Added to the weight, not beside it: on a processor that costs less than a second product of
    every token.

    :param weight: The weight, shape (outputs, inputs).
    :param rank: Width of the thin matrices.
    :param scale: What their product is multiplied by.
    """

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        self.scale = scale
        self.down = nn.Parameter(torch.empty(rank, inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with what was learned.

        :param weight: The checkpoint's.
        """
        return weight + self.scale * (self.up @ self.down)


class AdaptedEncoder(nn.Module):
    """A checkpoint of a family in ``ADAPTED_LAYERS`` with an adapter to learn.

    :param checkpoint: Its folder.
    :param rank: Width of the adapter's matrices.
    :param scale: What their product is multiplied by.
    """

    def __init__(self, checkpoint: Path, rank: int, scale: float) -> None:
        super().__init__()
        self.model: Any = AutoModel.from_pretrained(checkpoint, add_pooling_layer=False)
        self.deltas: dict[str, LowRankDelta] = {}
        for parameter in self.model.parameters():
            parameter.requires_grad = False
        for i, layer in enumerate(self.model.encoder.layer):
            for name in ADAPTED_LAYERS[self.model.config.model_type]:
                linear = layer.get_submodule(name)
                delta = LowRankDelta(linear.weight, rank, scale)
                parametrize.register_parametrization(linear, "weight", delta)
                self.deltas[f"encoder.layer.{i}.{name}"] = delta

    def forward(self, token_ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """State of the first token, and the mean of all as a unit vector, of each text.

        :param token_ids: Of each text, with the markers around it.
        :return: Both of shape (texts, dimension).
        """
        order = sorted(range(len(token_ids)), key=lambda k: len(token_ids[k]))
        states, vectors, start = [], [], 0
        with parametrize.cached():
            while start < len(order):
                end = start + 1
                while (
                    end < len(order)
                    and (end + 1 - start) * len(token_ids[order[end]]) <= BATCH_TOKENS
                ):
                    end += 1
                first, mean = self._encode([token_ids[k] for k in order[start:end]])
                states.append(first)
                vectors.append(mean)
                start = end
        back = torch.from_numpy(np.argsort(order))
        return torch.cat(states)[back], torch.cat(vectors)[back]

    def hidden(self, token_ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """States of all tokens.

        :param token_ids: Of each text, with the markers around it.
        :return: Shape (texts, longest, dimension), and 1 where there is a token, (texts, longest).
        """
        longest = max(map(len, token_ids))
        padding = self.model.config.pad_token_id
        input_ids = torch.full((len(token_ids), longest), padding, dtype=torch.long)
        mask = torch.zeros(len(token_ids), longest)
        for row, ids in enumerate(token_ids):
            input_ids[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = 1.0
        device = next(self.parameters()).device
        input_ids, mask = input_ids.to(device), mask.to(device)
        with torch.autocast(device.type, torch.bfloat16):
            hidden = self.model(input_ids=input_ids, attention_mask=mask).last_hidden_state
        return hidden.float(), mask

    def _encode(self, token_ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        hidden, mask = self.hidden(token_ids)
        mean = (hidden * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return hidden[:, 0], nn.functional.normalize(mean, dim=1)


class SequenceReader(nn.Module):
    """What each sentence is, from its state, vector and measures and from those around it.

    :param dimension: Of states and vectors.
    :param n_measures: Measures of a sentence.
    :param width: Of the recurrent network, in each direction.
    :param dropout: Share of what it reads that is left out while it learns.
    """

    N_STATE, N_VECTOR = 128, 64

    def __init__(self, dimension: int, n_measures: int, width: int, dropout: float) -> None:
        super().__init__()
        self.state = nn.Linear(dimension, self.N_STATE)
        self.vector = nn.Linear(dimension, self.N_VECTOR)
        self.around = nn.GRU(
            self.N_STATE + self.N_VECTOR + n_measures, width, bidirectional=True, batch_first=True
        )
        self.alone = nn.Linear(dimension, len(ROLES))
        self.role = nn.Linear(2 * width, len(ROLES))
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, vectors: Tensor, measures: Tensor) -> Tensor:
        """Logits of the roles.

        :param states: Shape (sentences, dimension), of neighbours in their order.
        :param vectors: The same.
        :param measures: Shape (sentences, measures).
        :return: Shape (sentences, roles).
        """
        states = self.dropout(states)
        read = torch.cat(
            [
                torch.relu(self.state(states)),
                self.vector(self.dropout(VECTOR_SCALE * vectors)),
                measures,
            ],
            dim=1,
        )
        around, _ = self.around(read[None])
        logits: Tensor = self.alone(states) + self.role(self.dropout(around[0]))
        return logits

    def predict_roles(self, rows: Float32Array) -> Float32Array:
        """Chances of the roles, as the head on the device gives them.

        :param rows: State, vector and measures of each sentence, side by side.
        """
        read, dimension = torch.from_numpy(rows), self.state.in_features
        states, vectors = read[:, :dimension], read[:, dimension : 2 * dimension]
        with torch.no_grad():
            roles = torch.sigmoid(self(states, vectors, read[:, 2 * dimension :]))
        chances: Float32Array = roles.numpy()
        return chances
