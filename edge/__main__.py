"""The program: ``edge``, or ``python -m edge``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.cli.main import main
from edge.cli.startup import begin, end

if TYPE_CHECKING:
    import click


def load_bench() -> click.Command:
    """The command of the room that measures all others, and so stands above them."""
    from edge.bench.cli import bench

    return bench


main.add_lazy_command("bench", load_bench)


def run() -> None:
    """Run the command and end the process."""
    begin()
    try:
        main(prog_name="edge")
    except SystemExit as stop:
        end(stop.code if isinstance(stop.code, int) else int(stop.code is not None))


if __name__ == "__main__":
    run()
