"""Chapters and an episode told in a model's own sentences, each checked against what was said.

Nothing a model writes is shown before it is tied to transcript sentences and judged. What does
not hold is written once more; what still does not is left out, and the chapter's key point, word
for word, stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edge.claims import long_stems, speaks_to_reader, without_invented_gender
from edge.encoder import Encoder
from edge.errors import BundleError
from edge.generator import Completion, Generator
from edge.heads import Scores
from edge.keypoints import Ranked, best_in, choose_summary
from edge.manifest import Bundle
from edge.prompts import Prompt
from edge.records import Sentence, WrittenSentence
from edge.sampling import GenerationSettings
from edge.sentences import sentence_texts
from edge.summary_tasks import (
    PASSAGE_WORDS,
    choose_read,
    episode_request,
    passage_text,
    split_answer,
    summary_request,
)
from edge.support import (
    Said,
    as_said,
    find_evidence,
    pairs_said,
    predict_support,
    said_together,
    unsaid,
)
from edge.windows import FloatArray

MIN_SUPPORT = 0.5
"""Chance of being supported below which a sentence is not shown (docs/quality.md)."""
MIN_TOGETHER, MIN_PAIRS = 0.6, 0.5
"""Shares of a sentence's words that one transcript sentence has, and of its neighbouring words
that were said as neighbours. A small model puts together what was never said so: of sentences
below these, every second was wrong (docs/quality.md)."""
MIN_READ_WORDS = 40
"""A chapter with fewer words is told by its key point."""
MAX_TITLE_WORDS, MIN_TITLE_SAID = 10, 0.6
MIN_DISTINCT = 0.75
"""Share of a sentence's content words that are no repeats."""
SAME_SENTENCE = 0.85
"""Cosine from which two sentences say the same."""
CHAPTER_WORDS = ((120, 30), (500, 50), (PASSAGE_WORDS * 10, 60))
"""Words read, and how many are written about as many at most."""
DIRECT_WORDS = 2000
"""An episode of up to so many words is told from its own, a longer one from its chapters."""
TOKENS_PER_WORD = 2
"""Room for an answer; a word is 1.3 tokens on average."""
TITLE_TOKENS = 24
FEWER = 0.8
"""How much less is read of a passage that does not fit the context, until it does."""
MIN_TOLD = 1
"""A chapter of which fewer sentences hold is written once more: reading it again takes time."""
TOGETHER = 4
"""Chapters written at once: twice as many would be a little faster and take twice the memory."""
DRAFT = GenerationSettings(no_repeat_answer_ngram_size=6)
REVISION = replace(DRAFT, temperature=0.7, top_p=0.9, seed=1)
_COPIED = ("summarize in", "give a title", "summarize the episode")

Told = Callable[["WrittenChapter"], None]


@dataclass(frozen=True)
class Material:
    """An episode as the digest's earlier stages left it."""

    sentences: Sequence[Sentence]
    texts: Sequence[str]
    """Sentences without their leading fillers."""
    usable: Sequence[bool]
    vectors: FloatArray
    """Shape (sentences, dimension)."""
    salience: Scores
    ranked: Ranked

    def inside(self, span: tuple[int, int]) -> list[int]:
        """Usable sentences of a stretch.

        :param span: First and one-past-last sentence.
        """
        return [i for i in range(*span) if self.usable[i]]


@dataclass(frozen=True)
class Reading:
    """What a model is given to read, and asked."""

    kept: tuple[int, ...]
    """Indices of the episode's sentences."""
    request: str
    n_words: int
    """Asked for."""
    n_words_read: int


@dataclass(frozen=True)
class WrittenChapter:
    """One chapter as it is told."""

    place: int
    """Which of the episode's chapters."""
    title: str
    """Empty where the written one did not hold."""
    sentences: tuple[WrittenSentence, ...]
    n_rejected: int
    """Sentences written and not shown."""
    n_words_read: int


