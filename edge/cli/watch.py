"""``edge watch``: new transcripts become digests as they arrive."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.cli.options import Seconds, digest_options, read_options, summary_options
from edge.errors import EdgeError

if TYPE_CHECKING:
    from edge.jobs.ledger import LedgerEntry
    from edge.jobs.watch import Inbox

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("inbox", type=FOLDER)
@click.option("--output", type=FOLDER, required=True, help="Folder of the digests.")
@click.option(
    "--quarantine",
    type=FOLDER,
    help="Where files go that cannot be read, with the reason.  [default: OUTPUT/quarantine]",
)
@click.option("--every", type=Seconds(), default="5s", show_default=True, help="How often to look.")
@click.option(
    "--settle",
    type=Seconds(),
    default="5s",
    show_default=True,
    help="A file that has not changed for so long is whole.",
)
@click.option("--once", is_flag=True, help="Do what is there, and end.")
@digest_options(("json", "md", "text"))
@summary_options
def watch(inbox: Path, **options: Any) -> None:
    """Digest the transcripts of the folder INBOX, and those that come.

    Each content is digested once, whatever its file is called. It may be stopped at any moment,
    and goes on where it was. With --once the exit code is 1 if a file could not be digested.
    """
    from edge.cli.digests import DigestPrinter
    from edge.jobs.ledger import lock_output
    from edge.jobs.watch import Inbox
    from edge.render import SUFFIXES

    printer = DigestPrinter(*read_options(options))
    printer.wait()  # a model that does not work is told at once, not at the first episode
    with lock_output(options["output"]):
        watched = Inbox(
            inbox,
            options["output"],
            SUFFIXES[options["format_name"]],
            printer.render,
            options["settle"],
            options["quarantine"],
        )
        if not options["quiet"]:
            click.echo(f"watching {inbox}, digests go to {options['output']}", err=True)
        _watch(watched, options)


def _watch(watched: Inbox, options: dict[str, Any]) -> None:
    """Look until there is nothing to wait for, or for ever."""
    from edge.jobs.ledger import FAILED

    trouble = ""
    failed = 0
    while True:
        try:
            for entry in watched.digest_new():
                failed += entry.status == FAILED
                if not options["quiet"]:
                    _say(entry)
            trouble = ""
        except EdgeError as error:
            if options["once"]:
                raise
            if str(error) != trouble:  # told once, however often it is tried again
                trouble = str(error)
                click.echo(f"Error: {error}\n  Trying again.", err=True)
        if options["once"] and not watched.is_waiting:
            if failed:
                raise EdgeError(
                    f"files that could not be digested: {failed}",
                    "They are in the quarantine, each with the reason beside it.",
                )
            return
        time.sleep(options["every"])


def _say(entry: LedgerEntry) -> None:
    detail = f": {entry.detail}" if entry.detail else f" -> {entry.output}"
    click.echo(f"{entry.status:>7}  {entry.source}{detail}", err=True)
