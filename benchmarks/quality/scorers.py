"""What every system makes of the same documents, scored against what people made of them.

Each scorer takes our models by their names in the table; the one called ``OURS`` gives the vectors
that baselines work on, and the others are further precisions of it, with the same heads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.quality import baselines, metrics, phrase_baselines
from benchmarks.quality.data import Item, Span
from benchmarks.quality.systems import digest_item, vectors_of
from benchmarks.quality.tables import OURS, Scores, new_scores, with_progress
from edge.arrays import Float64Array
from edge.english.fillers import without_lead
from edge.extraction.phrases import find_phrases
from edge.extraction.tagger import tag_sentences
from edge.extraction.titles import MAX_TITLE_WORDS, chapter_phrases, title_chapters
from edge.records import Sentence
from edge.runtime.encoder import Encoder


def score_summaries(
    items: Sequence[Item], encoders: Mapping[str, Encoder], max_words: int
) -> Scores:
    """ROUGE, coverage, redundancy and length of every system's summary.

    :param items: Documents with a reference.
    :param encoders: Our models.
    :param max_words: Budget.
    """
    scores, embed = new_scores(), encoders[OURS].encode
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
                    "coverage": metrics.coverage(embed(summary), vectors),
                    "redundancy": metrics.redundancy(summary),
                    "words": min(n_words, max_words),
                }
            )
    return scores


def score_chapters(items: Sequence[Item], encoders: Mapping[str, Encoder]) -> Scores:
    """Pk, WindowDiff and F1 of every system's boundaries.

    :param items: Documents with boundaries.
    :param encoders: Our models, with the heads to use.
    """
    scores = new_scores()
    for item in with_progress(items):
        vectors = vectors_of(item.sentences, encoders[OURS])
        boundaries = {
            name: [item.sentences[i].first_segment for i in choose(item.sentences, vectors)]
            for name, choose in baselines.CHAPTERS.items()
        }
        for name, encoder in encoders.items():
            chapters = digest_item(item, encoder).chapters
            boundaries[name] = [chapter.first_segment for chapter in chapters[1:]]
        for name, cuts in boundaries.items():
            pk, window_diff = metrics.pk_and_window_diff(cuts, item.boundaries, item.n_turns)
            f1 = metrics.boundary_f1(cuts, item.boundaries, item.n_turns)
            scores[name].append(
                {"Pk": pk, "WindowDiff": window_diff, "F1tol": f1, "chapters": len(cuts) + 1}
            )
    return scores


def score_titles(items: Sequence[Item], encoders: Mapping[str, Encoder]) -> Scores:
    """Cosine of every system's chapter titles to the human ones, in the human's chapters.

    :param items: Documents with titled chapters; those without a title are passed over.
    :param encoders: Our models, with the heads to use; the vectors of ``OURS`` measure all titles.
    """
    scores, ours = new_scores(), encoders[OURS]
    for item in with_progress(item for item in items if item.titled_chapters):
        human_titles, spans = zip(*item.titled_chapters, strict=True)
        tags = tag_sentences(item.sentences, ours.heads["tagger"])
        titles = {name: _titles(item, spans, tags, each) for name, each in encoders.items()}
        titles["first six words"] = [
            " ".join(item.sentences[first].text.split()[:MAX_TITLE_WORDS]) for first, _ in spans
        ]
        parts = [_phrased(item.sentences[a:b], tags[a:b], ours) for a, b in spans]
        for name, choose in phrase_baselines.PHRASES.items():
            titles[f"{name}, the first"] = [(choose(part) or [""])[0] for part in parts]
        titles["the human title of the chapter before"] = [*human_titles[-1:], *human_titles[:-1]]
        human_vectors = ours.encode(human_titles)
        for name, texts in titles.items():
            cosine = metrics.mean_cosine(ours.encode(texts), human_vectors)
            scores[name].append({"cosine": cosine})
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
    scores, ours = new_scores(), encoders[OURS]
    for item, human in with_progress(pair for pair in labelled if pair[1]):
        tags = tag_sentences(item.sentences, ours.heads["tagger"])
        episode = _phrased(item.sentences, tags, ours)
        phrases = {name: choose(episode) for name, choose in phrase_baselines.PHRASES.items()}
        for name, encoder in encoders.items():
            phrases[name] = [phrase.text for phrase in digest_item(item, encoder).keyphrases]
        for name, texts in phrases.items():
            scores[name].append(metrics.keyphrase_scores(texts, human))
    return scores


def _titles(
    item: Item, spans: Sequence[Span], tags: Sequence[Float64Array], encoder: Encoder
) -> list[str]:
    vectors = vectors_of(item.sentences, encoder)
    phrases = chapter_phrases(spans, item.sentences, [True] * len(item.sentences), tags)
    return title_chapters(spans, item.sentences, phrases, vectors, encoder)


def _phrased(
    sentences: Sequence[Sentence], tags: Sequence[Float64Array], encoder: Encoder
) -> phrase_baselines.Phrased:
    candidates = find_phrases(sentences, [True] * len(sentences), tags).values()
    pool = [candidate for candidate in candidates if candidate.is_open]
    vectors = vectors_of(sentences, encoder)
    return phrase_baselines.Phrased(sentences, vectors, pool, encoder.encode, encoder.rarity)