class Writer:
    """A bundle taught to sum up, and what checks it.

    :param bundle: A generation bundle.
    :param encoder: Its vectors find evidence; its bundle has the ``support`` head.
    :param threads: Threads for the model; None for the cores at hand, at most 4.
    :raises BundleError: If the bundle was not taught to sum up, or the head is missing.
    :raises InferenceError: If onnxruntime cannot load the model.
    """

    def __init__(self, bundle: Bundle, encoder: Encoder, threads: int | None = None) -> None:
        if bundle.manifest.generator is None or not bundle.manifest.generator.writes_summaries:
            raise BundleError(
                f"model {bundle.id} was not taught to sum up speech",
                "Use one that was, such as spoken-135m: edge-export build spoken-135m.",
            )
        if "support" not in encoder.heads:
            raise BundleError(
                f"bundle {encoder.bundle.id} lacks the head 'support' that checks what is written",
                "Train it with 'edge-export train --part support', or use the default model.",
            )
        self.generator = Generator(bundle, threads)
        self._encoder = encoder

    def write(
        self, requests: Sequence[str], n_words: Sequence[int], settings: GenerationSettings
    ) -> list[Completion]:
        """Answers to requests, with room for so many words each.

        :param requests: As ``edge.summary_tasks`` makes them.
        :param n_words: Asked for.
        :param settings: Of the generation.
        """
        prompts = [Prompt(request) for request in requests]
        room = _room(max(n_words, default=0))
        return self.generator.generate(prompts, replace(settings, max_new_tokens=room))

    def fits(self, request: str, n_words: int) -> bool:
        """Whether a request and its answer fit the model's context.

        :param request: As ``edge.summary_tasks`` makes it.
        :param n_words: Asked for.
        """
        n_tokens = len(self.generator.tokens(Prompt(request))) + _room(n_words)
        return n_tokens <= self.generator.spec.context_tokens

    def prepare(self, material: Material, kept: Sequence[int]) -> Said:
        """A passage to find evidence in.

        :param material: The episode.
        :param kept: Its sentences' indices.
        """
        return as_said(
            [material.texts[i] for i in kept],
            material.vectors[list(kept)],
            [material.sentences[i].speaker for i in kept],
        )

    def check(
        self, completion: Completion, said: Said, kept: Sequence[int], material: Material
    ) -> tuple[list[WrittenSentence], int]:
        """The sentences of an answer that hold, and how many do not.

        :param completion: An answer.
        :param said: The passage.
        :param kept: Episode indices of the passage's sentences.
        :param material: The episode.
        """
        summary, _ = split_answer(completion.text)
        claims = sentence_texts(summary)
        vectors = self._encoder.encode(claims)
        support = predict_support(
            claims, vectors, said, self._encoder.rarity, self._encoder.heads["support"]
        )
        held: list[WrittenSentence] = []
        held_vectors: list[FloatArray] = []
        for claim, vector, chance in zip(claims, vectors, support, strict=True):
            is_new = all(float(vector @ other) < SAME_SENTENCE for other in held_vectors)
            is_close = (
                chance >= MIN_SUPPORT
                and said_together(claim, said) >= MIN_TOGETHER
                and pairs_said(claim, said) >= MIN_PAIRS
            )
            if is_close and is_new and is_well_formed(claim):
                evidence = find_evidence(claim, vector, said, self._encoder.rarity)
                if not evidence.unsaid:
                    places = [kept[i] for i in evidence.places]
                    spoken = frozenset().union(*(said.spoken[i] for i in evidence.places))
                    text = without_invented_gender(claim, spoken)
                    held.append(_sentence(text, places, float(chance), "written", material))
                    held_vectors.append(vector)
        return held, len(claims) - len(held)

    def is_title_said(self, title: str, said: Said) -> bool:
        """Whether a title says only what its chapter says.

        :param title: As written.
        :param said: The chapter.
        """
        stems = long_stems(title)
        known = frozenset().union(*said.stems)
        is_short = 0 < len(title.split()) <= MAX_TITLE_WORDS
        n_said = sum(stem in known for stem in stems)
        return (
            is_short
            and bool(stems)
            and n_said >= MIN_TITLE_SAID * len(stems)
            and not unsaid(title, said, self._encoder.rarity)
            and not speaks_to_reader(title)
        )


def _room(n_words: int) -> int:
    """Most tokens an answer of so many words, and a title, may have."""
    return TOKENS_PER_WORD * n_words + TITLE_TOKENS


