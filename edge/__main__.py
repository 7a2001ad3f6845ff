"""The program: ``edge``, or ``python -m edge``."""

import click

from edge.cli.main import main
from edge.cli.startup import begin, end


def _load_bench() -> click.Command:
    """The suite that measures the other commands, and so stands above them."""
    from edge.bench.cli import bench

    return bench


main.add_late("bench", _load_bench)


def run() -> None:
    """Run the command and end the process."""
    begin()
    try:
        main(prog_name="edge")
    except SystemExit as stop:
        end(stop.code if isinstance(stop.code, int) else int(stop.code is not None))


if __name__ == "__main__":
    run()
