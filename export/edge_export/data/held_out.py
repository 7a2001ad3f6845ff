"""What is measured on, and therefore never learned from: a show, and other people's answers."""

from __future__ import annotations

from collections.abc import Iterable

from edge_export.data.documents import Row, is_training_meeting

DEV_SHOW = "btctranscripts/chaincode-podcast"
"""Never learned from, like the meetings whose split is not train: measured on instead."""
RUN_WORDS = 12
"""What shares a run of so many words with what is measured on is not learned."""

Runs = frozenset[tuple[str, ...]]


def held_out_runs(meetings: Iterable[Row]) -> Runs:
    """Runs of words in the answers about meetings that are measured on.

    Some of them repeat, word for word, what was answered about other meetings.

    :param meetings: Rows of all meetings.
    """
    return frozenset(
        run
        for row in meetings
        if not is_training_meeting(row)
        for entry in (*row["specific"], *row["general"])
        for run in word_runs(entry["summary"])
    )


def word_runs(text: str) -> set[tuple[str, ...]]:
    """All runs of ``RUN_WORDS`` words of a text, in small letters.

    :param text: Any text.
    """
    words = text.lower().split()
    return {tuple(words[i : i + RUN_WORDS]) for i in range(len(words) - RUN_WORDS + 1)}


def repeats(texts: Iterable[str], runs: Runs) -> bool:
    """Whether one of some texts repeats what is measured on.

    :param texts: Of an example.
    :param runs: As ``held_out_runs`` gives them.
    """
    return any(not runs.isdisjoint(word_runs(text)) for text in texts)