def read_passage(
    material: Material, inside: Sequence[int], n_words: int | None, with_title: bool, writer: Writer
) -> Reading | None:
    """What a model reads of some sentences, and is asked about them.

    :param material: The episode.
    :param inside: Indices of its sentences that may be read.
    :param n_words: How many words to ask for; None for what suits the length.
    :param with_title: Whether to ask for a title, too.
    :param writer: Whose context it has to fit.
    :return: None if there is too little to sum up.
    """
    max_words = PASSAGE_WORDS
    while max_words >= MIN_READ_WORDS:
        kept = choose_read(material.texts, inside, material.salience, max_words)
        n_read = sum(len(material.texts[i].split()) for i in kept)
        if n_read < MIN_READ_WORDS:
            return None
        asked = n_words or _chapter_words(n_read)
        passage = passage_text(material.sentences, material.texts, kept)
        request = summary_request(passage, asked, with_title)
        if writer.fits(request, asked):
            return Reading(tuple(kept), request, asked, n_read)
        max_words = int(FEWER * min(max_words, n_read))
    return None


def is_well_formed(claim: str) -> bool:
    """Whether a written sentence is whole, reports, and echoes neither itself nor the request.

    :param claim: A written sentence.
    """
    lowered = claim.lower()
    stems = long_stems(claim)
    return (
        len(set(stems)) >= MIN_DISTINCT * len(stems)
        and claim.rstrip("\"')”’").endswith((".", "!"))
        and bool(stems)
        and not speaks_to_reader(claim)
        and not any(copied in lowered for copied in _COPIED)
    )


def write_chapters(
    material: Material,
    spans: Sequence[tuple[int, int]],
    writer: Writer,
    told: Told = lambda chapter: None,
    words_each: int | None = None,
) -> list[WrittenChapter]:
    """Tell each chapter in two or three sentences that hold, and title it.

    :param material: The episode.
    :param spans: First and one-past-last sentence of each chapter.
    :param writer: Writes and checks.
    :param told: Told of each chapter as it is done, in order.
    :param words_each: How many words to ask for; None for what suits the chapter's length.
    """
    chapters: list[WrittenChapter] = []
    for start in range(0, len(spans), TOGETHER):
        part = range(start, min(start + TOGETHER, len(spans)))
        for chapter in _write_together(material, {k: spans[k] for k in part}, writer, words_each):
            told(chapter)
            chapters.append(chapter)
    return chapters


def write_episode(
    material: Material, chapters: Sequence[WrittenChapter], n_words: int, writer: Writer
) -> list[WrittenSentence]:
    """Tell the whole episode, from what was told of its chapters or, if it is short, directly.

    What of it does not hold is replaced by what was told of chapters, the best supported first,
    and where that does not fill the budget by the transcript's own sentences.

    :param material: The episode.
    :param chapters: As ``write_chapters`` gives them.
    :param n_words: Word budget.
    :param writer: Writes and checks.
    """
    everything = material.inside((0, len(material.sentences)))
    pool = [s for chapter in chapters for s in chapter.sentences if s.source != "key_point"]
    spoken = [
        _sentence(material.texts[i], [i], 1.0, "key_point", material)
        for i in choose_summary(material.ranked, material.vectors, n_words)
    ]
    if not pool:
        return spoken
    if sum(len(material.texts[i].split()) for i in everything) <= DIRECT_WORDS:
        reading = read_passage(material, everything, n_words, False, writer)
        request = reading.request if reading else ""
    else:
        request = _episode_request([_told(chapter) for chapter in chapters], n_words, writer)
    written: list[WrittenSentence] = []
    if request:
        draft = writer.write([request], [n_words], DRAFT)[0]
        said = writer.prepare(material, everything)
        written, _ = writer.check(draft, said, everything, material)
    return _filled(written, [*sorted(pool, key=lambda s: -s.support), *spoken], n_words)


def _episode_request(told: Sequence[str], n_words: int, writer: Writer) -> str:
    """A request from what was told of chapters; empty where not even that fits the context."""
    max_words = PASSAGE_WORDS
    while max_words >= MIN_READ_WORDS:
        request = episode_request(_within([text for text in told if text], max_words), n_words)
        if writer.fits(request, n_words):
            return request
        max_words = int(FEWER * max_words)
    return ""


def _told(chapter: WrittenChapter) -> str:
    return " ".join(s.text for s in chapter.sentences if s.source != "key_point")


