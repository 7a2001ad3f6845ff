"""Training examples of one sentence: what was said around a moment, and how a person put it.

A person's summary is taken apart into sentences, and each is set beside the few transcript
sentences that say it, where words, names and numbers show that they do.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from edge.abstractive.grounding import (
    SMALL_NUMBERS,
    SourcePassage,
    find_evidence,
    source_passage,
    spoken_pair_share,
)
from edge.abstractive.passages import window_around
from edge.abstractive.requests import passage_text, summary_request
from edge.english.analysis import analyse_sentence
from edge.english.claims import long_stems, names_in, numbers_in, speaks_to_reader
from edge.english.words import stem
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import sentence_texts
from edge_export.data.documents import Document

WINDOW_WORDS = (50, 70, 90)
"""Words read around a moment, by chance; the device reads about 40."""
MAX_SENTENCES = 60
"""Of a longer passage it is less sure which sentences a person meant."""
MIN_WORDS, MAX_WORDS = 7, 34
MIN_SPOKEN_SHARE = {"written": 0.6, "meetings": 0.75, "notes": 0.85}
"""Source -> share of a sentence's words that were said around the moment: the less its authors
kept to what was said, the more is asked."""
MIN_TOGETHER, MIN_PAIRS = 0.7, 0.5
"""Shares of a sentence's words that one transcript sentence has, and of its neighbouring words
that were said as neighbours: learned from others, the model puts together what is apart."""
SEED = 3
_BACKWARD = frozenset("This These It They That He She His Her Their".split())
_LEAD = re.compile(
    r"^(?:However|Also|Besides|Moreover|Furthermore|In addition|Additionally|Therefore|So|Then|But"
    r"|And|Meanwhile|Secondly|Firstly|Finally|Apart from that|On the other hand|As a result),? "
    r"(?:that )?"
)


class SentencePairs:
    """Takes summaries apart; one for all of them, since it draws the windows' lengths.

    :param encoder: Its vectors find what says a sentence.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._random = random.Random(SEED)

    def of(self, document: Document, source: str) -> Iterator[tuple[str, str, str]]:
        """Identifier, request and answer for each sentence of a summary that was said.

        :param document: A passage with its summary.
        :param source: ``written``, ``meetings`` or ``notes``.
        """
        sentences = [analyse_sentence(sentence) for sentence in document.sentences]
        if not sentences or len(sentences) > MAX_SENTENCES:
            return
        vectors = self._encoder.encode([sentence.text for sentence in sentences])
        passage = source_passage(
            [sentence.shown_text for sentence in sentences],
            vectors,
            [sentence.speaker for sentence in sentences],
        )
        claims = sentence_texts(document.references[0])
        for k, (claim, vector) in enumerate(zip(claims, self._encoder.encode(claims), strict=True)):
            is_sentence = MIN_WORDS <= len(claim.split()) <= MAX_WORDS and claim.endswith(".")
            if not is_sentence or speaks_to_reader(claim):
                continue
            evidence = find_evidence(claim, vector, passage, self._encoder.rarity)
            if evidence.missing_entities:
                continue
            share, window = self._closest(claim, evidence.passage_indices, passage)
            answer = _LEAD.sub("", claim)
            answer = answer[:1].upper() + answer[1:] if source != "notes" else answer
            is_close = (
                share >= MIN_SPOKEN_SHARE[source]
                and _share_in_one_sentence(answer, passage, window) >= MIN_TOGETHER
                and spoken_pair_share(answer, passage) >= MIN_PAIRS
            )
            looks_back = source != "written" and not _BACKWARD.isdisjoint(claim.split()[:2])
            if is_close and not looks_back and answer[:1].isupper():
                kept = [
                    i for i in window if sentences[i].content_stems or i in evidence.passage_indices
                ]
                request = summary_request(
                    passage_text([sentences[i] for i in kept]), len(answer.split())
                )
                yield f"{document.id}/{k}", request, answer

    def _closest(
        self, claim: str, passage_indices: tuple[int, ...], passage: SourcePassage
    ) -> tuple[float, range]:
        """Of the windows around some sentences, the one that says most of a claim, and how much.

        One that lacks its names or numbers says nothing of it.
        """
        claim_stems = long_stems(claim)
        lengths = [len(text.split()) for text in passage.texts]
        best = (0.0, range(0))
        for index in passage_indices:
            window = range(*window_around(lengths, index, self._random.choice(WINDOW_WORDS)))
            stems = frozenset().union(*(passage.long_stems[i] for i in window))
            spoken = frozenset().union(*(passage.word_stems[i] for i in window))
            numbers = SMALL_NUMBERS.union(*(passage.numbers[i] for i in window))
            has_names_and_numbers = all(
                name.lower() in spoken or stem(name) in spoken for name in names_in(claim)
            ) and numbers.issuperset(numbers_in(claim))
            share = sum(word in stems for word in claim_stems) / max(1, len(claim_stems))
            if has_names_and_numbers and share > best[0]:
                best = (share, window)
        return best


def _share_in_one_sentence(claim: str, passage: SourcePassage, window: range) -> float:
    stems = set(long_stems(claim))
    return max((len(stems & passage.long_stems[i]) for i in window), default=0) / max(1, len(stems))
