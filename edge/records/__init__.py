"""The records that pass between the stages. All frozen; times are float seconds."""

from edge.records.digest import (
    ALL_PARTS,
    Chapter,
    Coverage,
    Digest,
    Excluded,
    ExtractedSentence,
    Keyphrase,
    Mention,
    ModelUse,
    Written,
    WrittenSentence,
    written_text,
)
from edge.records.transcript import (
    DomainWarning,
    Repair,
    Segment,
    Sentence,
    Transcript,
    Word,
)

__all__ = [
    "ALL_PARTS",
    "Chapter",
    "Coverage",
    "Digest",
    "DomainWarning",
    "Excluded",
    "ExtractedSentence",
    "Keyphrase",
    "Mention",
    "ModelUse",
    "Repair",
    "Segment",
    "Sentence",
    "Transcript",
    "Word",
    "Written",
    "WrittenSentence",
    "written_text",
]
