"""A digest: what was found in a transcript, each item with its segments and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.records.transcript import DomainWarning, Transcript

ALL_PARTS = frozenset({"summary", "keyphrases", "chapters"})
"""Of a digest."""


@dataclass(frozen=True)
class Excluded:
    """A stretch kept out of the digest, and why. Its words still count as read."""

    kind: str
    """``advert`` or ``cold_open``."""
    first_segment: int
    last_segment: int
    start_s: float | None
    end_s: float | None
    n_words: int


@dataclass(frozen=True)
class ExtractedSentence:
    """A sentence worth keeping. ``text`` is verbatim but for dropped leading fillers."""

    text: str
    first_segment: int
    last_segment: int
    start_s: float | None
    end_s: float | None
    speaker: str | None
    score: float
    """0 to 1: chance that a human summary says the same."""


@dataclass(frozen=True)
class WrittenSentence:
    """A sentence of a model's own, or a key point in its place, with where it was said."""

    text: str
    evidence: tuple[int, ...]
    """Segments that say it, best sentence's and others'."""
    start_s: float | None
    end_s: float | None
    """These two: of the transcript sentence that says it best."""
    support: float
    """Chance that it is supported, 0 to 1; 1 for a key point, which is verbatim."""
    source: str
    """``written``, ``rewritten`` at the second try, or ``key_point``."""


def written_text(sentences: Sequence[WrittenSentence]) -> str:
    """Sentences as one text; a key point among a model's own is the quote it is.

    :param sentences: Of a summary.
    """
    return " ".join(
        f"“{sentence.text}”" if sentence.source == "key_point" else sentence.text
        for sentence in sentences
    )


@dataclass(frozen=True)
class Mention:
    """One place where a keyphrase is said."""

    segment_index: int
    start_s: float | None


@dataclass(frozen=True)
class Keyphrase:
    """A phrase that says what the episode is about."""

    text: str
    score: float
    """How likely a person names the episode or a chapter by it, 0 to 1."""
    mentions: tuple[Mention, ...]

    @property
    def count(self) -> int:
        """How often it is said."""
        return len(self.mentions)


@dataclass(frozen=True)
class Chapter:
    """A stretch of segments on one subject; chapters tile the transcript."""

    title: str
    gist: str
    first_segment: int
    last_segment: int
    start_s: float | None
    end_s: float | None
    summary: tuple[WrittenSentence, ...] = ()
    """What a model wrote of it, where one was asked."""


@dataclass(frozen=True)
class ModelUse:
    """Which model made a digest, and how it ran."""

    name: str
    precision: str
    bundle_sha256: str
    execution_provider: str
    execution_provider_asked: str
    """``auto``, or a provider's name."""


@dataclass(frozen=True)
class Coverage:
    """What of the input was read."""

    words_read: int
    words_total: int
    segments_skipped: tuple[int, ...]
    """Segments whose words were not read: repeats from a recogniser's loop."""
    excluded: tuple[Excluded, ...]
    """Read, but kept out of the digest: adverts and cold opens."""

    @property
    def truncated(self) -> bool:
        """Whether any word was not read."""
        return self.words_read < self.words_total


@dataclass(frozen=True)
class Digest:
    """Everything found in one episode. ``edge.render`` knows its JSON shape."""

    transcript: Transcript
    title: str
    source_path: str
    models: tuple[ModelUse, ...]
    summary_sentences: tuple[ExtractedSentence, ...]
    """The transcript's own, also where a model wrote the summary."""
    key_points: tuple[ExtractedSentence, ...]
    quotes: tuple[ExtractedSentence, ...]
    """Sentences of 15 to 45 words worth repeating; none is a key point too."""
    questions: tuple[ExtractedSentence, ...]
    keyphrases: tuple[Keyphrase, ...]
    chapters: tuple[Chapter, ...]
    coverage: Coverage
    warnings: tuple[DomainWarning, ...]
    """Signs that this is not the English speech the models know."""
    timings_s: dict[str, float]
    """Stage -> seconds."""
    written: Written | None = None
    """The summary in a model's own sentences, where one was asked."""
    summary_reason: str = ""
    """Why the summary is of the transcript's own sentences, where that was left to the program."""

    @property
    def summary(self) -> str:
        """The summary as one text: a model's sentences where one wrote, else the transcript's."""
        if self.written is not None:
            return written_text(self.written.sentences)
        return " ".join(sentence.text for sentence in self.summary_sentences)


@dataclass(frozen=True)
class Written:
    """What a model wrote of an episode, and what became of it."""

    sentences: tuple[WrittenSentence, ...]
    n_rejected: int
    """Sentences written for the chapters, at either try, that did not hold and are not shown."""
    words_read: int
    """Of the transcript, by the model: sentences with content, of long chapters the most
    salient."""
