"""A model's sentences about a passage: written, then each grounded in it or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.abstractive.grounding import (
    SourcePassage,
    find_evidence,
    find_retold,
    missing_entities,
)
from edge.abstractive.requests import split_answer
from edge.abstractive.support import predict_support
from edge.arrays import Float32Array, Float64Array
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
"""Greedy; no run of six tokens comes twice, or a small model goes round in circles."""
REVISION = replace(DRAFT, temperature=0.5, top_p=0.9, seed=1)
"""Drawn, so that a second answer differs; with a fixed seed, so that a digest does not."""
MIN_SUPPORT = 0.5
"""Chance of being supported below which a sentence is not shown (docs/quality.md)."""
MIN_DISTINCT = 0.75
"""Share of a sentence's content words that are no repeats."""
DUPLICATE_COSINE, DUPLICATE_WORD_SHARE = 0.85, 0.5
"""From either of these on two sentences say the same: cosine, share of the words of one."""
MAX_TITLE_WORDS = 10
MIN_TITLE_SPOKEN_SHARE = 0.6
"""Share of a title's content words that its chapter has, at least."""
_ANAPHORS = frozenset("it they this that these those he she his her their its and but so".split())
"""Words that begin a sentence which says nothing without the one before."""
_REQUEST_ECHOES = ("summarize in", "give a title", "summarize the episode")


@dataclass(frozen=True)
class GroundedSentence:
    """A written sentence that its passage says."""

    text: str
    vector: Float32Array
    """Shape (dimension,)."""
    sentence_indices: tuple[int, ...]
    """Of the episode's sentences, those that say it, the one it retells first."""
    support: float
    """Chance that it is supported, 0 to 1."""
    source: str
    """``written``, or ``rewritten`` at the second try."""


class Summarizer:
    """A bundle fine-tuned for summarization, and what checks it.

    :param bundle: A generation bundle.
    :param encoder: Its vectors find evidence; its bundle has the ``support`` head.
    :param threads: Threads for the model; None for the cores at hand, at most 4.
    :param execution: The provider that is to run it.
    :raises BundleError: If the bundle was not fine-tuned for it, or the head is missing.
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
        self.encoder = encoder

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

    def ground(
        self, answer: str, passage: SourcePassage, sentence_indices: Sequence[int], source: str
    ) -> tuple[list[GroundedSentence], int]:
        """The sentences of an answer that its passage says, and how many it does not.

        :param answer: As written.
        :param passage: What was read.
        :param sentence_indices: Of the episode's sentences, those of the passage.
        :param source: Of the sentences.
        """
        claims = sentence_texts(split_answer(answer)[0])
        vectors = self.encoder.encode(claims)
        rarity, head = self.encoder.rarity, self.encoder.heads["support"]
        supports = predict_support(claims, vectors, passage, rarity, head)
        grounded: list[GroundedSentence] = []
        for claim, vector, support in zip(claims, vectors, supports, strict=True):
            retold = find_retold(claim, passage)
            if retold is None or support < MIN_SUPPORT or not is_well_formed(claim):
                continue
            evidence = find_evidence(claim, vector, passage, rarity)
            if evidence.missing_entities:
                continue
            others = [index for index in evidence.passage_indices if index != retold]
            spoken = frozenset().union(*(passage.word_stems[i] for i in (retold, *others)))
            grounded.append(
                GroundedSentence(
                    text=without_invented_gender(claim, spoken),
                    vector=vector,
                    sentence_indices=tuple(sentence_indices[i] for i in (retold, *others)),
                    support=float(support),
                    source=source,
                )
            )
        return grounded, len(claims) - len(grounded)

    def is_title_grounded(self, title: str, passage: SourcePassage) -> bool:
        """Whether a title says only what its chapter says.

        :param title: As written.
        :param passage: The chapter.
        """
        stems = long_stems(title)
        passage_stems = frozenset().union(*passage.long_stems)
        n_spoken = sum(stem in passage_stems for stem in stems)
        return (
            0 < len(title.split()) <= MAX_TITLE_WORDS
            and bool(stems)
            and n_spoken >= MIN_TITLE_SPOKEN_SHARE * len(stems)
            and not missing_entities(title, passage, self.encoder.rarity)
            and not speaks_to_reader(title)
        )


def choose_grounded(pool: Sequence[GroundedSentence], n_words: int) -> list[GroundedSentence]:
    """Of grounded sentences, those that say something new and fit; one at least, if there is one.

    :param pool: The better first.
    :param n_words: Most words.
    """

    def duplicates(index: int) -> Float64Array:
        return ruled_out([_is_duplicate(sentence, pool[index]) for sentence in pool])

    lengths = np.array([len(sentence.text.split()) for sentence in pool], int)
    budget = Budget(lengths, n_words)
    chosen = select_greedily(in_order(len(pool)), duplicates, budgets=[budget])
    return [pool[index] for index in chosen]


def is_well_formed(claim: str) -> bool:
    """Whether a written sentence is whole, stands alone, reports, and echoes nothing.

    :param claim: A written sentence.
    """
    lowered = claim.lower()
    stems = long_stems(claim)
    first_word = lowered.split()[0].strip(",") if claim.split() else ""
    return (
        len(set(stems)) >= MIN_DISTINCT * len(stems)
        and claim.rstrip("\"')”’").endswith((".", "!"))
        and bool(stems)
        and not speaks_to_reader(claim)
        and first_word not in _ANAPHORS
        and not any(echo in lowered for echo in _REQUEST_ECHOES)
    )


def _is_duplicate(sentence: GroundedSentence, other: GroundedSentence) -> bool:
    stems = set(long_stems(sentence.text))
    n_shared = len(stems & set(long_stems(other.text)))
    cosine = float(sentence.vector @ other.vector)
    return cosine >= DUPLICATE_COSINE or n_shared > DUPLICATE_WORD_SHARE * len(stems)
