"""A sentence taken apart once, with all that later stages ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.english.fillers import without_lead
from edge.english.words import FILLERS, PRONOUNS, content_stems_of, words
from edge.records import Sentence

SUBJECT_WORDS = 3
"""Among so many first words, a pronoun stands for something said before."""


@dataclass(frozen=True, slots=True)
class AnalysedSentence(Sentence):
    """A sentence, what of it would be shown, and measures of the English in it."""

    shown_text: str
    """Without leading fillers."""
    n_shown_words: int
    """Whitespace-separated."""
    n_fillers: int
    """Among all its words."""
    content_stems: tuple[str, ...]
    """Stems of its content words, in order, repeats kept; leading fillers have none."""
    leans: bool
    """Whether it begins by pointing to what was said before it."""


def analyse_sentence(sentence: Sentence) -> AnalysedSentence:
    """Take a sentence apart.

    :param sentence: As it was said.
    """
    text = without_lead(sentence.text)
    spoken = words(sentence.text)
    shown = spoken if text is sentence.text else words(text)
    return AnalysedSentence(
        text=sentence.text,
        run_segments=sentence.run_segments,
        run_starts_s=sentence.run_starts_s,
        run_words=sentence.run_words,
        end_s=sentence.end_s,
        speaker=sentence.speaker,
        shown_text=text,
        n_shown_words=len(text.split()),
        n_fillers=sum(word.lower() in FILLERS for word in spoken),
        content_stems=content_stems_of(shown),
        leans=_leans(shown),
    )


def _leans(shown: Sequence[str]) -> bool:
    begin = (word.lower().replace("’", "'").partition("'")[0] for word in shown[:SUBJECT_WORDS])
    return any(word in PRONOUNS for word in begin)
