"""A digest as JSON, Markdown, plain text, or Podcasting 2.0 chapters."""

from edge.render.json_document import to_dict, to_json
from edge.render.markdown import to_markdown
from edge.render.podcast import to_podcast_chapters
from edge.render.terminal import to_text
from edge.render.wording import chapter_text, clock

RENDERERS = {"text": to_text, "md": to_markdown, "json": to_json, "podcast": to_podcast_chapters}
"""Format name -> renderer."""
SUFFIXES = {"text": ".txt", "md": ".md", "json": ".json", "podcast": ".chapters.json"}
"""Format name -> file name ending."""

__all__ = [
    "RENDERERS",
    "SUFFIXES",
    "chapter_text",
    "clock",
    "to_dict",
    "to_json",
    "to_markdown",
    "to_podcast_chapters",
    "to_text",
]
