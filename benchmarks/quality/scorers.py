"""What every system makes of the same documents, scored against what people made of them.

Each scorer takes our models by their names in the table; the one called ``OURS`` gives the vectors
that baselines work on, and the others are further precisions of it, with the same heads. What is
scored of annotated episodes besides titles is in ``benchmarks.quality.episode_scorers``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from benchmarks.quality import baselines, metrics, phrase_baselines
from benchmarks.quality.data import Item
from benchmarks.quality.systems import digest_item, title_spans, vectors_of
from benchmarks.quality.tables import OURS, Scores, new_scores, with_progress
from edge.arrays import Float64Array
from edge.english.fillers import without_lead
from edge.extraction.phrases import find_phrases
from edge.extraction.tagger import tag_sentences
from edge.records import Sentence
from edge.runtime.encoder import Encoder

FIRST_WORDS = 6
"""Of a chapter, as the simplest title there is."""


def score_meetings(
    items: Sequence[Item], encoders: Mapping[str, Encoder], max_words: int
) -> Scores:
    """ROUGE and length of every system's summary.

    :param items: Meetings with a summary.
    :param encoders: Our models.
    :param max_words: Budget.
    """
    scores = new_scores()
    for item in with_progress(items):
        vectors = vectors_of(item.sentences, encoders[OURS])
        texts = [without_lead(sentence.text) for sentence in item.sentences]
        summaries = {
            name: choose(texts, vectors, max_words) for name, choose in baselines.SUMMARIES.items()
        }
        for name, encoder in encoders.items():
            summaries[name] = [
                sentence.text
                for sentence in digest_item(item, encoder, max_words).summary_sentences
            ]
        summaries["greedy oracle"] = baselines.oracle(texts, item.reference, max_words)
        for name, summary in summaries.items():
            n_words = sum(len(text.split()) for text in summary)
            scores[name].append(
                {
                    **metrics.rouge(summary, item.reference, max_words),
                    "words": min(n_words, max_words),
                }
            )
    return scores


def score_titles(items: Sequence[Item], encoders: Mapping[str, Encoder]) -> Scores:
    """How near every system's chapter titles are to the human ones, in the human's chapters.

    By meaning, as the cosine of their vectors, and by the stemmed words they share.

    :param items: Documents with titled chapters; those without a title are passed over.
    :param encoders: Our models, with the heads to use; the vectors of ``OURS`` measure all titles.
    """
    scores, ours = new_scores(), encoders[OURS]
    for item in with_progress(item for item in items if item.titled_chapters):
        human_titles, spans = zip(*item.titled_chapters, strict=True)
        tags = tag_sentences(item.sentences, ours.heads["tagger"])
        titles = {name: title_spans(item.sentences, spans, each) for name, each in encoders.items()}
        titles["first six words"] = [
            " ".join(item.sentences[first].text.split()[:FIRST_WORDS]) for first, _ in spans
        ]
        parts = [_phrased(item.sentences[a:b], tags[a:b], ours) for a, b in spans]
        for name, choose in phrase_baselines.PHRASES.items():
            titles[f"{name}, the first"] = [(choose(part) or [""])[0] for part in parts]
        titles["the human title of the chapter before"] = [*human_titles[-1:], *human_titles[:-1]]
        human_vectors = ours.encode(human_titles)
        for name, texts in titles.items():
            cosine = metrics.mean_cosine(ours.encode(texts), human_vectors)
            f1 = fmean(map(metrics.word_f1, texts, human_titles))
            scores[name].append({"cosine": cosine, "word F1": f1})
    return scores


def score_tags(items: Sequence[Item], encoders: Mapping[str, Encoder]) -> Scores:
    """Recall and F1 of the first 15 keyphrases against human topic tags that are said.

    :param items: Documents; those without tags are passed over.
    :param encoders: Our models.
    """
    return _score_keyphrases([(item, item.tags) for item in items], encoders)


def score_mentions(items: Sequence[Item], encoders: Mapping[str, Encoder]) -> Scores:
    """The same against the names that the show wrote about the episode.

    :param items: Documents; those without such names are passed over.
    :param encoders: Our models.
    """
    return _score_keyphrases([(item, item.mentions) for item in items], encoders)


def _score_keyphrases(
    labelled: Sequence[tuple[Item, Sequence[str]]], encoders: Mapping[str, Encoder]
) -> Scores:
    scores = new_scores()
    for item, human in with_progress(pair for pair in labelled if pair[1]):
        phrases = baseline_phrases(item, encoders[OURS])
        for name, encoder in encoders.items():
            phrases[name] = [phrase.text for phrase in digest_item(item, encoder).keyphrases]
        for name, texts in phrases.items():
            scores[name].append({**metrics.keyphrase_scores(texts, human)})
    return scores


def baseline_phrases(item: Item, encoder: Encoder) -> dict[str, list[str]]:
    """What each baseline takes for keyphrases, best first.

    :param item: A document.
    :param encoder: Whose tagger and vectors they work on.
    """
    tags = tag_sentences(item.sentences, encoder.heads["tagger"])
    episode = _phrased(item.sentences, tags, encoder)
    return {name: choose(episode) for name, choose in phrase_baselines.PHRASES.items()}


def _phrased(
    sentences: Sequence[Sentence], tags: Sequence[Float64Array], encoder: Encoder
) -> phrase_baselines.Phrased:
    candidates = find_phrases(sentences, [True] * len(sentences), tags).values()
    pool = [candidate for candidate in candidates if candidate.is_open]
    vectors = vectors_of(sentences, encoder)
    return phrase_baselines.Phrased(sentences, vectors, pool, encoder.encode, encoder.rarity)
