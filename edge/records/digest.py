"""A digest: what was found in a transcript, each item with its segments and times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from edge.records.transcript import DomainWarning, Transcript

ALL_PARTS = frozenset({"summary", "keyphrases", "chapters"})
"""Of a digest."""
LISTS_ON_REQUEST = ("quotes", "questions")
"""Of a digest's sentences, in the formats for people; JSON has them always."""
ENTITY_KINDS = (
    *("person", "company", "product", "project", "show", "book", "paper", "place"),
    "other",
)
"""Of what an episode names, in the order in which they are shown."""


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
    """0 to 1: chance that a reader would choose it."""


@dataclass(frozen=True)
class WrittenSentence:
    """A sentence of a model's own, or one of the transcript's in its place: where it was said."""

    text: str
    evidence: tuple[int, ...]
    """Segments that say it, best sentence's and others'."""
    start_s: float | None
    end_s: float | None
    """These two: of the transcript sentence that says it best."""
    support: float
    """Chance that it is supported, 0 to 1; 1 for an extracted sentence, which is verbatim."""
    source: str
    """``written``, ``rewritten`` at the second try, or ``extracted``."""

    @property
    def quoted_text(self) -> str:
        """The text; an extracted sentence among a model's own is the quote it is."""
        return f"“{self.text}”" if self.source == "extracted" else self.text


@dataclass(frozen=True)
class Mention:
    """One place where a keyphrase or a name is said."""

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
class NamedEntity:
    """A person, company, product, book, place or the like that the episode names."""

    text: str
    kind: str
    """One of ``ENTITY_KINDS``."""
    mentions: tuple[Mention, ...]

    @property
    def count(self) -> int:
        """How often it is named."""
        return len(self.mentions)


@dataclass(frozen=True)
class SpeakerShare:
    """How much of an episode one of its labelled speakers says."""

    name: str
    n_words: int
    share: float
    """Of all the transcript's words, 0 to 1; together less than 1 where not all are labelled."""


@dataclass(frozen=True)
class Chapter:
    """A stretch of segments on one subject; chapters tile the transcript."""

    title: str
    key_points: tuple[ExtractedSentence, ...]
    """At most three, in spoken order; none where its lines that are worth it stand elsewhere in the
    digest, or a model told the chapter."""
    first_segment: int
    last_segment: int
    start_s: float | None
    end_s: float | None
    summary: tuple[WrittenSentence, ...] = ()
    """What a model wrote of it, where one was asked and something held that is not in the
    episode's summary; it stands in place of key points."""


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
    introduction: ExtractedSentence | None
    """The line with which the episode says who talks about what, where there is one."""
    summary_sentences: tuple[ExtractedSentence, ...]
    """The transcript's own, also where a model wrote the summary."""
    quotes: tuple[ExtractedSentence, ...]
    """Sentences worth repeating; none is shown elsewhere."""
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
    entities: tuple[NamedEntity, ...] = ()

    @property
    def key_points(self) -> tuple[ExtractedSentence, ...]:
        """Those of all chapters, in order."""
        return tuple(point for chapter in self.chapters for point in chapter.key_points)

    @property
    def speakers(self) -> tuple[SpeakerShare, ...]:
        """Those whom the transcript labels, who says most first."""
        n_words: Counter[str] = Counter()
        for segment in self.transcript.segments:
            if segment.speaker:
                n_words[segment.speaker] += len(segment.text.split())
        return tuple(
            SpeakerShare(name, said, said / self.transcript.n_words)
            for name, said in n_words.most_common()
            if said
        )

    @property
    def summary(self) -> str:
        """The summary as one text: a model's sentences where one wrote, else the transcript's."""
        if self.written is not None:
            return " ".join(sentence.quoted_text for sentence in self.written.sentences)
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
