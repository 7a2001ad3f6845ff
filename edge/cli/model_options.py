"""Options of the commands that run a model, and what they say of where it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from edge.cli.values import Command, all_of
from edge.runtime.providers import AUTO, PROVIDERS, Execution, Placement, parse_option


def model_options(command: Command) -> Command:
    """Add the options to a click command.

    :param command: The command.
    """
    options = [
        click.option("--threads", type=click.IntRange(1, 64), help="Threads for the model.  "
                     "[default: the cores at hand, at most 4]"),
        click.option("--provider", type=click.Choice([AUTO, *PROVIDERS]), default=AUTO,
                     show_default=True, help="Where models run; 'auto' takes a GPU for what it is "
                     "good at."),
        click.option("--provider-option", "provider_options", multiple=True, metavar="NAME=VALUE",
                     callback=_read_options, help="For that provider, as onnxruntime names it, "
                     "such as device_id=0; may be repeated."),
        click.option("--fp16-on-cpu", is_flag=True, help="Run 16-bit models on a CPU, too."),
    ]  # fmt: skip
    return all_of(options)(command)


def _read_options(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    try:
        return dict(map(parse_option, values))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def execution_of(options: Mapping[str, Any]) -> Execution:
    """How models are to be run.

    :param options: Of a command with ``model_options``; ``strict`` among them counts, too.
    :raises UsageError: If there are options for a provider that is not named.
    """
    if options["provider_options"] and options["provider"] == AUTO:
        raise click.UsageError("--provider-option needs a --provider that it is for")
    return Execution(
        provider=options["provider"],
        options=options["provider_options"],
        strict=options.get("strict", False),
        fp16_on_cpu=options["fp16_on_cpu"],
    )


def say_placements(placements: Iterable[tuple[str, Placement]], verbose: bool) -> None:
    """Tell on standard error where models run, if it is not where they were asked to.

    :param placements: (bundle, where it runs).
    :param verbose: Whether to tell it in any case.
    """
    for bundle_id, placement in placements:
        if not (verbose or placement.fell_back):
            continue
        reason = f": {placement.reason}" if placement.reason else ""
        click.echo(
            f"{bundle_id} runs on {placement.ran}, asked for was {placement.asked}{reason}",
            err=True,
        )
