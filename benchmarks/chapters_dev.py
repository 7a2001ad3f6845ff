"""Chapter boundaries on podcasts with human chapters, beside an even split and none at all.

``python -m benchmarks.chapters_dev podcast_chapters.jsonl.gz --every 10`` reads JSON Lines of
``{"id", "turns": [{"content"}], "boundaries": [turn index]}`` and prints Pk, WindowDiff (both
lower is better) and boundary F1 for each group of ids. Definitions: k is half the mean human
segment; a boundary is right within a tenth of it, at least one turn.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from edge.chapters import chapter_count, find_boundaries
from edge.encoder import Encoder
from edge.records import Sentence
from edge.store import find_bundle


def pk_and_window_diff(found: Sequence[int], human: Sequence[int], n: int) -> tuple[float, float]:
    """Pk and WindowDiff in percent.

    :param found: Boundaries, each the first turn of a later segment.
    :param human: The human's.
    :param n: Number of turns.
    """
    k = min(max(1, round(n / (len(human) + 1) / 2)), n - 1)

    def counts(boundaries: Sequence[int]) -> list[int]:
        marks = set(boundaries)
        return [sum(at in marks for at in range(i + 1, i + k + 1)) for i in range(n - k)]

    pairs = list(zip(counts(found), counts(human), strict=True))
    pk = mean((a == 0) != (b == 0) for a, b in pairs)
    return 100 * pk, 100 * mean(a != b for a, b in pairs)


def boundary_f1(found: Sequence[int], human: Sequence[int], n: int) -> float:
    """F1 in percent; each found boundary answers for one human one.

    :param found: Boundaries.
    :param human: The human's.
    :param n: Number of turns.
    """
    tolerance = max(1, round(n / (len(human) + 1) * 0.1))
    free = set(found)
    n_right = 0
    for at in sorted(human):
        near = [b for b in sorted(free) if abs(b - at) <= tolerance]
        if near:
            free.remove(min(near, key=lambda b: abs(b - at)))
            n_right += 1
    return 200 * n_right / max(1, len(found) + len(human))


def even_split(sentences: Sequence[Sentence]) -> list[int]:
    """As many chapters as we would make, of equal words.

    :param sentences: The episode.
    """
    total = sum(sentence.n_words for sentence in sentences)
    n_chapters = chapter_count(total)
    boundaries: list[int] = []
    spoken = 0
    for i, sentence in enumerate(sentences):
        if (
            len(boundaries) + 1 < n_chapters
            and spoken >= (len(boundaries) + 1) * total / n_chapters
        ):
            boundaries.append(i)
        spoken += sentence.n_words
    return boundaries


def _sentence(i: int, text: str) -> Sentence:
    n_words = max(1, len(text.split()))
    return Sentence(text, (i,) * n_words, (None,) * n_words, None, None)


def main() -> None:
    """Score every n-th document and print a table for each group."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("documents", type=Path)
    parser.add_argument("--every", type=int, default=10, help="take each n-th document of a group")
    arguments = parser.parse_args()
    encoder = Encoder(find_bundle())
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(arguments.documents, "rt", encoding="utf-8") as file:
        for line in file:
            document = json.loads(line)
            groups[document["id"].split("/")[0]].append(document)
    print("| group | system | Pk | WindowDiff | F1 | n |\n|---|---|---|---|---|---|")
    for group, documents in sorted(groups.items()):
        rows = defaultdict(list)
        for document in documents[:: arguments.every]:
            texts = [turn["content"] for turn in document["turns"]]
            sentences = [_sentence(i, text) for i, text in enumerate(texts)]
            systems = {
                "none": [],
                "even split": even_split(sentences),
                "edge": find_boundaries(sentences, encoder.encode(texts)),
            }
            for name, found in systems.items():
                human = document["boundaries"]
                scores = pk_and_window_diff(found, human, len(texts))
                rows[name].append((*scores, boundary_f1(found, human, len(texts))))
        for name, scored in rows.items():
            cells = [f"{mean(c):.1f} ± {stdev(c):.1f}" for c in zip(*scored, strict=True)]
            print(f"| {group} | {name} | {' | '.join(cells)} | {len(scored)} |", flush=True)


if __name__ == "__main__":
    main()
