"""What a command does with each episode: read, judge, digest, render, and say what it met."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.bundles.store import find_bundle, find_summarizer
from edge.cli.model_options import execution_of, say_placements
from edge.device.memory_limit import MIB, MemoryLimit
from edge.errors import EdgeError, MemoryLimitError
from edge.jobs.batch import STDIN
from edge.runtime.encoder import LoadingEncoder
from edge.runtime.memory import peak_bytes
from edge.runtime.session import default_threads
from edge.stages import stage, stopwatch

if TYPE_CHECKING:
    from edge.abstractive.time_budget import LazySummarizer
    from edge.records import Chapter, Digest, Transcript

PROGRESS_AFTER_S = 1.0


class Digester:
    """Models that begin to load, and the way a command wants its digests.

    :param options: Of a command with ``model_options``, and its ``format_name``, ``model``,
        ``strict``, ``quiet`` and ``verbose``; where it writes, ``kind``, ``writer`` and ``budget``.
    :param parts: Which of ``summary``, ``keyphrases`` and ``chapters`` to make; None for all.
    :param words: Word budget of the summary.
    :param one_line: Whether JSON is to be one line an episode.
    :raises BundleError: If a model is not here.
    :raises InferenceError: If it must not run as it was asked to.
    :raises MemoryLimitError: If it cannot be loaded below the ceiling.
    """

    def __init__(
        self,
        options: dict[str, Any],
        parts: frozenset[str] | None = None,
        words: int = 120,
        one_line: bool = False,
    ) -> None:
        self._options = options
        self._parts = parts
        self._words = words
        self._one_line = one_line
        self._execution = execution_of(options)
        self._ceiling = MemoryLimit(options["max_rss_bytes"]) if options["max_rss_bytes"] else None
        bundle = find_bundle(options["model"])
        if self._ceiling:
            self._ceiling.check_load(bundle)
        self._encoder = LoadingEncoder(bundle, options["threads"], self._execution)
        self._writing = self._find_writing()
        self._announced: set[str] = set()

    def wait(self) -> None:
        """Wait until the encoder is loaded.

        :raises BundleError: If it is damaged.
        :raises InferenceError: If it does not run here.
        """
        self._encoder.ready()

    def render(self, source: str) -> str:
        """The digest of an episode as text.

        :param source: A file, or ``-``.
        :raises EdgeError: If it cannot be made.
        """
        digest = self._digest(source)
        if not self._options["quiet"]:
            self._announce()
        from edge.render import RENDERERS, to_json

        if self._options["format_name"] == "json":
            return to_json(digest, indent=None if self._one_line else 2)
        return RENDERERS[self._options["format_name"]](digest)

    def _find_writing(self) -> LazySummarizer | None:
        """What writes, where it was asked and can be had."""
        kind = self._options.get("kind", "extractive")
        if kind == "extractive":
            return None
        bundle = find_summarizer(self._options["writer"])
        if bundle is None and kind == "abstractive":
            raise EdgeError(
                "no model here was taught to sum up speech",
                "On a workstation: 'edge-export build spoken-135m --precision int4'; copy the "
                "folder here and 'edge models add FOLDER'. Or use --kind extractive.",
            )
        from edge.abstractive.drafts import Summarizer
        from edge.abstractive.time_budget import LazySummarizer

        encoder = self._encoder.ready()
        if bundle and self._ceiling:
            try:
                self._ceiling.check_load(bundle)
            except MemoryLimitError as error:
                if kind == "abstractive":
                    raise
                return LazySummarizer(None, why_none=error.message)
        if bundle is None:
            return LazySummarizer(None)
        threads, execution = self._options["threads"], self._execution
        load = partial(Summarizer, bundle, encoder, threads, execution)
        return LazySummarizer(load, self._options["budget"] if kind == "auto" else None)

    def _announce(self) -> None:
        """Say once of each model where it runs."""
        encoder = self._encoder.ready()
        placements = {encoder.bundle.id: encoder.placement}
        if self._writing:
            placements |= self._writing.placements
        new = {name: where for name, where in placements.items() if name not in self._announced}
        say_placements(new.items(), self._options["verbose"])
        self._announced.update(new)

    @stopwatch()
    def _digest(self, source: str) -> Digest:
        with stage("load"):
            from edge.pipeline import digest_transcript
            from edge.records import ALL_PARTS
            from edge.transcript.language import find_warnings

        options = self._options
        transcript = _read(source)
        gaps = [f"repaired {repair.count} x {repair.detail}" for repair in transcript.repairs]
        with stage("check"):
            warnings = find_warnings(transcript)
        gaps += [f"unlike English speech: {warning.detail}" for warning in warnings]
        if options["strict"] and gaps:
            raise EdgeError(
                f"{source} is not as it should be: {'; '.join(gaps)}",
                "Mend the file, or leave out --strict.",
            )
        notes = [] if options["quiet"] else gaps
        writer, reason = None, ""
        if self._writing:
            writer, reason = self._writing.choose(transcript.n_words)
        if reason and not options["quiet"]:
            notes.append(f"extractive summary: {reason}")
        for note in notes:
            click.echo(f"{source}: {note}", err=True)
        if self._ceiling:
            encoder = self._encoder.ready()  # its memory is to be counted
            share = self._ceiling.plan(transcript.n_words, options["threads"] or default_threads())
            encoder.limit(share.threads, share.batch_tokens)
            if options["verbose"]:
                click.echo(
                    f"{source}: {share.threads} threads, {share.batch_tokens} tokens a batch",
                    err=True,
                )
        shows = sys.stderr.isatty() and not options["quiet"]
        digest = digest_transcript(
            transcript,
            self._encoder,
            source_path=source,
            fallback_title="Standard input" if source == STDIN else _title(Path(source)),
            summary_words=self._words,
            parts=self._parts or ALL_PARTS,
            progress=_progress() if shows else None,
            writer=writer,
            summary_reason=reason,
            warnings=warnings,
            told=_say_chapter if shows else lambda _: None,
        )
        if options["verbose"]:
            stages = ", ".join(f"{name} {spent:.2f} s" for name, spent in digest.timings_s.items())
            click.echo(f"{source}: {stages}", err=True)
        if self._ceiling and not options["quiet"] and self._ceiling.is_broken:
            click.echo(
                f"{source}: took {peak_bytes() / MIB:.0f} MiB, more than --max-rss allows", err=True
            )
        return digest


def _read(source: str) -> Transcript:
    with stage("load"):
        from edge.transcript import parse_transcript, read_transcript

    if source == STDIN:
        return parse_transcript(sys.stdin.buffer.read())
    return read_transcript(Path(source))


def _title(path: Path) -> str:
    """A readable title from a file name: ``my-show_anna.srt`` -> ``My Show, Anna``."""
    parts = [part.replace("-", " ").strip() for part in path.stem.split("_")]
    title = ", ".join(part for part in parts if part)
    return title.title() if title.islower() else title or path.name


def _progress() -> Callable[[int, int], None]:
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
    from edge.render import chapter_text, clock

    time_text = clock(chapter.start_s)
    click.echo(f"{time_text}{' ' if time_text else ''}{chapter.title}", err=True)
    if told := chapter_text(chapter):
        click.echo(f"  {told}", err=True)
