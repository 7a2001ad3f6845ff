"""Kinds of values on the command line, and several options at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

if TYPE_CHECKING:
    _TimeType = click.ParamType[float]
    _SizeType = click.ParamType[int]
else:  # older releases of click have no type there
    _TimeType = _SizeType = click.ParamType


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
