"""The ``edge`` command: parse, call, print. Heavy modules load only when a command needs them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edge import __version__
from edge.click_types import Seconds
from edge.errors import EdgeError
from edge.models_cli import models
from edge.stages import stage, stopwatch

if TYPE_CHECKING:
    from edge.batch import Outcome
    from edge.digest import Digest
    from edge.encoder import LoadingEncoder
    from edge.pacing import Writing
    from edge.records import Chapter

Command = TypeVar("Command", bound=Callable[..., Any])
PROGRESS_AFTER_S = 1.0


class EdgeCommand(click.Group):
    """Turns expected errors into one clear message and exit code 1; loads ``bench`` if asked."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by name.

        :param ctx: click's context.
        """
        return sorted([*super().list_commands(ctx), "bench"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command.

        :param ctx: click's context.
        :param cmd_name: Its name.
        """
        if cmd_name == "bench":
            from edge.bench.cli import bench

            return bench
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        :param ctx: click's context.
        :raises ClickException: For every expected error.
        """
        try:
            return super().invoke(ctx)
        except EdgeError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=EdgeCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edge")
def main() -> None:
    """Digests of spoken episodes, made on this device and offline.

    A transcript goes in (txt, srt, vtt, json, csv, tsv, lrc, html; recognised by content); a
    summary, key points with times, keyphrases and chapters come out.
    """


def _episode_options(formats: tuple[str, ...]) -> Callable[[Command], Command]:
    """Arguments and options that summarize, keywords and chapters share.

    :param formats: Output formats, the default first.
    """
    options = [
        click.argument("episodes", nargs=-1, required=True, metavar="EPISODE..."),
        click.option("--format", "format_name", type=click.Choice(formats), default=formats[0],
                     show_default=True, help="Form of the output."),
        click.option("--output", type=click.Path(path_type=Path, file_okay=False),
                     help="Write one file an episode into this folder."),
        click.option("--force", is_flag=True, help="Redo episodes whose output is up to date."),
        click.option("--model", help="Bundle name or folder.  [default: minilm-l6-int8]"),
        click.option("--threads", type=click.IntRange(1, 64), help="Threads for the model.  "
                     "[default: the cores at hand, at most 4]"),
        click.option("--strict", is_flag=True,
                     help="A repair, an unread word or no English speech is an error."),
        click.option("--quiet", "-q", is_flag=True, help="Only errors on standard error."),
        click.option("--verbose", "-v", is_flag=True, help="Stage times on standard error."),
    ]  # fmt: skip

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@main.command()
@_episode_options(("text", "md", "json"))
@click.option(
    "--words",
    type=click.IntRange(10, 2000),
    default=120,
    show_default=True,
    help="Word budget of the summary.",
)
@click.option(
    "--kind",
    type=click.Choice(["extractive", "abstractive", "auto"]),
    default="extractive",
    show_default=True,
    help="The transcript's own sentences, a model's own, or the latter where a model is here "
    "and the budget allows.",
)
@click.option(
    "--writer", help="Model that writes, by name or folder.  [default: one taught to sum up]"
)
@click.option(
    "--budget",
    type=Seconds(),
    default="60s",
    show_default=True,
    help="Time that 'auto' may take for an episode, such as 90s or 2m.",
)
def summarize(words: int, **options: Any) -> None:
    """Summary, key points, keyphrases and chapters of each EPISODE.

    EPISODE is a transcript file, a folder of them, or '-' for standard input.
    """
    _run(options, frozenset({"summary", "keyphrases", "chapters"}), words)


@main.command()
@_episode_options(("text", "md", "json"))
def keywords(**options: Any) -> None:
    """Keyphrases of each EPISODE, with where they are said."""
    _run(options, frozenset({"keyphrases"}))


@main.command()
@_episode_options(("text", "md", "json", "podcast"))
def chapters(**options: Any) -> None:
    """Chapters of each EPISODE; 'podcast' is the Podcasting 2.0 chapters file."""
    _run(options, frozenset({"chapters"}))


def _run(options: dict[str, Any], parts: frozenset[str], words: int = 120) -> None:
    """Digest all episodes to standard output, or as a batch into a folder."""
    with stage("load"):
        from edge.batch import expand_sources, run_batch
        from edge.encoder import LoadingEncoder
        from edge.store import find_bundle

        sources = expand_sources(options["episodes"])
        encoder = LoadingEncoder(find_bundle(options["model"]), options["threads"])
        from edge.render import SUFFIXES

        writing = _writing(options, encoder)

    def render(source: str) -> str:
        digest = _digest(source, encoder, writing, options, parts, words)
        return _render(digest, options["format_name"], len(sources) > 1 and not options["output"])

    if options["output"]:
        outcomes = run_batch(
            sources,
            options["output"],
            SUFFIXES[options["format_name"]],
            render,
            force=options["force"],
            report=lambda outcome: None if options["quiet"] else _say_outcome(outcome),
        )
        _finish_batch(outcomes, options["quiet"])
        return
    failed: list[str] = []
    for position, source in enumerate(sources):
        try:
            text = render(source)
        except EdgeError as error:
            if len(sources) == 1:
                raise
            failed.append(source)
            click.echo(f"Error: {source}: {error}", err=True)
            continue
        if position and options["format_name"] in ("text", "md"):
            click.echo()
        click.echo(text, nl=False)
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(sources)} episodes failed")


def _writing(options: dict[str, Any], encoder: LoadingEncoder) -> Writing | None:
    """What writes, where it was asked and can be had."""
    kind = options.get("kind", "extractive")
    if kind == "extractive":
        return None
    from edge.store import find_writer

    bundle = find_writer(options["writer"])
    if bundle is None and kind == "abstractive":
        raise EdgeError(
            "no model here was taught to sum up speech",
            "On a workstation: 'edge-export build spoken-135m --precision int4'; copy the folder "
            "here and 'edge models add FOLDER'. Or use --kind extractive.",
        )
    from edge.pacing import Writing

    budget_s = options["budget"] if kind == "auto" else None
    return Writing(bundle, encoder.ready(), options["threads"], budget_s)


@stopwatch()
def _digest(
    source: str,
    encoder: LoadingEncoder,
    writing: Writing | None,
    options: dict[str, Any],
    parts: frozenset[str],
    words: int,
) -> Digest:
    with stage("load"):
        from edge.batch import STDIN
        from edge.digest import digest_transcript
        from edge.domain import find_warnings
        from edge.transcript import parse_transcript, read_transcript

    if source == STDIN:
        transcript = parse_transcript(sys.stdin.buffer.read())
    else:
        transcript = read_transcript(Path(source))
    gaps = [f"repaired {repair.count} x {repair.detail}" for repair in transcript.repairs]
    with stage("check"):
        warnings = find_warnings(transcript)
    gaps += [f"unlike English speech: {warning.detail}" for warning in warnings]
    if options["strict"] and gaps:
        raise EdgeError(
            f"{source} is not as it should be: {'; '.join(gaps)}",
            "Mend the file, or leave out --strict.",
        )
    if not options["quiet"]:
        for gap in gaps:
            click.echo(f"{source}: {gap}", err=True)
    writer, reason = (None, "") if writing is None else writing.choose(transcript.n_words)
    if reason and not options["quiet"]:
        click.echo(f"{source}: extractive summary: {reason}", err=True)
    digest = digest_transcript(
        transcript,
        encoder,
        source_path=source,
        fallback_title="Standard input" if source == STDIN else _title(Path(source)),
        summary_words=words,
        parts=parts,
        progress=None if options["quiet"] else _progress(),
        writer=writer,
        summary_reason=reason,
        warnings=warnings,
        told=_say_chapter if sys.stderr.isatty() and not options["quiet"] else lambda _: None,
    )
    if options["verbose"]:
        stages = ", ".join(f"{name} {spent:.2f} s" for name, spent in digest.timings_s.items())
        click.echo(f"{source}: {stages}", err=True)
    return digest


def _title(path: Path) -> str:
    """A readable title from a file name: ``my-show_anna.srt`` -> ``My Show, Anna``."""
    parts = [part.replace("-", " ").strip() for part in path.stem.split("_")]
    title = ", ".join(part for part in parts if part)
    return title.title() if title.islower() else title or path.name


def _render(digest: Digest, format_name: str, one_line: bool) -> str:
    from edge.render import RENDERERS, to_json

    if format_name == "json":
        return to_json(digest, indent=None if one_line else 2)
    return RENDERERS[format_name](digest)


def _progress() -> Callable[[int, int], None] | None:
    """A bar on a terminal, for work over a second; nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
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


