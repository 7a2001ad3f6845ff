"""A digest as the JSON document that ``edge/digest.schema.json`` describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from edge.records import (
    Chapter,
    Digest,
    Excluded,
    ExtractedSentence,
    Keyphrase,
    ModelUse,
    WrittenSentence,
)
from edge.stages import stage
from edge.version import __version__

SCHEMA_VERSION = 1


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
        "summary": _summary(digest),
        "key_points": _extracted(digest.key_points),
        "quotes": _extracted(digest.quotes),
        "questions": _extracted(digest.questions),
        "keyphrases": [_keyphrase(phrase) for phrase in digest.keyphrases],
        "chapters": [_chapter(chapter) for chapter in digest.chapters],
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


def _extracted(sentences: Sequence[ExtractedSentence]) -> list[dict[str, Any]]:
    return [
        {
            "text": sentence.text,
            "segment_index": _segment_indices(sentence),
            "start_s": sentence.start_s,
            "end_s": sentence.end_s,
            "speaker": sentence.speaker,
            "score": sentence.score,
        }
        for sentence in sentences
    ]


def _segment_indices(sentence: ExtractedSentence) -> list[int]:
    return list(range(sentence.first_segment, sentence.last_segment + 1))


def _keyphrase(phrase: Keyphrase) -> dict[str, Any]:
    return {
        "text": phrase.text,
        "score": phrase.score,
        "count": phrase.count,
        "mentions": [
            {"segment_index": mention.segment_index, "start_s": mention.start_s}
            for mention in phrase.mentions
        ],
    }


def _chapter(chapter: Chapter) -> dict[str, Any]:
    return {
        "title": chapter.title,
        "start_s": chapter.start_s,
        "end_s": chapter.end_s,
        "first_segment": chapter.first_segment,
        "last_segment": chapter.last_segment,
        "gist": chapter.gist,
        **({"summary": _written(chapter.summary)} if chapter.summary else {}),
    }


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
