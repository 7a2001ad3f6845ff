"""Digests of annotated episodes, scored against what a reader of the episode chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.quality import baselines, metrics
from benchmarks.quality.annotated import Episode
from benchmarks.quality.line_baselines import LINES, Order
from benchmarks.quality.metrics import Share
from benchmarks.quality.scorers import baseline_phrases
from benchmarks.quality.systems import digest_item, vectors_of
from benchmarks.quality.tables import OURS, Scores, new_scores, with_progress
from edge.arrays import Float32Array
from edge.english.fillers import without_lead
from edge.options import DEFAULT_SUMMARY_WORDS
from edge.records import Digest, ExtractedSentence, Sentence
from edge.runtime.encoder import Encoder

ADVERT = "advert"
"""Kind of a stretch that a digest keeps out."""


@dataclass(frozen=True)
class Reading:
    """An episode and what our models made of it."""

    episode: Episode
    digests: Mapping[str, Digest]
    """By the model's name in the table."""
    encoder: Encoder
    """The one called ``OURS``: baselines work on its vectors."""

    @property
    def vectors(self) -> Float32Array:
        """Of the episode's sentences, shape (sentences, dimension)."""
        return vectors_of(self.episode.sentences, self.encoder)

    def orders(self) -> dict[str, list[Order]]:
        """The order, or several, in which each baseline takes the episode's sentences."""
        sentences, vectors = self.episode.sentences, self.vectors
        return {name: rank(sentences, vectors) for name, rank in LINES.items()}


def read_episodes(episodes: Sequence[Episode], encoders: Mapping[str, Encoder]) -> list[Reading]:
    """Digests of all episodes.

    :param episodes: Annotated ones.
    :param encoders: Our models.
    """
    return [
        Reading(
            episode,
            {name: digest_item(episode, each) for name, each in encoders.items()},
            encoders[OURS],
        )
        for episode in with_progress(episodes)
    ]


def score_key_points(readings: Sequence[Reading]) -> Scores:
    """Share of key points that the reader chose; baselines show as many lines as we do.

    :param readings: Of annotated episodes.
    """
    scores = new_scores()
    for reading in readings:
        episode = reading.episode
        for name, digest in reading.digests.items():
            scores[name].append({**_line_values(episode, digest.key_points)})
        n_lines = len(reading.digests[OURS].key_points)
        for name, orders in reading.orders().items():
            drawn = [[episode.sentences[i] for i in order[:n_lines]] for order in orders]
            scores[name].append({**_means([_line_values(episode, lines) for lines in drawn])})
    return scores


def score_summaries(readings: Sequence[Reading]) -> Scores:
    """Share of a summary's lines that the reader chose, and ROUGE against the written summary.

    For the share, baselines show as many lines as we do; for ROUGE, as many as fill the words.

    :param readings: Of annotated episodes.
    """
    scores = new_scores()
    for reading in readings:
        episode = reading.episode
        texts = [without_lead(sentence.text) for sentence in episode.sentences]
        for name, digest in reading.digests.items():
            said = [sentence.text for sentence in digest.summary_sentences]
            values = _summary_values(episode, digest.summary_sentences, said)
            scores[name].append({**values})
        n_lines = len(reading.digests[OURS].summary_sentences)
        for name, orders in reading.orders().items():
            drawn = [
                _summary_values(
                    episode,
                    [episode.sentences[i] for i in order[:n_lines]],
                    baselines.take(texts, order, DEFAULT_SUMMARY_WORDS),
                )
                for order in orders
            ]
            scores[name].append({**_means(drawn)})
    return scores


def share_chosen(episode: Episode, lines: Sequence[Sentence | ExtractedSentence]) -> float:
    """Share of some lines of which any turn is one that the reader chose.

    :param episode: The episode.
    :param lines: Sentences of its transcript, or of a digest of it.
    """
    n_chosen = sum(not episode.chosen.isdisjoint(episode.turns_of(line)) for line in lines)
    return 100 * n_chosen / max(1, len(lines))


