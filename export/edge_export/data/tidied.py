"""Lines that an editor tidied by deletion: what was said, and which of its words were kept.

One file of gzip JSON Lines, one line of an episode a row; docs/training.md describes its fields.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import BoolArray
from edge_export.data.annotated import show_of_episode
from edge_export.data.documents import TIDIED, read_rows
from edge_export.errors import TrainingDataError


@dataclass(frozen=True, eq=False)
class TidiedLine:
    """A line, and what an editor struck of it."""

    show: str
    before: str
    """What was said before it; empty at the beginning of an episode."""
    words: tuple[str, ...]
    """Of the line, cut at white space."""
    is_struck_clean: BoolArray
    """Shape (words,): fillers, false starts, repeats, openers that lean on what came before."""
    is_struck_short: BoolArray | None
    """Shape (words,): all but the line's main point; None where no honest sentence is left."""


def read_tidied(folder: Path, left_out: Collection[str] = ()) -> list[TidiedLine]:
    """All tidied lines.

    :param folder: Where ``TIDIED`` is.
    :param left_out: Shows to leave out.
    :raises TrainingDataError: If it is missing or malformed.
    """
    path = folder / TIDIED
    try:
        lines = [_line(row) for row in read_rows(path)]
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        raise TrainingDataError(
            f"cannot read {path}: {type(error).__name__} {error}",
            "docs/training.md says what the file holds.",
        ) from error
    return [line for line in lines if line.show not in left_out]


def _line(row: Mapping[str, Any]) -> TidiedLine:
    words = tuple(row["spoken"].split())
    has_short = row["short"] is not None and row["kept_short"] is not None
    return TidiedLine(
        show=show_of_episode(row["id"]),
        before=row["before"] or "",
        words=words,
        is_struck_clean=_struck(row["kept_clean"], len(words)),
        is_struck_short=_struck(row["kept_short"], len(words)) if has_short else None,
    )


def _struck(kept: Collection[int], n_words: int) -> BoolArray:
    is_struck = np.ones(n_words, bool)
    is_struck[list(kept)] = False
    return is_struck
