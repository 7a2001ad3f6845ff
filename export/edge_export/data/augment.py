"""Documents as another transcription would cut them, for heads that judge places.

Recognisers put the same words into other sentences: they join what others part, leave fillers out,
hear a question as a statement. A head trained on one way to cut trusts it too much, and two
transcriptions of one episode then get other chapters (docs/adr/0010-recut-documents.md).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.records import Segment, Transcript
from edge.transcript.sentences import rebuild_sentences
from edge_export.data.documents import Document

_FILLERS = frozenset(["um", "uh", "um,", "uh,", "like,"])
_CONJUNCTIONS = frozenset(["and", "but", "so", "because"])
MAX_JOINED_WORDS = 60
MIN_HALVED_WORDS, MIN_PART_WORDS = 14, 4


@dataclass(frozen=True)
class _Cut:
    """A sentence on its way through the changes."""

    text: str
    speaker: str | None
    begins_chapter: bool


@dataclass(frozen=True)
class _Habits:
    """How often one imagined recogniser does what, as shares of sentences or fillers."""

    joins: float
    halves: float
    drops_filler: float
    hears_statement: float


def recut_document(document: Document, seed: int) -> Document:
    """The same words in other sentences; a chapter still begins where it did.

    :param document: A document with chapters.
    :param seed: Another seed, another way to cut; the same one, the same.
    :return: Without references and labels, which are for heads that judge texts.
    """
    draw = random.Random(f"{seed} {document.id}")
    habits = _Habits(
        joins=draw.uniform(0.1, 0.4),
        halves=draw.uniform(0.1, 0.4),
        drops_filler=draw.uniform(0.2, 0.9),
        hears_statement=draw.uniform(0.0, 0.4),
    )
    starts = set(document.chapter_starts)
    cuts = [
        _Cut(_misheard(sentence.text, habits, draw), sentence.speaker, i in starts)
        for i, sentence in enumerate(document.sentences)
    ]
    cuts = _halved(_joined(cuts, habits, draw), habits, draw)
    segments = tuple(Segment(cut.text, speaker=cut.speaker) for cut in cuts)
    return replace(
        document,
        sentences=tuple(rebuild_sentences(Transcript(segments, "json"))),
        boundaries=tuple(i for i, cut in enumerate(cuts) if cut.begins_chapter and i),
        references=(),
        labels=(),
    )


def _misheard(text: str, habits: _Habits, draw: random.Random) -> str:
    """Without some fillers, and maybe no question any more."""
    words = text.split()
    kept = [w for w in words if w.lower() not in _FILLERS or draw.random() >= habits.drops_filler]
    text = " ".join(kept or words)
    is_statement = text.endswith("?") and draw.random() < habits.hears_statement
    return text[:-1] + "." if is_statement else text


def _joined(cuts: Sequence[_Cut], habits: _Habits, draw: random.Random) -> list[_Cut]:
    joined: list[_Cut] = []
    for cut in cuts:
        before = joined[-1] if joined else None
        if (
            before is not None
            and before.speaker == cut.speaker
            and not cut.begins_chapter
            and draw.random() < habits.joins
            and len(before.text.split()) + len(cut.text.split()) < MAX_JOINED_WORDS
        ):
            text = f"{re.sub(r'[.!]$', ',', before.text)} {_uncapitalised(cut.text)}"
            joined[-1] = replace(before, text=text)
        else:
            joined.append(cut)
    return joined


def _halved(cuts: Sequence[_Cut], habits: _Habits, draw: random.Random) -> list[_Cut]:
    halved: list[_Cut] = []
    for cut in cuts:
        words = cut.text.split()
        joints = [
            k
            for k in range(MIN_PART_WORDS, len(words) - MIN_PART_WORDS)
            if words[k - 1].endswith(",") or words[k].lower() in _CONJUNCTIONS
        ]
        if len(words) < MIN_HALVED_WORDS or not joints or draw.random() >= habits.halves:
            halved.append(cut)
            continue
        k = draw.choice(joints)
        rest = " ".join(words[k:])
        halved.append(replace(cut, text=" ".join(words[:k]).rstrip(",") + "."))
        halved.append(_Cut(rest[:1].upper() + rest[1:], cut.speaker, begins_chapter=False))
    return halved


def _uncapitalised(text: str) -> str:
    """As inside a sentence; "I" and acronyms keep their capitals."""
    first = re.split("['’]", text.split()[0])[0]
    is_kept = first == "I" or (len(first) > 1 and first.isupper())
    return text if is_kept else text[:1].lower() + text[1:]