def _say_outcome(outcome: Outcome) -> None:
    click.echo(f"{outcome.status:>7}  {outcome.source}", err=True)


def _finish_batch(outcomes: list[Outcome], quiet: bool) -> None:
    """Count the outcomes and list the failures; exit code 1 if there are any."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if not quiet:
        counts = ", ".join(
            f"{sum(outcome.status == status for outcome in outcomes)} {status}"
            for status in ("done", "skipped", "failed")
        )
        click.echo(counts, err=True)
    if failed:
        width = max(len(outcome.source) for outcome in failed)
        rows = [
            f"  {outcome.source:<{width}}  {line}" if k == 0 else f"  {'':<{width}}  {line}"
            for outcome in failed
            for k, line in enumerate(outcome.detail.split("\n"))
        ]
        raise click.ClickException("\n".join(["these episodes failed:", *rows]))


main.add_command(models)


@main.command()
def doctor() -> None:
    """What this device has, and whether the default model works on it."""
    from edge.checks import verify_bundle
    from edge.doctor import device_facts
    from edge.store import find_bundle

    for name, value in device_facts():
        click.echo(f"{name:<20} {value}")
    bundle = find_bundle()
    click.echo(f"{'default model':<20} {bundle.id}: {verify_bundle(bundle.folder)}")


if __name__ == "__main__":
    main()
