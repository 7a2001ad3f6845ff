"""A digest's chapters as a podcast player reads them."""

from __future__ import annotations

import json

from edge.errors import OutputError
from edge.records import Digest
from edge.stages import stage


@stage("render")
def to_podcast_chapters(digest: Digest) -> str:
    """Podcasting 2.0 chapters (``application/json+chapters``, version 1.2.0).

    :param digest: A digest with chapters.
    :raises OutputError: If the transcript has no times.
    """
    timed = [chapter for chapter in digest.chapters if chapter.start_s is not None]
    if len(timed) < len(digest.chapters):
        raise OutputError(
            f"{digest.source_path} has no times, and podcast chapters need them",
            "Use a timed transcript (srt, vtt, json), or another --format.",
        )
    document = {
        "version": "1.2.0",
        "title": digest.title,
        "chapters": [
            {"startTime": chapter.start_s, "endTime": chapter.end_s, "title": chapter.title}
            for chapter in timed
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
