"""How close a bundle's sentences come to a person's: a figure for its certificate.

A few moments of the seed transcripts, each summed up in a sentence for this project and never
learned from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.abstractive.requests import passage_text, split_answer, summary_request
from edge.english.analysis import analyse_sentence
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.errors import RecipeError

ASKED_WORDS, MAX_WORDS = 20, 30
"""Words asked for, and the longest answer that counts; what goes on is cut."""
SETTINGS = GenerationSettings(max_new_tokens=64, no_repeat_answer_ngram_size=6)


def measure_rouge(generator: Generator, references: Path, seeds: Path) -> Mapping[str, Any]:
    """ROUGE F1, times 100, of a bundle's sentences and of the moments' own first words.

    :param generator: The bundle.
    :param references: File of JSON Lines: ``seed``, ``first_segment``, ``last_segment``,
        ``summary``.
    :param seeds: Folder of the transcripts.
    :raises RecipeError: If the file names what is not there.
    """
    from rouge_score.rouge_scorer import RougeScorer

    try:
        entries = [json.loads(line) for line in references.read_text("utf-8").splitlines()]
        passages = [_passage(entry, seeds) for entry in entries]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise RecipeError(
            f"cannot read {references} or what it names: {type(error).__name__} {error}",
            "Run from a clone of the project, whose seeds it is about.",
        ) from error
    requests = [Prompt(summary_request(passage, ASKED_WORDS)) for passage in passages]
    answers = [split_answer(c.text)[0] for c in generator.generate(requests, SETTINGS)]
    scorer = RougeScorer(["rouge1", "rouge2"], use_stemmer=True)

    def mean(texts: list[str], measure: str) -> float:
        scores: list[float] = [
            scorer.score(entry["summary"], " ".join(text.split()[:MAX_WORDS]))[measure].fmeasure
            for entry, text in zip(entries, texts, strict=True)
        ]
        return round(100 * sum(scores) / len(scores), 2)

    return {
        "n": len(entries),
        "rouge1": mean(answers, "rouge1"),
        "rouge2": mean(answers, "rouge2"),
        "rouge1_first_words": mean(passages, "rouge1"),
        "rouge2_first_words": mean(passages, "rouge2"),
    }


def _passage(entry: Mapping[str, Any], seeds: Path) -> str:
    """What was said from one segment to another, in whole sentences."""
    sentences = [
        replace(sentence, speaker=None)
        for sentence in rebuild_sentences(read_transcript(seeds / entry["seed"]))
        if entry["first_segment"] <= sentence.first_segment
        and sentence.last_segment <= entry["last_segment"]
    ]
    if not sentences:
        raise ValueError(f"no sentence in segments of {entry['seed']}")
    return passage_text([analyse_sentence(sentence) for sentence in sentences])
