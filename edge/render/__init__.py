"""A digest as JSON, Markdown, plain text, or Podcasting 2.0 chapters."""

from edge.render.json_document import to_dict, to_json
from edge.render.markdown import to_markdown
from edge.render.podcast import to_podcast_chapters
from edge.render.terminal import to_text
from edge.render.wording import chapter_lines, clock

FOR_PEOPLE = {"text": to_text, "md": to_markdown}
"""Format name -> renderer, of the formats that show some lists on request only."""
SUFFIXES = {"text": ".txt", "md": ".md", "json": ".json", "podcast": ".chapters.json"}
"""Format name -> file name ending."""

__all__ = [
    "FOR_PEOPLE",
    "SUFFIXES",
    "chapter_lines",
    "clock",
    "to_dict",
    "to_json",
    "to_markdown",
    "to_podcast_chapters",
    "to_text",
]
