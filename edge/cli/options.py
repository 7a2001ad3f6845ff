"""Options of the commands: kinds of values, groups of options, and what they mean to the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from edge.options import (
    DEFAULT_BUDGET_S,
    DEFAULT_SUMMARY_WORDS,
    EXTRACTIVE,
    SUMMARY_KINDS,
    DigestOptions,
    ModelOptions,
)
from edge.records import ALL_PARTS, LISTS_ON_REQUEST
from edge.runtime.providers import AUTO, PROVIDERS, Execution, Placement, parse_option

if TYPE_CHECKING:
    _TimeType = click.ParamType[float]
    _SizeType = click.ParamType[int]
    _NamesType = click.ParamType[tuple[str, ...]]
else:  # older releases of click have no type there
    _TimeType = _SizeType = _NamesType = click.ParamType


Command = TypeVar("Command", bound=Callable[..., Any])


def all_of(options: list[Callable[[Any], Any]]) -> Callable[[Command], Command]:
    """A decorator that puts several options on a command, in the order of its help.

    :param options: Decorators, as ``click.option`` makes them.
    """

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


class Seconds(_TimeType):
    """A time such as ``45``, ``45s``, ``1.5m`` or ``1h``, as seconds."""

    name = "time"
    _factors: ClassVar = {"s": 1.0, "m": 60.0, "h": 3600.0}

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds of a text.

        :param value: The text, or seconds.
        :param param: click's.
        :param ctx: click's.
        """
        text = str(value).strip().lower()
        number, unit = (text[:-1], text[-1]) if text[-1:] in self._factors else (text, "s")
        try:
            seconds = float(number) * self._factors[unit]
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            self.fail(f"{value!r} is no time; give seconds, or for example 90s, 2m, 1h", param, ctx)
        return seconds


class Bytes(_SizeType):
    """An amount of memory such as ``256M`` or ``1.5G`` (powers of 1,024), as bytes."""

    name = "size"
    _factors: ClassVar = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes of a text.

        :param value: The text, or bytes.
        :param param: click's.
        :param ctx: click's.
        """
        text = str(value).strip().lower().removesuffix("b").removesuffix("i")
        number, unit = (text[:-1], text[-1]) if text[-1:] in self._factors else (text, "")
        try:
            n_bytes = float(number) * self._factors.get(unit, 1)
        except ValueError:
            n_bytes = 0.0
        if not 0 < n_bytes < float("inf"):
            self.fail(f"{value!r} is no amount; give for example 256M or 1G", param, ctx)
        return int(n_bytes)


class Names(_NamesType):
    """Some of a few names, with commas between them, such as ``quotes,questions``.

    :param allowed: The names.
    """

    name = "names"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = allowed

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The names in a text.

        :param value: The text, or names.
        :param param: click's.
        :param ctx: click's.
        """
        names = value.split(",") if isinstance(value, str) else value
        chosen = tuple(name.strip().lower() for name in names)
        for name in chosen:
            if name not in self._allowed:
                allowed = ", ".join(self._allowed)
                self.fail(f"{name!r} is none of {allowed}; put commas between several", param, ctx)
        return chosen


def run_options(command: Command) -> Command:
    """Options of every command that runs a model.

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


def digest_options(formats: tuple[str, ...]) -> Callable[[Command], Command]:
    """Options of every command that makes digests.

    :param formats: Output formats, the default first.
    """
    options = [
        click.option("--format", "format_name", type=click.Choice(formats), default=formats[0],
                     show_default=True, help="Form of the output."),
        click.option("--model", help="Bundle name or folder.  [default: minilm-l6-int8]"),
        run_options,
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
        click.option("--words", type=click.IntRange(10, 2000), default=DEFAULT_SUMMARY_WORDS,
                     show_default=True, help="Word budget of the summary."),
        click.option("--kind", type=click.Choice(SUMMARY_KINDS), default=EXTRACTIVE,
                     show_default=True, help="The transcript's own "
                     "sentences, a model's own, or the latter where a model is here and the "
                     "budget allows."),
        click.option("--writer",
                     help="Model that writes, by name or folder.  [default: one taught to sum up]"),
        click.option("--budget", "budget_s", type=Seconds(), default=f"{DEFAULT_BUDGET_S:.0f}s",
                     show_default=True,
                     help="Time that 'auto' may take for an episode, such as 90s or 2m."),
        click.option("--show", type=Names(LISTS_ON_REQUEST), default=(), metavar="LISTS",
                     help="Lists of sentences to add to text and Markdown: "
                     f"{', '.join(LISTS_ON_REQUEST)}, or several with commas between."),
    ]  # fmt: skip
    return all_of(options)(command)


@dataclass(frozen=True)
class OutputOptions:
    """How a command gives its digests, and what else it says."""

    format_name: str
    quiet: bool
    verbose: bool
    show: tuple[str, ...] = ()
    """Which of ``edge.records.LISTS_ON_REQUEST`` the formats for people add."""


def execution_of(values: Mapping[str, Any]) -> Execution:
    """How models are to be run.

    :param values: Of a command with ``run_options``; ``strict`` among them counts, too.
    :raises UsageError: If there are options for a provider that is not named.
    """
    if values["provider_options"] and values["provider"] == AUTO:
        raise click.UsageError("--provider-option needs a --provider that it is for")
    return Execution(
        provider=values["provider"],
        options=values["provider_options"],
        strict=values.get("strict", False),
        fp16_on_cpu=values["fp16_on_cpu"],
    )


def read_options(
    values: Mapping[str, Any], parts: frozenset[str] = ALL_PARTS
) -> tuple[DigestOptions, ModelOptions, OutputOptions]:
    """The options of a command as the core takes them.

    :param values: Of a command with ``digest_options`` and, where it writes, ``summary_options``.
    :param parts: Which parts of a digest the command makes.
    :raises UsageError: If there are options for a provider that is not named.
    """
    wanted = {name: values[name] for name in _SUMMARY if name in values}
    return (
        DigestOptions(parts=parts, strict=values["strict"], **wanted),
        ModelOptions(
            values["model"], values["threads"], execution_of(values), values["max_rss_bytes"]
        ),
        OutputOptions(
            values["format_name"], values["quiet"], values["verbose"], values.get("show", ())
        ),
    )


_SUMMARY = ("words", "kind", "writer", "budget_s")


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
