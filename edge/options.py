"""What a digest is to hold, how its models are to run, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.errors import OptionError
from edge.records import ALL_PARTS, Chapter
from edge.runtime.providers import ON_CPU, Execution

DEFAULT_SUMMARY_WORDS = 120
EXTRACTIVE, ABSTRACTIVE, AUTO = "extractive", "abstractive", "auto"
SUMMARY_KINDS = (EXTRACTIVE, ABSTRACTIVE, AUTO)
DEFAULT_BUDGET_S = 60.0


@dataclass(frozen=True)
class DigestOptions:
    """What a digest is to hold.

    :raises OptionError: If a value is not allowed.
    """

    parts: frozenset[str] = ALL_PARTS
    """Which of ``summary``, ``keyphrases`` and ``chapters`` to make."""
    words: int = DEFAULT_SUMMARY_WORDS
    """Word budget of the summary; at least one sentence is given."""
    kind: str = EXTRACTIVE
    """``extractive``: the transcript's own sentences; ``abstractive``: a model's own; ``auto``: the
    latter where there is such a model and the budget allows."""
    writer: str | Path | None = None
    """The model that writes, by name or folder; None for one fine-tuned for summarization."""
    budget_s: float = DEFAULT_BUDGET_S
    """Time that ``auto`` may take for an episode."""
    strict: bool = False
    """Whether a repair, an unread word or no English speech is an error."""

    def __post_init__(self) -> None:
        if not isinstance(self.words, int) or self.words < 1:
            raise OptionError(
                f"a summary of {self.words!r} words", "Give a whole number of words, at least 1."
            )
        if not isinstance(self.budget_s, int | float) or not self.budget_s > 0:
            raise OptionError(
                f"a time of {self.budget_s!r} seconds to write in", "Give a number above 0."
            )
        if unknown := sorted(self.parts - ALL_PARTS):
            raise OptionError(
                f"a digest has no part {', '.join(map(repr, unknown))}",
                f"Its parts are {', '.join(sorted(ALL_PARTS))}.",
            )
        if self.kind not in SUMMARY_KINDS:
            raise OptionError(
                f"there is no summary of the kind {self.kind!r}",
                f"Kinds are {', '.join(SUMMARY_KINDS)}.",
            )


@dataclass(frozen=True)
class ModelOptions:
    """Which encoder reads, and how models are to run."""

    model: str | Path | None = None
    """Sentence encoder, by name or folder; None for the default."""
    threads: int | None = None
    """None for the cores at hand, at most 4."""
    execution: Execution = ON_CPU
    max_rss_bytes: int | None = None
    """Most memory the process may take; threads and batches are made to fit."""


def _nobody(_: object) -> None:
    """Takes what nobody is told."""


@dataclass(frozen=True)
class Observer:
    """Who is told how far a digest is, and what was met on the way."""

    on_progress: Callable[[int, int], None] | None = None
    """(words read, words in all), now and then; None costs nothing."""
    on_chapter: Callable[[Chapter], None] = _nobody
    """Each chapter that a model has told, as soon as it has."""
    on_note: Callable[[str], None] = _nobody
    """What a reader of the digest should know."""
    on_detail: Callable[[str], None] = _nobody
    """What only somebody who asks wants to know: threads, stage times."""
