"""Which words of a line an editor strikes, taught to the encoder's tokens while it learns to read.

The network that judges them here is thrown away: the one on the device learns from the states of
the finished, quantized encoder.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edge_export.data.forms import without_punctuation
from edge_export.data.tidied import TidiedLine
from edge_export.training.reader_model import AdaptedEncoder

BATCH_LINES = 8
BARE_SHARE, ALONE_SHARE = 0.25, 0.15
"""How often a line is learned without punctuation and capitals; without the one before it."""
MAX_WORDS, MAX_TOKENS_BEFORE = 110, 40
SHORT_WEIGHT = 0.5
"""Of the shorter version, beside the clean one."""

WordIds = Callable[[Sequence[str]], list[list[int]]]
"""Texts to the tokens of each, without markers."""


class TidyLesson(nn.Module):
    """Lines to learn, and the network that judges their words meanwhile.

    :param lines: As editors left them.
    :param word_ids: The tokenizer.
    :param markers: Its tokens for the beginning and the end of a text.
    :param dimension: Of the encoder's states.
    :param seed: Of what is drawn.
    """

    def __init__(
        self,
        lines: Sequence[TidiedLine],
        word_ids: WordIds,
        markers: tuple[int, int],
        dimension: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.inside = nn.Linear(dimension, 128)
        self.around = nn.GRU(128, 64, bidirectional=True, batch_first=True)
        self.out = nn.Linear(128, 2)
        self.alone = nn.Linear(dimension, 2)
        self.dropout = nn.Dropout(0.2)
        self._word_ids, self._markers = word_ids, markers
        self._draw = random.Random(seed)
        self._lines = self._endless([line for line in lines if len(line.words) <= MAX_WORDS])

    @classmethod
    def of(cls, checkpoint: Path, lines: Sequence[TidiedLine], seed: int) -> TidyLesson:
        """A lesson for a checkpoint.

        :param checkpoint: Its folder.
        :param lines: As editors left them.
        :param seed: Of what is drawn.
        """
        from transformers import AutoConfig, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(checkpoint)

        def word_ids(texts: Sequence[str]) -> list[list[int]]:
            ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
            return ids

        markers = tokenizer.cls_token_id, tokenizer.sep_token_id
        dimension = AutoConfig.from_pretrained(checkpoint).hidden_size
        return cls(lines, word_ids, markers, dimension, seed)

    def forward(self, encoder: AdaptedEncoder) -> Tensor:
        """How wrong some further lines are.

        :param encoder: That learns.
        """
        lines = [next(self._lines) for _ in range(BATCH_LINES)]
        inputs = [self._input(line) for line in lines]
        hidden, _ = encoder.hidden([ids for ids, _ in inputs])
        n_words = max(len(line.words) for line in lines)
        places = torch.zeros(len(lines), n_words, dtype=torch.long)
        struck = torch.zeros(len(lines), n_words, 2)
        weight = torch.zeros(len(lines), n_words, 2)
        for row, (line, (_, firsts)) in enumerate(zip(lines, inputs, strict=True)):
            n = len(line.words)
            places[row, :n] = torch.tensor(firsts)
            both = ((line.is_struck_clean, 1.0), (line.is_struck_short, SHORT_WEIGHT))
            for column, (is_struck, worth) in enumerate(both):
                if is_struck is not None:
                    struck[row, :n, column] = torch.from_numpy(is_struck.astype(np.float32))
                    weight[row, :n, column] = worth
        places, struck, weight = (t.to(hidden.device) for t in (places, struck, weight))
        index = places[:, :, None].expand(-1, -1, hidden.shape[2])
        states = self.dropout(torch.gather(hidden, 1, index))
        around, _ = self.around(torch.relu(self.inside(states)))
        logits = self.out(self.dropout(around)) + self.alone(states)
        wrong = nn.functional.binary_cross_entropy_with_logits(logits, struck, reduction="none")
        return (wrong * weight).sum() / (weight > 0).sum()

    def _input(self, line: TidiedLine) -> tuple[list[int], list[int]]:
        """Tokens of a line, perhaps after the one before it, and the first of each of its words."""
        written = without_punctuation if self._draw.random() < BARE_SHARE else str
        begin, end = self._markers
        ids = [begin]
        if line.before and self._draw.random() >= ALONE_SHARE:
            (before,) = self._word_ids([written(line.before)])
            ids += [*before[-MAX_TOKENS_BEFORE:], end]
        firsts = []
        for word_ids in self._word_ids([written(word).strip() or "-" for word in line.words]):
            firsts.append(len(ids))
            ids += word_ids
        return [*ids, end], firsts

    def _endless(self, lines: list[TidiedLine]) -> Iterator[TidiedLine]:
        while lines:
            self._draw.shuffle(lines)
            yield from lines
