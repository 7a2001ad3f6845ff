"""The seed transcripts, which exported models are compared on: as sentences and as tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.records import Sentence
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.errors import ExportError

Tokens = list[int]
"""A text as ids of tokens."""


def seed_sentences(seeds: Path) -> list[str]:
    """All different sentences of the seed transcripts, in order.

    :param seeds: Folder of transcripts.
    :raises ExportError: If it holds none.
    """
    sentences = (s.text for episode in _read_seeds(seeds) for s in episode)
    return list(dict.fromkeys(sentences))


def seed_windows(tokenizer: Any, seeds: Path, n_tokens: int, first: int = 0) -> list[Tokens]:
    """The same stretch of each seed's spoken text, without times, as tokens.

    :param tokenizer: Of transformers.
    :param seeds: Folder of transcripts.
    :param n_tokens: Length of a stretch.
    :param first: Where it begins.
    :raises ExportError: If there are no seeds.
    """
    windows = []
    for episode in _read_seeds(seeds):
        text = " ".join(sentence.text for sentence in episode)
        ids: Tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        windows.append(ids[first : first + n_tokens])
    return [window for window in windows if len(window) > 1]


def _read_seeds(seeds: Path) -> list[list[Sentence]]:
    paths = sorted(seeds.glob("*.txt"))
    if not paths:
        raise ExportError(
            f"no seed transcripts (*.txt) in {seeds}",
            "Run from a clone of the project, or give a folder of transcripts with --seeds.",
        )
    return [rebuild_sentences(read_transcript(path)) for path in paths]
