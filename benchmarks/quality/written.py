"""Summaries and titles that a model writes, beside those of the transcript's own sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from benchmarks.quality import baselines, metrics
from benchmarks.quality.data import Item
from benchmarks.quality.systems import digest_item, title_spans, vectors_of
from benchmarks.quality.tables import Scores, new_scores, with_progress
from edge.abstractive.context import EpisodeContext
from edge.abstractive.drafts import Summarizer
from edge.abstractive.passages import fit_passage
from edge.abstractive.requests import split_answer, summary_request
from edge.abstractive.summarize import write_chapters
from edge.english.analysis import analyse_sentence
from edge.english.fillers import without_lead
from edge.extraction.judgements import judge_text
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import sentence_texts

OURS = "**edge**, abstractive"
EXTRACTIVE = "edge, extractive"


def score_written(
    items: Sequence[Item],
    encoder: Encoder,
    writer: Summarizer,
    max_words: int,
    untaught: Generator | None = None,
) -> Scores:
    """ROUGE of written summaries, of what the model said before it was checked, and of others.

    :param items: Documents with a reference.
    :param encoder: The model that reads.
    :param writer: The model that writes.
    :param max_words: Budget.
    :param untaught: The base model as it comes, asked the same without any check.
    """
    scores = new_scores()
    generators = {"the same model, unchecked, at once": writer.generator}
    if untaught is not None:
        generators["the base model as it comes"] = untaught
    for item in with_progress(items):
        texts = [without_lead(sentence.text) for sentence in item.sentences]
        vectors = vectors_of(item.sentences, encoder)
        digest = digest_item(item, encoder, max_words, writer)
        assert digest.written is not None
        summaries = {
            OURS: [sentence.text for sentence in digest.written.sentences],
            EXTRACTIVE: [sentence.text for sentence in digest.summary_sentences],
        }
        for name in ("lead", "TF-IDF centroid + MMR"):
            summaries[name] = baselines.SUMMARIES[name](texts, vectors, max_words)
        summaries |= _unchecked(episode_context(item, encoder), writer, generators, max_words)
        for name, summary in summaries.items():
            values = metrics.rouge(summary, item.reference, max_words)
            scores[name].append({**values, "words": sum(len(text.split()) for text in summary)})
    return scores


def _unchecked(
    context: EpisodeContext,
    writer: Summarizer,
    generators: Mapping[str, Generator],
    max_words: int,
) -> dict[str, list[str]]:
    """What models answer that are asked for the whole summary at once; none if it does not fit."""
    ask = partial(summary_request, n_words=max_words)
    everything = context.candidates_in((0, len(context.sentences)))
    passage = fit_passage(context, everything, ask, writer.fits)
    if passage is None:
        return {}
    settings = GenerationSettings(max_new_tokens=2 * max_words + 24)
    prompts = [Prompt(passage.request)]
    answers = {name: each.generate(prompts, settings)[0] for name, each in generators.items()}
    return {name: sentence_texts(split_answer(answer.text)[0]) for name, answer in answers.items()}


def score_written_titles(items: Sequence[Item], encoder: Encoder, writer: Summarizer) -> Scores:
    """Cosine of written and of extractive titles to the human ones, in the human's chapters.

    :param items: Documents with titled chapters; those without a title are passed over.
    :param encoder: Whose vectors measure the titles.
    :param writer: The model that writes.
    """
    scores = new_scores()
    for item in with_progress(item for item in items if item.titled_chapters):
        human_titles, spans = zip(*item.titled_chapters, strict=True)
        context = episode_context(item, encoder)
        extractive = title_spans(item.sentences, spans, encoder)
        written = [chapter.title for chapter in write_chapters(context, spans, writer)]
        titles = {
            OURS: [title or other for title, other in zip(written, extractive, strict=True)],
            EXTRACTIVE: extractive,
        }
        n_written = {OURS: sum(map(bool, written)), EXTRACTIVE: 0}
        human_vectors = encoder.encode(human_titles)
        for name, texts in titles.items():
            cosine = metrics.mean_cosine(encoder.encode(texts), human_vectors)
            scores[name].append(
                {"cosine": cosine, "titles": len(texts), "written": n_written[name]}
            )
    return scores


def episode_context(item: Item, encoder: Encoder) -> EpisodeContext:
    """A document as the digest's earlier stages leave it.

    :param item: The document.
    :param encoder: The model.
    """
    sentences = [analyse_sentence(sentence) for sentence in item.sentences]
    vectors, judgements = judge_text(sentences, encoder)
    return EpisodeContext(sentences, vectors, judgements)
