"""An episode cut into parts of whole chapters, each taken apart, embedded, tagged and read.

Sentences are taken apart while the model loads, and while others are embedded: both leave Python
free.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edge.arrays import BoolArray, Float64Array
from edge.english.analysis import AnalysedSentence, analyse_sentence
from edge.extraction.adverts import find_adverts
from edge.extraction.features import word_offsets
from edge.extraction.measures import Place
from edge.extraction.reader import Reading, read_sentences
from edge.extraction.segmentation import choose_boundaries
from edge.extraction.tagger import tag_sentences
from edge.records import Sentence
from edge.runtime.encoder import Encoded, Encoder, LoadingEncoder, Progress
from edge.runtime.heads import require_heads
from edge.stages import stage

PART_WORDS = 8_000
"""Most words of a part of a long episode, about three quarters of an hour of speech."""
WHOLE_WORDS = 20_000
"""An episode of so many words or less, about two hours, is one part."""

Span = tuple[int, int]
"""First and one-past-last sentence."""


@dataclass(frozen=True)
class Part:
    """Sentences that are read together."""

    first: int
    """Where in the episode they begin."""
    sentences: list[AnalysedSentence]
    encoded: Encoded
    tags: list[Float64Array]
    """Of each sentence's words."""
    reading: Reading
    is_advert: BoolArray
    """Shape (sentences,)."""
    spans: list[Span]
    """Chapters, counted from the part's first sentence."""

    def cut(self, n: int) -> tuple[Part, Carried]:
        """The chapters within the first sentences, and the sentences that follow.

        :param n: How many are the first; a chapter ends with them.
        """
        kept = Part(
            self.first,
            self.sentences[:n],
            self.encoded.rows(slice(0, n)),
            self.tags[:n],
            self.reading.rows(slice(0, n)),
            self.is_advert[:n],
            [span for span in self.spans if span[1] <= n],
        )
        behind = self.encoded.rows(slice(n, None))
        return kept, Carried(self.first + n, self.sentences[n:], behind, self.tags[n:])


@dataclass(frozen=True)
class Carried:
    """Sentences behind a part's last boundary, to be read again with those that follow them."""

    first: int
    sentences: list[AnalysedSentence]
    encoded: Encoded
    tags: list[Float64Array]


_NOTHING = Carried(0, [], Encoded.none(), [])


def is_one_part(sentences: Sequence[Sentence]) -> bool:
    """Whether an episode is short enough to be read at once.

    :param sentences: The whole episode.
    """
    return sum(sentence.n_words for sentence in sentences) <= WHOLE_WORDS


def iter_parts(
    sentences: Sequence[Sentence],
    is_candidate: Sequence[bool],
    loading: Encoder | LoadingEncoder,
    progress: Progress | None,
) -> Iterator[Part]:
    """Parts that end where a chapter does; what lies behind the last boundary goes to the next.

    :param sentences: The whole episode.
    :param is_candidate: For each sentence, whether it may be shown at all.
    :param loading: The model, with its heads; waited for when it is needed.
    :param progress: Told of (words read, words in all).
    :raises BundleError: If the bundle has no heads, or is not what its manifest says.
    :raises InferenceError: If onnxruntime fails.
    """
    offsets = word_offsets(sentences)
    n, total = len(sentences), int(offsets[-1])
    part_words = total if total <= WHOLE_WORDS else total / math.ceil(total / PART_WORDS)
    carried = _NOTHING
    while carried.first < n:
        first = carried.first + len(carried.sentences)
        end = min(n, int(np.searchsorted(offsets, offsets[carried.first] + part_words)))
        report = None
        if progress is not None:
            report = partial(_report, progress, (int(offsets[first]), int(offsets[end]), total))
        place = Place(int(offsets[carried.first]), total)
        together = slice(carried.first, end)
        part = _read_on(
            carried, sentences[first:end], is_candidate[together], place, loading, report
        )
        # The last chapter goes on in what is not read yet.
        ended = part.spans if end == n else part.spans[:-1]
        part, carried = part.cut((ended or part.spans)[-1][1])
        yield part


def _report(progress: Progress, words: tuple[int, int, int], done: int, n: int) -> None:
    """Tell of progress in words, while some sentences are embedded.

    :param progress: Who is told.
    :param words: Before these sentences, with them, and in all.
    :param done: How much of them is embedded.
    :param n: Of how much.
    """
    before, after, total = words
    progress(before + (after - before) * done // n, total)


# Many parameters: what is read, what of it may be shown, and what reads it.
def _read_on(
    carried: Carried,
    sentences: Sequence[Sentence],
    is_candidate: Sequence[bool],
    place: Place,
    loading: Encoder | LoadingEncoder,
    progress: Progress | None,
) -> Part:
    """What is carried over and the sentences after it, taken apart, embedded, tagged and read."""
    with stage("rank"):  # beside the loading of the model
        analysed = _analyse_while_loading(sentences, loading)
    with stage("load"):
        encoder = loading.ready()
        require_heads(encoder.bundle)
    encoding = encoder.begin_texts([sentence.text for sentence in sentences])
    with stage("rank"):  # beside the encoding
        analysed += map(analyse_sentence, sentences[len(analysed) :])
    with stage("tag"):
        tags = [*carried.tags, *tag_sentences(analysed, encoder.heads["tagger"])]
    together = [*carried.sentences, *analysed]
    encoded = carried.encoded.followed_by(encoding.result(progress))
    with stage("read"):
        reading = read_sentences(together, encoded, encoder.heads["reader"], encoder.rarity, place)
    introduces = reading.introduces > reading.advert  # both speak of the show
    is_advert = find_adverts(together, np.where(introduces, 0.0, reading.advert))
    # An advert is no change of subject.
    spoken = np.flatnonzero(np.array(is_candidate) & ~is_advert)
    with stage("chapters"):
        starts = choose_boundaries([together[i] for i in spoken], reading.opens[spoken])
        cuts = [0, *(int(spoken[k]) for k in starts), len(together)]
    spans = list(itertools.pairwise(cuts))
    return Part(carried.first, together, encoded, tags, reading, is_advert, spans)


def _analyse_while_loading(
    sentences: Sequence[Sentence], loading: Encoder | LoadingEncoder
) -> list[AnalysedSentence]:
    """As many of the first sentences, taken apart, as there is time for."""
    analysed: list[AnalysedSentence] = []
    for sentence in sentences:
        if loading.is_ready:
            break
        analysed.append(analyse_sentence(sentence))
    return analysed
