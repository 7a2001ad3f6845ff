"""What the user pays: every price is the user's, the program knows none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from edge.errors import BenchError


@dataclass(frozen=True)
class Prices:
    """What the user pays."""

    hardware_price: float
    """Of the device, its power supply and storage."""
    lifetime_years: float
    """How long it will serve."""
    episodes_per_month: float
    electricity_per_kwh: float | None = None
    hosted_per_episode: float | None = None
    """What a service asks for one episode."""
    carbon_g_per_kwh: float | None = None
    currency: str = "EUR"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "currency" or value is None:
                continue
            least = "0 or more" if field.name not in _POSITIVE else "more than 0"
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if (
                not is_number
                or not math.isfinite(value)
                or value < 0
                or (field.name in _POSITIVE and value == 0)
            ):
                raise BenchError(
                    f"{field.name} is {value!r}; it has to be a number, {least}",
                    "docs/benchmarks.md tells what each price means.",
                )


_POSITIVE = frozenset({"hardware_price", "lifetime_years", "episodes_per_month"})


def read_prices(path: Path | None, given: Mapping[str, float | str | None]) -> Prices:
    """Prices of a file, and what was given beside it.

    :param path: JSON with the fields of ``Prices``; None for no file.
    :param given: Field -> value; these count before the file's; None for not given.
    :raises BenchError: If the file cannot be read, or a price is missing or out of range.
    """
    values: dict[str, object] = {}
    names = [field.name for field in fields(Prices)]
    if path is not None:
        try:
            values = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise BenchError(
                f"cannot read the prices in {path}: {error}",
                "docs/prices-example.json shows what such a file looks like.",
            ) from error
        unknown = sorted(set(values) - set(names)) if isinstance(values, dict) else ["no object"]
        if unknown:
            raise BenchError(
                f"{path} has {', '.join(unknown)}; a price is one of {', '.join(names)}",
                "docs/prices-example.json shows what such a file looks like.",
            )
    values |= {name: value for name, value in given.items() if value is not None}
    missing = [name for name in names[:3] if name not in values]
    if missing:
        raise BenchError(
            f"these are not given: {', '.join(missing)}",
            "Give them as options, for example --hardware-price 95, or in a file with --prices.",
        )
    return Prices(**values)  # type: ignore[arg-type]  # __post_init__ checks each
