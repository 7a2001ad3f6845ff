"""Options of the commands that make digests."""

from __future__ import annotations

from collections.abc import Callable

import click

from edge.cli.model_options import model_options
from edge.cli.values import Bytes, Command, Seconds, all_of


def digest_options(formats: tuple[str, ...]) -> Callable[[Command], Command]:
    """Options of every command that makes digests.

    :param formats: Output formats, the default first.
    """
    options = [
        click.option("--format", "format_name", type=click.Choice(formats), default=formats[0],
                     show_default=True, help="Form of the output."),
        click.option("--model", help="Bundle name or folder.  [default: minilm-l6-int8]"),
        model_options,
        click.option("--max-rss", "max_rss_bytes", type=Bytes(), metavar="SIZE", help="Most memory "
                     "the process may take, such as 256M; threads and batches are made to fit."),
        click.option("--strict", is_flag=True,
                     help="A repair, an unread word, no English speech, or another provider than "
                     "the one asked for is an error."),
        click.option("--quiet", "-q", is_flag=True, help="Only errors on standard error."),
        click.option("--verbose", "-v", is_flag=True, help="Stage times on standard error."),
    ]  # fmt: skip
    return all_of(options)


def summary_options(command: Command) -> Command:
    """Options of what makes summaries.

    :param command: The command.
    """
    options = [
        click.option("--words", type=click.IntRange(10, 2000), default=120, show_default=True,
                     help="Word budget of the summary."),
        click.option("--kind", type=click.Choice(["extractive", "abstractive", "auto"]),
                     default="extractive", show_default=True, help="The transcript's own "
                     "sentences, a model's own, or the latter where a model is here and the "
                     "budget allows."),
        click.option("--writer",
                     help="Model that writes, by name or folder.  [default: one taught to sum up]"),
        click.option("--budget", type=Seconds(), default="60s", show_default=True,
                     help="Time that 'auto' may take for an episode, such as 90s or 2m."),
    ]  # fmt: skip
    return all_of(options)(command)
