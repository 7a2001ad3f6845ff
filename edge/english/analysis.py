"""A sentence taken apart once, with all that later stages ask of it."""

from __future__ import annotations

from dataclasses import dataclass

from edge.english.fillers import without_lead
from edge.english.fluency import fluency, has_verb, independence
from edge.english.wording import WordingCounts, count_wording
from edge.english.words import FILLERS, content_stems_of, words
from edge.records import Sentence


@dataclass(frozen=True, slots=True)
class AnalysedSentence(Sentence):
    """A sentence, what of it would be shown, and measures of the English in it."""

    is_candidate: bool
    """Whether it may be shown at all: it is no advert, say."""
    shown_text: str
    """Without leading fillers."""
    n_shown_words: int
    """Whitespace-separated."""
    n_fillers: int
    """Among all its words."""
    content_stems: tuple[str, ...]
    """Stems of its content words, in order, repeats kept; leading fillers have none."""
    wording: WordingCounts
    """Of what would be shown."""
    has_verb: bool
    fluency: float
    """0.3 to 1."""
    reads_alone: float
    """0 to 1: how well it reads on its own."""


def analyse_sentence(sentence: Sentence, is_candidate: bool = True) -> AnalysedSentence:
    """Take a sentence apart.

    :param sentence: As it was said.
    :param is_candidate: Whether it may be shown at all.
    """
    text = without_lead(sentence.text)
    spoken = words(sentence.text)
    shown = spoken if text is sentence.text else words(text)
    lowered = [word.lower() for word in shown]
    wording = count_wording(text, lowered)
    fluent = fluency(text, wording)
    is_verbal = has_verb(text, lowered)
    asks_assent = sentence.text.endswith(("right?", "right."))
    return AnalysedSentence(
        text=sentence.text,
        run_segments=sentence.run_segments,
        run_starts_s=sentence.run_starts_s,
        run_words=sentence.run_words,
        end_s=sentence.end_s,
        speaker=sentence.speaker,
        is_candidate=is_candidate,
        shown_text=text,
        n_shown_words=len(text.split()),
        n_fillers=sum(word.lower() in FILLERS for word in spoken),
        content_stems=content_stems_of(shown),
        wording=wording,
        has_verb=is_verbal,
        fluency=fluent,
        reads_alone=independence(text, lowered, is_verbal, asks_assent) * fluent,
    )
