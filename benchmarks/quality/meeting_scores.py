"""Models and simple baselines scored on meetings, document by document."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from benchmarks.quality import baselines, metrics, phrase_baselines
from benchmarks.quality.data import Item
from benchmarks.quality.systems import digest_item
from benchmarks.quality.tables import with_progress
from edge.abstractive.drafts import Summarizer
from edge.english.fillers import without_lead
from edge.english.words import content_stems
from edge.records import Sentence
from edge.runtime.encoder import Encoder

SUMMARY_WORDS = 150
N_PHRASES = 15
SUMMARIES = ("lead", "TF-IDF centroid + MMR", "sumy TextRank", "sumy LexRank")
"""Baselines that need no model."""
PHRASES = ("YAKE",)
NO_VECTORS = np.zeros((0, 0), np.float32)
DocumentScores = dict[str, dict[str, dict[str, float]]]
"""System -> measure -> document -> value; not every system is given every document."""


def summarize(name: str, texts: Sequence[str]) -> list[str]:
    """A baseline's summary.

    :param name: One of ``SUMMARIES``.
    :param texts: Sentences.
    """
    return baselines.SUMMARIES[name](texts, NO_VECTORS, SUMMARY_WORDS)


def keyphrases(name: str, sentences: Sequence[Sentence]) -> list[str]:
    """A baseline's keyphrases.

    :param name: One of ``PHRASES``.
    :param sentences: The episode's.
    """
    episode = phrase_baselines.Phrased(
        sentences, NO_VECTORS, [], lambda _: NO_VECTORS, lambda _: 0.0
    )
    return phrase_baselines.PHRASES[name](episode)[:N_PHRASES]


def topic_recall(phrases: Sequence[str], item: Item) -> float:
    """Share of the content words of the human topic titles that are said and among the phrases.

    :param phrases: Found.
    :param item: A meeting with titled parts.
    """
    said = {stem for sentence in item.sentences for stem in content_stems(sentence.text)}
    wanted = {stem for title in item.titles for stem in content_stems(title)} & said
    covered = {stem for phrase in phrases for stem in content_stems(phrase)}
    return 100 * len(wanted & covered) / max(1, len(wanted))


def score(
    items: Sequence[Item],
    encoders: Mapping[str, Encoder],
    writers: Mapping[str, Summarizer],
    for_writers: Collection[str],
) -> DocumentScores:
    """What every system's summary and keyphrases are worth.

    :param items: Meetings with a human summary and titled topics.
    :param encoders: Name -> bundle; the first reads for the writers.
    :param writers: Name -> bundle that writes.
    :param for_writers: Ids of the meetings that these sum up.
    """
    scores: DocumentScores = {}
    reader = next(iter(encoders.values()))

    def keep(system: str, measure: str, item: Item, value: float) -> None:
        scores.setdefault(system, {}).setdefault(measure, {})[item.id] = value

    for item in with_progress(items):
        texts = [without_lead(sentence.text) for sentence in item.sentences]
        summaries = {name: summarize(name, texts) for name in SUMMARIES}
        phrases = {name: keyphrases(name, item.sentences) for name in PHRASES}
        for name, encoder in encoders.items():
            digest = digest_item(item, encoder, SUMMARY_WORDS)
            summaries[name] = [sentence.text for sentence in digest.summary_sentences]
            phrases[name] = [phrase.text for phrase in digest.keyphrases]
        for name, writer in writers.items() if item.id in for_writers else ():
            written = digest_item(item, reader, SUMMARY_WORDS, writer).written
            assert written is not None
            summaries[name] = [sentence.text for sentence in written.sentences]
        for name, summary in summaries.items():
            rouge = metrics.rouge(summary, item.reference, SUMMARY_WORDS)
            keep(name, "ROUGE-1", item, rouge["ROUGE-1"])
        for name, chosen in phrases.items():
            keep(name, "topic words", item, topic_recall(chosen, item))
    return scores


def comparable_means(scores: DocumentScores, ours: str) -> dict[str, dict[str, float]]:
    """System -> measure -> our mean, and the mean difference to it on what the system was given.

    That is the system's own mean where it was given all documents, and can be compared where not.

    :param scores: As ``score`` gives them.
    :param ours: The system the others are compared with.
    """
    means = {label: statistics.fmean(values.values()) for label, values in scores[ours].items()}
    return {
        name: {
            label: means[label]
            + statistics.fmean(value - scores[ours][label][d] for d, value in values.items())
            for label, values in by_measure.items()
        }
        for name, by_measure in scores.items()
    }
