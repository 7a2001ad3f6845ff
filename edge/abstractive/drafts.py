"""A model's own sentences, each tied to what was said and judged: what holds may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.abstractive.grounding import (
    SourcePassage,
    find_evidence,
    predict_support,
    retold_place,
    source_passage,
    unsaid,
)
from edge.abstractive.passages import EpisodeContext
from edge.abstractive.requests import split_answer
from edge.arrays import Float32Array
from edge.bundles.manifest import Bundle
from edge.english.claims import long_stems, speaks_to_reader, without_invented_gender
from edge.errors import BundleError
from edge.extraction.greedy import Budget, in_order, ruled_out, select_greedily
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge.runtime.encoder import Encoder
from edge.runtime.providers import ON_CPU, Execution
from edge.transcript.sentences import sentence_texts

MAX_ANSWER_TOKENS = 64
"""Twice what the twenty words asked for take, and more than a title does."""
DRAFT = GenerationSettings(max_new_tokens=MAX_ANSWER_TOKENS, no_repeat_answer_ngram_size=6)
REVISION = replace(DRAFT, temperature=0.5, top_p=0.9, seed=1)
MIN_SUPPORT = 0.5
"""Chance of being supported below which a sentence is not shown (docs/quality.md)."""
MIN_DISTINCT = 0.75
"""Share of a sentence's content words that are no repeats."""
SAME_SENTENCE, SAME_WORDS = 0.85, 0.5
"""Cosine, and share of words, from which two sentences say the same."""
MAX_TITLE_WORDS, MIN_TITLE_SAID = 10, 0.6
_POINTING = frozenset("it they this that these those he she his her their its and but so".split())
"""Words that begin a sentence which says nothing without the one before."""
_COPIED = ("summarize in", "give a title", "summarize the episode")


@dataclass(frozen=True)
class GroundedSentence:
    """A written sentence that holds."""

    text: str
    vector: Float32Array
    places: tuple[int, ...]
    """Indices of the episode's sentences that say it, the closest first."""
    support: float
    """Chance that it is supported."""
    source: str
    """``written``, or ``rewritten`` at the second try."""


class Summarizer:
    """A bundle taught to sum up, and what checks it.

    :param bundle: A generation bundle.
    :param encoder: Its vectors find evidence; its bundle has the ``support`` head.
    :param threads: Threads for the model; None for the cores at hand, at most 4.
    :param execution: The provider that is to run it.
    :raises BundleError: If the bundle was not taught to sum up, or the head is missing.
    :raises InferenceError: If onnxruntime cannot load the model.
    """

    def __init__(
        self,
        bundle: Bundle,
        encoder: Encoder,
        threads: int | None = None,
        execution: Execution = ON_CPU,
    ) -> None:
        if bundle.manifest.generator is None or not bundle.manifest.generator.writes_summaries:
            raise BundleError(
                f"model {bundle.id} was not taught to sum up speech",
                "Use one that was, such as spoken-135m: edge-export build spoken-135m.",
            )
        if "support" not in encoder.heads:
            raise BundleError(
                f"bundle {encoder.bundle.id} lacks the head 'support' that checks what is written",
                "Train it with 'edge-export train --part support', or use the default model.",
            )
        self.generator = Generator(bundle, threads, execution)
        self._encoder = encoder

    def write(self, requests: Sequence[str], settings: GenerationSettings = DRAFT) -> list[str]:
        """Answers to requests, each a sentence or two, or a title.

        :param requests: As ``edge.abstractive.requests`` makes them.
        :param settings: Of the generation.
        """
        prompts = [Prompt(request) for request in requests]
        return [completion.text for completion in self.generator.generate(prompts, settings)]

    def fits(self, request: str) -> bool:
        """Whether a request and its answer fit the model's context.

        :param request: As ``edge.abstractive.requests`` makes it.
        """
        n_tokens = len(self.generator.tokens(Prompt(request))) + MAX_ANSWER_TOKENS
        return n_tokens <= self.generator.spec.context_tokens

    def prepare(self, material: EpisodeContext, kept: Sequence[int]) -> SourcePassage:
        """A passage to find evidence in.

        :param material: The episode.
        :param kept: Its sentences' indices.
        """
        return source_passage(
            [material.texts[i] for i in kept],
            material.vectors[list(kept)],
            [material.sentences[i].speaker for i in kept],
        )

    def judge(
        self, answer: str, said: SourcePassage, kept: Sequence[int], source: str
    ) -> tuple[list[GroundedSentence], int]:
        """The sentences of an answer that hold, and how many do not.

        :param answer: As written.
        :param said: The passage.
        :param kept: Episode indices of the passage's sentences.
        :param source: Of the sentences.
        """
        claims = sentence_texts(split_answer(answer)[0])
        vectors = self._encoder.encode(claims)
        rarity = self._encoder.rarity
        support = predict_support(claims, vectors, said, rarity, self._encoder.heads["support"])
        found: list[GroundedSentence] = []
        for claim, vector, chance in zip(claims, vectors, support, strict=True):
            best = retold_place(claim, said)
            if best is None or chance < MIN_SUPPORT or not is_well_formed(claim):
                continue
            nearest = find_evidence(claim, vector, said, rarity)
            if not nearest.unsaid:
                places = [best, *(place for place in nearest.places if place != best)]
                spoken = frozenset().union(*(said.spoken[place] for place in places))
                text = without_invented_gender(claim, spoken)
                said_at = tuple(kept[place] for place in places)
                found.append(GroundedSentence(text, vector, said_at, float(chance), source))
        return found, len(claims) - len(found)

    def is_title_said(self, title: str, said: SourcePassage) -> bool:
        """Whether a title says only what its chapter says.

        :param title: As written.
        :param said: The chapter.
        """
        stems = long_stems(title)
        known = frozenset().union(*said.stems)
        is_short = 0 < len(title.split()) <= MAX_TITLE_WORDS
        n_said = sum(stem in known for stem in stems)
        return (
            is_short
            and bool(stems)
            and n_said >= MIN_TITLE_SAID * len(stems)
            and not unsaid(title, said, self._encoder.rarity)
            and not speaks_to_reader(title)
        )


def choose_grounded(pool: Sequence[GroundedSentence], n_words: int) -> list[GroundedSentence]:
    """Of sentences that hold, those that say something new and fit, at least one if there is one.

    :param pool: The better first.
    :param n_words: Most words.
    """
    lengths = np.array([len(held.text.split()) for held in pool], int)
    chosen = select_greedily(
        in_order(len(pool)),
        lambda k: ruled_out([_same(held, pool[k]) for held in pool]),
        budgets=[Budget(lengths, n_words)],
    )
    return [pool[k] for k in chosen]


def is_well_formed(claim: str) -> bool:
    """Whether a written sentence is whole, stands alone, reports, and echoes nothing.

    :param claim: A written sentence.
    """
    lowered = claim.lower()
    stems = long_stems(claim)
    first = lowered.split()[0].strip(",") if claim.split() else ""
    return (
        len(set(stems)) >= MIN_DISTINCT * len(stems)
        and claim.rstrip("\"')”’").endswith((".", "!"))
        and bool(stems)
        and not speaks_to_reader(claim)
        and first not in _POINTING
        and not any(copied in lowered for copied in _COPIED)
    )


def _same(held: GroundedSentence, other: GroundedSentence) -> bool:
    own = set(long_stems(held.text))
    n_shared = len(own & set(long_stems(other.text)))
    return float(held.vector @ other.vector) >= SAME_SENTENCE or n_shared > SAME_WORDS * len(own)
