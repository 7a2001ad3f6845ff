"""Episodes that a careful reader annotated: chapters, the lines worth reading, adverts, names.

The harness has a reader of its own: it runs on the device, where ``edge_export`` is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.data import Item, document, read_rows
from benchmarks.quality.forms import FULL, Turn

ANNOTATED = "episodes_train.jsonl.gz"
DEV, ALL = EPISODES = ("dev", "all")
"""Those of a few shows, which heads under development have not learned from; or every one."""
DEV_SHOWS = ("changelog/brainscience/", "changelog/gotime/", "metamuse/", "earnings21/")
"""As in ``edge_export.data.annotated``."""


@dataclass(frozen=True)
class Episode(Item):
    """An episode as an ``Item``, and what its reader chose; indices are turns."""

    chosen: frozenset[int] = frozenset()
    """Every turn found worth reading alone, in whatever list."""
    advert_turns: frozenset[int] = frozenset()
    """Turns of sponsor reads and of talk about the show itself."""
    turn_words: tuple[int, ...] = ()
    """Words of each turn."""
    keyphrases: tuple[str, ...] = ()


def episodes(folder: Path, which: str = DEV, form: str = FULL) -> list[Episode]:
    """Annotated episodes.

    :param folder: Where the evaluation files are.
    :param which: One of ``EPISODES``.
    :param form: One of ``benchmarks.quality.forms.FORMS``.
    """
    rows = read_rows(folder / ANNOTATED)
    return [_episode(row, form) for row in rows if which == ALL or row["id"].startswith(DEV_SHOWS)]


def _episode(row: Mapping[str, Any], form: str) -> Episode:
    turns = [Turn(turn["content"], turn.get("speaker") or None) for turn in row["turns"]]
    chapters = row["chapters"]
    lists = (row["key_lines"], row["extract"], row["quotes"], *(each["key"] for each in chapters))
    later = [chapter for chapter in chapters if chapter["first"] > 0]
    return Episode(
        group=row["id"].rpartition("/")[0],
        boundaries=tuple(chapter["first"] for chapter in later),
        titles=tuple(chapter["title"] for chapter in chapters),
        reference=" ".join(sentence["text"] for sentence in row["summary"]),
        chosen=frozenset(line for chosen in lists for line in chosen),
        advert_turns=frozenset(
            turn for first, last in row["adverts"] for turn in range(first, last + 1)
        ),
        turn_words=tuple(len(turn.text.split()) for turn in turns),
        keyphrases=tuple(row["keyphrases"]),
        **document(row["id"], turns, form),
    )
