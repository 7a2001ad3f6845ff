"""Summaries and titles that a model writes, beside those of the transcript's own sentences."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from benchmarks.quality import baselines, metrics
from benchmarks.quality.data import Item
from edge.abstractive.context import EpisodeContext
from edge.abstractive.drafts import Summarizer
from edge.abstractive.passages import fit_passage
from edge.abstractive.requests import split_answer, summary_request
from edge.abstractive.summarize import write_chapters
from edge.english.analysis import analyse_sentence
from edge.english.fillers import without_lead
from edge.extraction.ranking import rank_sentences
from edge.extraction.salience import predict_salience
from edge.extraction.tagger import tag_sentences
from edge.extraction.titles import chapter_phrases, title_chapters
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge.options import DigestOptions
from edge.pipeline import digest_transcript
from edge.runtime.encoder import Encoder
from edge.transcript.sentences import sentence_texts

OURS = "**edge**, abstractive"
ScoreRows = dict[str, list[dict[str, float]]]


def score_written(
    items: Sequence[Item],
    encoder: Encoder,
    writer: Summarizer,
    max_words: int,
    untaught: Generator | None = None,
) -> ScoreRows:
    """ROUGE of written summaries, of what the model said before it was checked, and of others.

    :param items: Documents with a reference.
    :param encoder: The model that reads.
    :param writer: The model that writes.
    :param max_words: Budget.
    :param untaught: The base model as it comes, asked the same without any check.
    """
    rows: ScoreRows = defaultdict(list)
    for item in items:
        texts = [without_lead(sentence.text) for sentence in item.sentences]
        vectors = encoder.encode([sentence.text for sentence in item.sentences])
        digest = digest_transcript(
            item.transcript, encoder,
            DigestOptions(words=max_words), summarizer=writer,
        )  # fmt: skip
        assert digest.written is not None
        found = {
            OURS: [sentence.text for sentence in digest.written.sentences],
            "edge, extractive": [point.text for point in digest.summary_sentences],
        }
        for name in ("lead", "TF-IDF centroid + MMR"):
            found[name] = baselines.SUMMARIES[name](texts, vectors, max_words)
        context = context_of(item, encoder)
        ask = partial(summary_request, n_words=max_words)
        everything = context.candidates_in((0, len(texts)))
        prompt = fit_passage(context, everything, ask, writer.fits)
        if prompt is not None:
            room = GenerationSettings(max_new_tokens=2 * max_words + 24)
            asked = [("the same model, unchecked, at once", writer.generator, prompt.request)]
            if untaught is not None:
                asked.append(("the base model as it comes", untaught, prompt.request))
            for name, generator, request in asked:
                answer = generator.generate([Prompt(request)], room)[0].text
                found[name] = sentence_texts(split_answer(answer)[0])
        for name, chosen in found.items():
            scores = metrics.rouge(chosen, item.reference, max_words)
            rows[name].append({**scores, "words": sum(len(text.split()) for text in chosen)})
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def score_written_titles(items: Sequence[Item], encoder: Encoder, writer: Summarizer) -> ScoreRows:
    """Cosine of written and of extractive titles to the human ones, in the human's chapters.

    :param items: Documents with titled chapters.
    :param encoder: Whose vectors measure the titles.
    :param writer: The model that writes.
    """
    rows: ScoreRows = defaultdict(list)
    for item in items:
        starts = [sentence.first_segment for sentence in item.sentences]
        cuts = [bisect_left(starts, boundary) for boundary in (0, *item.boundaries)]
        spans = list(pairwise([*cuts, len(item.sentences)]))
        named = [k for k, title in enumerate(item.titles) if title and spans[k][0] < spans[k][1]]
        if not named:
            continue
        kept = [spans[k] for k in named]
        context = context_of(item, encoder)
        tags = tag_sentences(item.sentences, encoder.heads["tagger"])
        phrases = chapter_phrases(kept, item.sentences, [True] * len(item.sentences), tags)
        extractive = title_chapters(kept, item.sentences, phrases, context.vectors, encoder)
        written = [chapter.title for chapter in write_chapters(context, kept, writer)]
        found = {
            OURS: [own or other for own, other in zip(written, extractive, strict=True)],
            "edge, extractive": extractive,
        }
        human = encoder.encode([item.titles[k] for k in named])
        for name, own in found.items():
            cosine = (encoder.encode(own) * human).sum(axis=1)
            rows[name].append({"cosine": 100 * float(cosine.mean()), "titles": len(own)})
        n_written = sum(map(bool, written))
        rows[OURS][-1]["written"] = n_written
        rows["edge, extractive"][-1]["written"] = 0
        print(".", end="", file=sys.stderr, flush=True)
    return rows


def context_of(item: Item, encoder: Encoder) -> EpisodeContext:
    """A document as the digest's earlier stages leave it.

    :param item: The document.
    :param encoder: The model.
    """
    sentences = [analyse_sentence(sentence) for sentence in item.sentences]
    vectors = encoder.encode([sentence.text for sentence in sentences])
    salience = predict_salience(sentences, vectors, encoder.heads, encoder.rarity)
    ranked = rank_sentences(sentences, salience)
    return EpisodeContext(sentences, vectors, ranked)
