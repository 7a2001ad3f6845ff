"""Episodes as the reader is shown them while it learns: tokens, measures, and what was chosen."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge.extraction.measures import Place, measure_sentences
from edge.extraction.reader import ROLES
from edge.runtime.encoder import Encoded
from edge.runtime.tokenizer import word_rarity
from edge_export.data.annotated import AnnotatedEpisode, SpokenEpisode
from edge_export.data.forms import FORM_SHARES, FORMS, FormedEpisode, in_form, turn_roles
from edge_export.log import Log
from edge_export.recipe import ReaderSettings
from edge_export.training.reader_model import AdaptedEncoder

Tokenize = Callable[[Sequence[str]], list[list[int]]]
"""Texts to the tokens of each, with the markers around them."""
Encode = Callable[[Sequence[str]], Encoded]


class ReadingExample:
    """An episode in a form, as the reader is shown it.

    :param formed: The episode.
    :param of_turns: How likely each turn plays each role, shape (turns, roles).
    :param encode: The encoder as it was, for the measures and for where vectors are to stay.
    :param tokenize: Texts to tokens.
    :param rarity: Word to 0 (common) to 1 (rare).
    """

    def __init__(
        self,
        formed: FormedEpisode,
        of_turns: Float32Array,
        encode: Encode,
        tokenize: Tokenize,
        rarity: Callable[[str], float],
    ) -> None:
        self.texts = [sentence.text for sentence in formed.sentences]
        self.token_ids = tokenize(self.texts)
        self.labels = formed.labels(of_turns)
        encoded = encode(self.texts)
        place = Place(0, sum(sentence.n_words for sentence in formed.sentences))
        measures = measure_sentences(formed.sentences, encoded.vectors, rarity, place)
        self.measures = np.column_stack(list(measures.values())).astype(np.float32)
        self.measure_names = tuple(measures)
        self.vectors = encoded.vectors.astype(np.float16)
        self.states = encoded.states.astype(np.float16)

    def __len__(self) -> int:
        return len(self.token_ids)

    def tokenized(self, tokenize: Tokenize) -> ReadingExample:
        """The same for an encoder of other tokens, whose vectors may go anywhere.

        :param tokenize: Texts to its tokens.
        """
        example = copy(self)
        example.token_ids = tokenize(self.texts)
        return example


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
    of_turns = turn_roles(episode)
    return {
        form: ReadingExample(in_form(episode, form, seed), of_turns, encode, tokenize, rarity)
        for form in FORMS
    }


class ExampleMaker:
    """Makes examples with an encoder as it was before it learned.

    :param checkpoint: The encoder's folder.
    :param settings: How it is to be taught.
    """

    def __init__(self, checkpoint: Path, settings: ReaderSettings) -> None:
        import tokenizers

        fast = tokenizers.Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        self._rarity = cache(lambda word: word_rarity(fast, word))
        self._tokenize = tokens_of(checkpoint, settings.max_tokens)
        self._untaught = AdaptedEncoder(checkpoint, settings.rank, settings.scale).eval()
        self._seed = settings.seed
        self._known: dict[str, tuple[Any, Any]] = {}

    def in_all_forms(
        self, episodes: Sequence[AnnotatedEpisode], log: Log
    ) -> Iterator[dict[str, ReadingExample]]:
        """Each episode's forms by name.

        :param episodes: As they were annotated.
        :param log: Told of the progress.
        """
        for i, episode in enumerate(episodes):
            if i % 10 == 0:
                log(f"reading episode {i + 1} of {len(episodes)}")
            self._known.clear()  # an episode's forms share most of their sentences
            yield forms_of(episode, self._encode, self._tokenize, self._rarity, self._seed)

    def in_one_form(
        self, episode: SpokenEpisode, of_turns: Float32Array
    ) -> dict[str, ReadingExample]:
        """An episode in a form that is drawn, by its name.

        :param episode: As it was said.
        :param of_turns: How likely each turn plays each role, shape (turns, roles).
        """
        draw = random.Random(f"{self._seed} {episode.id}")
        (form,) = draw.choices(list(FORM_SHARES), list(FORM_SHARES.values()))
        return {form: self._example(in_form(episode, form, self._seed), of_turns)}

    def as_written(self, episode: SpokenEpisode) -> tuple[FormedEpisode, ReadingExample]:
        """An episode of which nobody has said what is in it.

        :param episode: As it was said.
        """
        formed = in_form(episode, "full", self._seed)
        return formed, self._example(formed, np.zeros((len(episode.texts), len(ROLES)), np.float32))

    def _example(self, formed: FormedEpisode, of_turns: Float32Array) -> ReadingExample:
        self._known.clear()
        return ReadingExample(formed, of_turns, self._encode, self._tokenize, self._rarity)

    def _encode(self, texts: Sequence[str]) -> Encoded:
        import torch

        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            with torch.no_grad():
                states, vectors = self._untaught(self._tokenize(new))
            found = zip(states.numpy(), vectors.numpy(), strict=True)
            self._known.update(zip(new, found, strict=True))
        states, vectors = zip(*(self._known[text] for text in texts), strict=True)
        return Encoded(np.stack(vectors), np.stack(states))


def tokens_of(checkpoint: Path, max_tokens: int) -> Tokenize:
    """Texts to a checkpoint's tokens.

    :param checkpoint: Its folder.
    :param max_tokens: Of a text; the rest is cut.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=max_tokens)[
            "input_ids"
        ]
        return ids

    return tokenize