def _write_together(
    material: Material,
    spans: dict[int, tuple[int, int]],
    writer: Writer,
    words_each: int | None,
) -> list[WrittenChapter]:
    found = {
        k: read_passage(material, material.inside(span), words_each, True, writer)
        for k, span in spans.items()
    }
    read = {k: reading for k, reading in found.items() if reading is not None}
    asked = list(read)
    said = {k: writer.prepare(material, read[k].kept) for k in asked}

    def drafts(places: Sequence[int], settings: GenerationSettings) -> list[Completion]:
        requests = [read[k].request for k in places]
        return writer.write(requests, [read[k].n_words for k in places], settings)

    first = dict(zip(asked, drafts(asked, DRAFT), strict=True))
    checked = {k: writer.check(first[k], said[k], read[k].kept, material) for k in asked}
    unsure = [k for k in asked if len(checked[k][0]) < MIN_TOLD]
    second = dict(zip(unsure, drafts(unsure, REVISION), strict=True))
    chapters = []
    for k, span in spans.items():
        sentences, n_rejected = checked.get(k, ([], 0))
        title = split_answer(first[k].text)[1] if k in first else ""
        if k in second:
            again, _ = writer.check(second[k], said[k], read[k].kept, material)
            sentences = _with_revised(sentences, again, n_rejected or 1)
        if not sentences and (best := best_in(span, material.ranked, material.usable)) is not None:
            sentences = [_sentence(material.texts[best], [best], 1.0, "key_point", material)]
        is_said = k in said and writer.is_title_said(title, said[k])
        n_read = read[k].n_words_read if k in read else 0
        chapters.append(
            WrittenChapter(k, title if is_said else "", tuple(sentences), n_rejected, n_read)
        )
    return chapters


def _chapter_words(n_read: int) -> int:
    return next(words for limit, words in CHAPTER_WORDS if n_read < limit)


def _with_revised(
    held: Sequence[WrittenSentence], again: Sequence[WrittenSentence], n_missing: int
) -> list[WrittenSentence]:
    """Sentences that held, and as many of the second writing as are missing and say more."""
    found = list(held)
    for sentence in again:
        known = {stem for other in found for stem in long_stems(other.text)}
        own = set(long_stems(sentence.text))
        is_new = len(own - known) > 0.5 * len(own)
        if n_missing and is_new:
            found.append(replace(sentence, source="rewritten"))
            n_missing -= 1
    return sorted(found, key=lambda sentence: sentence.evidence[0])


def _filled(
    written: Sequence[WrittenSentence], pool: Sequence[WrittenSentence], n_words: int
) -> list[WrittenSentence]:
    """A summary with other sentences, the first before the rest, in the room that is left.

    In spoken order.
    """
    chosen = _up_to(written, n_words)
    left = n_words - sum(len(sentence.text.split()) for sentence in chosen)
    for sentence in pool:
        known = [set(long_stems(other.text)) for other in chosen]
        own = set(long_stems(sentence.text))
        is_new = all(len(own & other) <= 0.5 * len(own) for other in known)
        if is_new and len(sentence.text.split()) <= left:
            chosen.append(sentence)
            left -= len(sentence.text.split())
    return sorted(chosen, key=lambda sentence: sentence.evidence[0])


def _up_to(sentences: Sequence[WrittenSentence], n_words: int) -> list[WrittenSentence]:
    kept: list[WrittenSentence] = []
    for sentence in sentences:
        if kept and sum(len(s.text.split()) for s in [*kept, sentence]) > n_words:
            break
        kept.append(sentence)
    return kept


def _within(texts: Sequence[str], max_words: int) -> list[str]:
    """Texts, each cut to its first sentences so that all fit."""
    each = max_words // max(1, len(texts))
    found = []
    for text in texts:
        parts = sentence_texts(text)
        while len(parts) > 1 and sum(len(part.split()) for part in parts) > each:
            parts.pop()
        found.append(" ".join(parts))
    return found


def _sentence(
    text: str, places: Sequence[int], support: float, source: str, material: Material
) -> WrittenSentence:
    best = material.sentences[places[0]]
    evidence = {i for place in places for i in material.sentences[place].word_segments}
    return WrittenSentence(
        text=text,
        evidence=tuple(sorted(evidence)),
        start_s=best.start_s,
        end_s=best.end_s,
        support=round(min(1.0, max(0.0, support)), 4),
        source=source,
    )
