"""The ``edge`` command: parse, call, print. Heavy modules load only when a command needs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.cli.models import models
from edge.cli.options import Command, all_of, digest_options, read_options, summary_options
from edge.cli.watch import watch
from edge.errors import EdgeError
from edge.records import ALL_PARTS
from edge.stages import stage
from edge.version import __version__

if TYPE_CHECKING:
    from edge.jobs.batch import Outcome

ALIASES = {"keywords": "keyphrases"}
"""Names that commands had once, and still answer to."""


class EdgeCommand(click.Group):
    """Turns expected errors into one clear message and exit code 1; may load commands late."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._lazy: dict[str, Callable[[], click.Command]] = {}

    def add_lazy_command(self, name: str, load: Callable[[], click.Command]) -> None:
        """Add a command whose module loads when it is asked for.

        :param name: Its name.
        :param load: Imports it.
        """
        self._lazy[name] = load

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by name.

        :param ctx: click's context.
        """
        return sorted([*super().list_commands(ctx), *self._lazy])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command.

        :param ctx: click's context.
        :param cmd_name: Its name, or one it had once.
        """
        if cmd_name in self._lazy:
            return self._lazy[cmd_name]()
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))

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
    summary, chapters with key points and times, and keyphrases come out.
    """


def _episode_options(formats: tuple[str, ...]) -> Callable[[Command], Command]:
    """Arguments and options that summarize, keyphrases and chapters share.

    :param formats: Output formats, the default first.
    """
    options = [
        click.argument("episodes", nargs=-1, required=True, metavar="EPISODE..."),
        click.option("--output", type=click.Path(path_type=Path, file_okay=False),
                     help="Write one file an episode into this folder."),
        click.option("--force", is_flag=True, help="Redo episodes whose output is up to date."),
        digest_options(formats),
    ]  # fmt: skip
    return all_of(options)


@main.command()
@_episode_options(("text", "md", "json"))
@summary_options
def summarize(**options: Any) -> None:
    """Summary, chapters with key points, and keyphrases of each EPISODE.

    EPISODE is a transcript file, a folder of them, or '-' for standard input.
    """
    _run(options)


@main.command()
@_episode_options(("text", "md", "json"))
def keyphrases(**options: Any) -> None:
    """Keyphrases of each EPISODE, with where they are said."""
    _run(options, frozenset({"keyphrases"}))


@main.command()
@_episode_options(("text", "md", "json", "podcast"))
def chapters(**options: Any) -> None:
    """Chapters of each EPISODE; 'podcast' is the Podcasting 2.0 chapters file."""
    _run(options, frozenset({"chapters"}))


def _run(options: dict[str, Any], parts: frozenset[str] = ALL_PARTS) -> None:
    """Digest all episodes to standard output, or as a batch into a folder."""
    episodes: tuple[str, ...] = options["episodes"]
    folder: Path | None = options["output"]
    with stage("load"):
        from edge.cli.digests import DigestPrinter
        from edge.jobs.batch import expand_sources

        sources = expand_sources(episodes)
        digest, models, output = read_options(options, parts)
        one_line = len(sources) > 1 and folder is None
        printer = DigestPrinter(digest, models, output, one_line)
    if folder is None:
        _print_all(sources, printer.render, output.format_name)
        return

    from edge.files import require_distinct
    from edge.jobs.batch import run_batch
    from edge.render import SUFFIXES

    for episode in episodes:
        require_distinct(Path(episode), folder, "--output")
    outcomes = run_batch(
        sources,
        folder,
        SUFFIXES[output.format_name],
        printer.render,
        force=options["force"],
        report=lambda outcome: None if output.quiet else _say_outcome(outcome),
    )
    _finish_batch(outcomes, output.quiet)


def _print_all(sources: list[str], render: Callable[[str], str], format_name: str) -> None:
    """Print the digests one after the other; go on past what cannot be digested."""
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
        if position and format_name in ("text", "md"):
            click.echo()
        click.echo(text, nl=False)
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(sources)} episodes failed")


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
main.add_command(watch)


@main.command()
@click.option("--quick", is_flag=True, help="Measure nothing.")
def doctor(quick: bool) -> None:
    """What this device has, whether the default model works on it, and which precision is fastest.

    Measures for ten seconds.
    """
    from edge.bundles.store import find_bundle, list_bundles
    from edge.device.doctor import device_facts
    from edge.device.verify import verify_bundle

    for name, value in device_facts():
        click.echo(f"{name:<20} {value}")
    bundle = find_bundle()
    click.echo(f"{'default model':<20} {bundle.id}: {verify_bundle(bundle.folder)}")
    if not quick:
        from edge.device.precision import recommend_precisions

        for advice in recommend_precisions(list_bundles()):
            click.echo(f"{advice.name:<20} {advice}")
