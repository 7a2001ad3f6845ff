"""A digest as the JSON document that ``edge/digest.schema.json`` describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from edge.records import (
    Digest,
    Excluded,
    ExtractedSentence,
    Keyphrase,
    Mention,
    ModelUse,
    NamedEntity,
    SpeakerShare,
    WrittenSentence,
)
from edge.stages import stage
from edge.version import __version__

SCHEMA_VERSION = 2


@stage("render")
def to_json(digest: Digest, indent: int | None = 2) -> str:
    """The digest as JSON text.

    :param digest: The digest.
    :param indent: None puts the whole document on one line.
    """
    return json.dumps(to_dict(digest), ensure_ascii=False, indent=indent) + "\n"


def to_dict(digest: Digest) -> dict[str, Any]:
    """The digest as ``edge/digest.schema.json`` describes it.

    :param digest: The digest.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "created_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "episode": _episode(digest),
        "models": [_model(model) for model in digest.models],
        "speakers": [_speaker(speaker) for speaker in digest.speakers],
        "introduction": None if digest.introduction is None else _extracted(digest.introduction),
        "summary": _summary(digest),
        "key_points": [_extracted(each) for each in digest.key_points],
        "quotes": [_extracted(each) for each in digest.quotes],
        "questions": [_extracted(each) for each in digest.questions],
        "keyphrases": [_keyphrase(phrase) for phrase in digest.keyphrases],
        "entities": [_entity(entity) for entity in digest.entities],
        "chapters": _chapters(digest),
        "coverage": _coverage(digest),
        "warnings": [{"kind": w.kind, "detail": w.detail} for w in digest.warnings],
        "timings": dict(digest.timings_s),
    }


def _episode(digest: Digest) -> dict[str, Any]:
    transcript = digest.transcript
    return {
        "title": digest.title,
        "source_path": digest.source_path,
        "format": transcript.format,
        "language": transcript.language,
        "duration_s": transcript.duration_s,
        "n_segments": len(transcript.segments),
        "n_words": transcript.n_words,
    }


def _model(model: ModelUse) -> dict[str, Any]:
    return {
        "name": model.name,
        "precision": model.precision,
        "bundle_sha256": model.bundle_sha256,
        "execution_provider": model.execution_provider,
        "execution_provider_asked": model.execution_provider_asked,
    }


def _speaker(speaker: SpeakerShare) -> dict[str, Any]:
    return {
        "name": speaker.name,
        "n_words": speaker.n_words,
        "share": round(speaker.share, 4),
    }


def _summary(digest: Digest) -> dict[str, Any]:
    if digest.written is not None:
        return {
            "kind": "abstractive",
            "text": digest.summary,
            "sentences": _written(digest.written.sentences),
            "n_rejected": digest.written.n_rejected,
            "words_read": digest.written.words_read,
        }
    return {
        "kind": "extractive",
        "text": digest.summary,
        "sentences": [
            {
                "text": sentence.text,
                "evidence": _segment_indices(sentence),
                "start_s": sentence.start_s,
                "end_s": sentence.end_s,
                "support": 1.0,  # verbatim: its evidence says it word for word
            }
            for sentence in digest.summary_sentences
        ],
        **({"reason": digest.summary_reason} if digest.summary_reason else {}),
    }


def _written(sentences: Sequence[WrittenSentence]) -> list[dict[str, Any]]:
    return [
        {
            "text": sentence.text,
            "evidence": list(sentence.evidence),
            "start_s": sentence.start_s,
            "end_s": sentence.end_s,
            "support": sentence.support,
            "source": sentence.source,
        }
        for sentence in sentences
    ]


def _extracted(sentence: ExtractedSentence) -> dict[str, Any]:
    return {
        "text": sentence.text,
        "segment_index": _segment_indices(sentence),
        "start_s": sentence.start_s,
        "end_s": sentence.end_s,
        "speaker": sentence.speaker,
        "score": sentence.score,
    }


def _segment_indices(sentence: ExtractedSentence) -> list[int]:
    return list(range(sentence.first_segment, sentence.last_segment + 1))


def _keyphrase(phrase: Keyphrase) -> dict[str, Any]:
    return {
        "text": phrase.text,
        "score": phrase.score,
        "count": phrase.count,
        "mentions": _mentions(phrase.mentions),
    }


def _entity(entity: NamedEntity) -> dict[str, Any]:
    return {
        "text": entity.text,
        "kind": entity.kind,
        "count": entity.count,
        "mentions": _mentions(entity.mentions),
    }


def _mentions(mentions: Sequence[Mention]) -> list[dict[str, Any]]:
    return [
        {"segment_index": mention.segment_index, "start_s": mention.start_s} for mention in mentions
    ]


def _chapters(digest: Digest) -> list[dict[str, Any]]:
    """Chapters, which name their sentences in the document's lists: there each stands once."""
    if digest.written is not None:
        said_at = [sentence.evidence[0] for sentence in digest.written.sentences]
    else:
        said_at = [sentence.first_segment for sentence in digest.summary_sentences]
    chapters = []
    n_points = 0
    for chapter in digest.chapters:
        inside = range(chapter.first_segment, chapter.last_segment + 1)
        chapters.append(
            {
                "title": chapter.title,
                "start_s": chapter.start_s,
                "end_s": chapter.end_s,
                "first_segment": chapter.first_segment,
                "last_segment": chapter.last_segment,
                "key_points": list(range(n_points, n_points + len(chapter.key_points))),
                "summary_sentences": [k for k, at in enumerate(said_at) if at in inside],
                **({"summary": _written(chapter.summary)} if chapter.summary else {}),
            }
        )
        n_points += len(chapter.key_points)
    return chapters


def _coverage(digest: Digest) -> dict[str, Any]:
    coverage = digest.coverage
    return {
        "words_read": coverage.words_read,
        "words_total": coverage.words_total,
        "segments_skipped": list(coverage.segments_skipped),
        "truncated": coverage.truncated,
        "repairs": [
            {"kind": repair.kind, "count": repair.count, "detail": repair.detail}
            for repair in digest.transcript.repairs
        ],
        "excluded": [_excluded(stretch) for stretch in coverage.excluded],
    }


def _excluded(stretch: Excluded) -> dict[str, Any]:
    return {
        "kind": stretch.kind,
        "first_segment": stretch.first_segment,
        "last_segment": stretch.last_segment,
        "start_s": stretch.start_s,
        "end_s": stretch.end_s,
        "n_words": stretch.n_words,
    }