def _line_values(
    episode: Episode, lines: Sequence[Sentence | ExtractedSentence]
) -> dict[str, float]:
    n_words = sum(len(line.text.split()) for line in lines)
    return {
        "chosen": share_chosen(episode, lines),
        "lines": len(lines),
        "words a line": n_words / max(1, len(lines)),
    }


def _summary_values(
    episode: Episode, lines: Sequence[Sentence | ExtractedSentence], said: Sequence[str]
) -> dict[str, float]:
    rouge = metrics.rouge(said, episode.reference, DEFAULT_SUMMARY_WORDS)
    return {
        "chosen": share_chosen(episode, lines),
        "ROUGE-1": rouge["ROUGE-1"],
        "ROUGE-2": rouge["ROUGE-2"],
        "lines": len(lines),
    }


def _means(draws: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(values[name] for values in draws) for name in draws[0]}


def score_chapters(readings: Sequence[Reading]) -> Scores:
    """Pk, WindowDiff and F1 of every system's boundaries, and how many chapters there are.

    :param readings: Of annotated episodes.
    """
    scores = new_scores()
    for reading in readings:
        episode = reading.episode
        boundaries = {
            name: [
                episode.turns_of(episode.sentences[i]).start
                for i in choose(episode.sentences, reading.vectors)
            ]
            for name, choose in baselines.CHAPTERS.items()
        }
        for name, digest in reading.digests.items():
            firsts = [chapter.first_segment for chapter in digest.chapters[1:]]
            boundaries[name] = [episode.turn_of[first] for first in firsts]
        for name, cuts in boundaries.items():
            pk, window_diff = metrics.pk_and_window_diff(cuts, episode.boundaries, episode.n_turns)
            scores[name].append(
                {
                    "Pk": pk,
                    "F1tol": metrics.boundary_f1(cuts, episode.boundaries, episode.n_turns),
                    "WindowDiff": window_diff,
                    "chapters": len(cuts) + 1,
                    "annotated": len(episode.boundaries) + 1,
                }
            )
    return scores


def score_keyphrases(readings: Sequence[Reading]) -> Scores:
    """Share of the annotated keyphrases among the first 15: in part or the other way, and exactly.

    :param readings: Of annotated episodes.
    """
    scores = new_scores()
    for reading in readings:
        episode = reading.episode
        phrases = baseline_phrases(episode, reading.encoder)
        for name, digest in reading.digests.items():
            phrases[name] = [phrase.text for phrase in digest.keyphrases]
        for name, texts in phrases.items():
            found = metrics.share_found(texts, episode.keyphrases)
            exact = metrics.keyphrase_scores(texts, episode.keyphrases)
            scores[name].append({"found": found, "recall@15": exact["recall@15"]})
    return scores


def score_adverts(readings: Sequence[Reading]) -> Scores:
    """Of the words in adverts as the reader marked them, the share kept out; and the other way.

    Words are added up over all episodes; those without an advert can only be wronged.

    :param readings: Of annotated episodes.
    """
    scores = new_scores()
    for reading in readings:
        episode = reading.episode
        kept_out: dict[str, set[int]] = {"nothing kept out": set()}
        for name, digest in reading.digests.items():
            kept_out[name] = {
                turn
                for stretch in digest.coverage.excluded
                if stretch.kind == ADVERT
                for turn in episode.turns_of(stretch)
            }
        marked = _words(episode, episode.advert_turns)
        for name, turns in kept_out.items():
            right, n_words = _words(episode, turns & episode.advert_turns), _words(episode, turns)
            scores[name].append(
                {
                    "of marked words, kept out": Share(right, marked),
                    "of words kept out, marked": Share(right, n_words),
                    "of all words, kept out": Share(n_words, sum(episode.turn_words)),
                    "of all words, marked": Share(marked, sum(episode.turn_words)),
                }
            )
    return scores


def _words(episode: Episode, turns: set[int] | frozenset[int]) -> int:
    return sum(episode.turn_words[turn] for turn in turns)
