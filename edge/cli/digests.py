"""What a command does with each episode: read, digest, render, and say what it met."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.cli.options import OutputOptions, say_placements
from edge.digester import open_digester
from edge.jobs.batch import STDIN
from edge.options import DigestOptions, ModelOptions, Observer
from edge.stages import stage, stopwatch

if TYPE_CHECKING:
    from edge.records import Chapter, Transcript

PROGRESS_AFTER_S = 1.0


class DigestPrinter:
    """A digester whose digests become texts, and what is said of them on standard error.

    :param options: What a digest is to hold.
    :param models: Which models, and how they are to run.
    :param output: The form of the texts, and how much is said.
    :param one_line: Whether JSON is to be one line an episode.
    :raises BundleError: If a model is not here.
    :raises InferenceError: If it must not run as it was asked to.
    :raises MemoryLimitError: If it cannot be loaded below the limit.
    """

    def __init__(
        self,
        options: DigestOptions,
        models: ModelOptions,
        output: OutputOptions,
        one_line: bool = False,
    ) -> None:
        self._output = output
        self._one_line = one_line
        self._digester = open_digester(options, models)
        self._announced: set[str] = set()

    def wait(self) -> None:
        """Wait until the encoder is loaded.

        :raises BundleError: If it is damaged.
        :raises InferenceError: If it does not run here.
        """
        self._digester.encoder.ready()

    def render(self, source: str) -> str:
        """The digest of an episode as text.

        :param source: A file, or ``-``.
        :raises EdgeError: If it cannot be made.
        """
        self._digester.observer = self._observer(source)
        with stopwatch():
            digest = self._digester.digest(_read(source))
        if not self._output.quiet:
            self._announce()
        from edge.render import FOR_PEOPLE, to_json, to_podcast_chapters

        name = self._output.format_name
        if name == "json":
            return to_json(digest, indent=None if self._one_line else 2)
        if name == "podcast":
            return to_podcast_chapters(digest)
        return FOR_PEOPLE[name](digest, self._output.show)

    def _observer(self, source: str) -> Observer:
        """What is said of an episode while it is digested."""

        def say(text: str) -> None:
            click.echo(f"{source}: {text}", err=True)

        observer = Observer()
        if not self._output.quiet:
            observer = replace(observer, on_note=say)
            if sys.stderr.isatty():
                observer = replace(observer, on_progress=_progress_bar(), on_chapter=_say_chapter)
        if self._output.verbose:
            observer = replace(observer, on_detail=say)
        return observer

    def _announce(self) -> None:
        """Say once of each model where it runs."""
        placements = self._digester.placements()
        new = {name: where for name, where in placements.items() if name not in self._announced}
        say_placements(new.items(), self._output.verbose)
        self._announced.update(new)


def _read(source: str) -> Transcript:
    with stage("load"):
        from edge.transcript import parse_transcript, read_transcript

    if source == STDIN:
        transcript = parse_transcript(sys.stdin.buffer.read())
        title = transcript.title or "Standard input"
        return replace(transcript, source_path=source, title=title)
    return replace(read_transcript(Path(source)), source_path=source)


def _progress_bar() -> Callable[[int, int], None]:
    """A bar, for work over a second."""
    started = time.monotonic()
    bars: list[Any] = []

    def update(done: int, total: int) -> None:
        if not bars and time.monotonic() - started > PROGRESS_AFTER_S and done < total:
            bars.append(click.progressbar(length=total, label="Reading", file=sys.stderr))
        if bars:
            bars[0].update(done - bars[0].pos)
            if done >= total:
                bars.pop().render_finish()

    return update


def _say_chapter(chapter: Chapter) -> None:
    """A chapter as soon as it is written: the whole digest follows."""
    from edge.render import chapter_lines, clock

    lines = [("", chapter.start_s, chapter.title)]
    lines += [("  ", seconds, text) for seconds, text in chapter_lines(chapter)]
    for indent, seconds, text in lines:
        stamp = f"{clock(seconds)} " if seconds is not None else ""
        click.echo(f"{indent}{stamp}{text}", err=True)
