"""Options and kinds of paths that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(path_type=Path, file_okay=False)
EXISTING_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
EXISTING_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

force_option = click.option("--force", is_flag=True, help="Replace the output folder if it exists.")
seeds_option = click.option(
    "--seeds",
    type=EXISTING_FOLDER,
    help="Transcripts the gate compares on.  [default: the project's seeds]",
)
data_option = click.option(
    "--data",
    type=EXISTING_FOLDER,
    required=True,
    help="Folder of the training files; docs/training.md describes them.",
)
leave_out_option = click.option(
    "--leave-out",
    "left_out",
    multiple=True,
    help="A show of annotated episodes not to learn from; may be given again.",
)
vectors_option = click.option(
    "--cache",
    type=FOLDER,
    default=Path("build/vectors"),
    show_default=True,
    help="Where sentence vectors are kept for the next time.",
)


def output_option(text: str) -> Callable[[Any], Any]:
    """The option for the folder to write, a decorator.

    :param text: Its help.
    """
    return click.option("--output", type=FOLDER, help=text)
