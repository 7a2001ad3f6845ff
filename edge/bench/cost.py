"""What an episode costs on one's own device, and where that beats a hosted service.

Every price is the user's: the program knows none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from edge.bench.cases import BATCH, COLD, STREAM
from edge.bench.record import Json
from edge.bench.tables import Table, duration
from edge.errors import BenchError

SECONDS_PER_YEAR = 365.25 * 24 * 3600
JOULES_PER_KWH = 3.6e6
PRECISIONS = ("fp32", "fp16", "int8", "int4")


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


@dataclass(frozen=True)
class Cost:
    """What one case's episodes cost."""

    seconds: float
    """Of one episode."""
    energy_j: float | None
    hardware: float
    """The device's share in an episode, at the user's number of episodes a month."""
    electricity: float | None
    """Of an episode; None where energy or its price is not known."""
    busy: float
    """An episode of a device that does nothing else all its life: what speed is worth."""
    episodes_per_month: float
    """Most that one device can do."""
    carbon_g: float | None
    breakeven_episodes: float | None
    """From so many on, the device is cheaper than the service; None where it never is."""

    @property
    def whole(self) -> float:
        """Hardware and, where it is known, electricity."""
        return self.hardware + (self.electricity or 0.0)


def cost_of(case: Json, prices: Prices) -> Cost:
    """What an episode of a case costs.

    :param case: A digest's, cold or warm.
    :param prices: The user's.
    """
    seconds = case["e2e_ms"]["median"] / 1000 / case["episodes"]
    energy_j = None if case["energy_j"] is None else case["energy_j"] / case["episodes"]
    kwh = None if energy_j is None else energy_j / JOULES_PER_KWH
    life_s = prices.lifetime_years * SECONDS_PER_YEAR
    per_kwh, carbon = prices.electricity_per_kwh, prices.carbon_g_per_kwh
    electricity = None if kwh is None or per_kwh is None else kwh * per_kwh
    saved = None
    if prices.hosted_per_episode is not None:
        saved = prices.hosted_per_episode - (electricity or 0.0)
    return Cost(
        seconds=seconds,
        energy_j=energy_j,
        hardware=prices.hardware_price / (prices.lifetime_years * 12 * prices.episodes_per_month),
        electricity=electricity,
        busy=prices.hardware_price * seconds / life_s + (electricity or 0.0),
        episodes_per_month=SECONDS_PER_YEAR / 12 / seconds,
        carbon_g=None if kwh is None or carbon is None else kwh * carbon,
        breakeven_episodes=prices.hardware_price / saved if saved and saved > 0 else None,
    )


def digest_cases(record: Json) -> list[Json]:
    """The cases whose samples are whole digests, by model, FP32 to INT4.

    :param record: The run.
    :raises BenchError: If there is none.
    """
    found = [case for case in record["cases"] if case["scenario"] in (COLD, STREAM, BATCH)]
    if not found:
        raise BenchError(
            "the record has no digest, only parts of one",
            f"Measure '{STREAM}', '{COLD}' or '{BATCH}'.",
        )

    def place(case: Json) -> tuple[str, str, int]:
        return case["scenario"], case["bundle_name"], PRECISIONS.index(case["precision"])

    return sorted(found, key=place)


def cost_tables(record: Json, prices: Prices) -> list[Table]:
    """Cost of an episode of every case; break-even against the service; precision by precision.

    :param record: The run.
    :param prices: The user's.
    """
    cases = digest_cases(record)
    costs = [cost_of(case, prices) for case in cases]
    own = Table(
        f"Cost in {prices.currency}, {prices.episodes_per_month:g} episodes a month",
        ("case", "seconds", "hardware", "electricity", "an episode", "1,000 episodes", "CO2"),
        tuple(
            (
                case["name"],
                duration(1000 * cost.seconds),
                _money(cost.hardware),
                _money(cost.electricity),
                _money(cost.whole),
                _money(1000 * cost.whole),
                "-" if cost.carbon_g is None else f"{cost.carbon_g:.3f} g",
            )
            for case, cost in zip(cases, costs, strict=True)
        ),
        _electricity_note(record, prices),
    )
    busy = Table(
        f"What speed is worth: a device that is always at work, in {prices.currency}",
        ("case", "seconds", "to the first", "episodes a month", "1,000 episodes", "to the first"),
        tuple(
            (
                case["name"],
                duration(1000 * cost.seconds),
                f"{cost.seconds / first.seconds:.2f}",
                f"{cost.episodes_per_month:,.0f}",
                _money(1000 * cost.busy),
                f"{cost.busy / first.busy:.2f}",
            )
            for case, cost, first in zip(cases, costs, _firsts(cases, costs), strict=True)
        ),
        "The first of the same model and scenario: its highest precision. Half the time is half "
        "the cost only where the device has no idle hours.",
    )
    return [own, busy, *_hosted_table(cases, costs, prices)]


def _firsts(cases: list[Json], costs: list[Cost]) -> list[Cost]:
    """For each case, the first one of the same model and scenario."""
    firsts: dict[tuple[str, str], Cost] = {}
    return [
        firsts.setdefault((case["scenario"], case["bundle_name"]), cost)
        for case, cost in zip(cases, costs, strict=True)
    ]


def _hosted_table(cases: list[Json], costs: list[Cost], prices: Prices) -> list[Table]:
    if prices.hosted_per_episode is None:
        return []
    life = prices.lifetime_years * 12 * prices.episodes_per_month
    rows = []
    for case, cost in zip(cases, costs, strict=True):
        even = cost.breakeven_episodes
        too_many = prices.episodes_per_month > cost.episodes_per_month
        rows.append(
            (
                case["name"],
                _money(cost.whole),
                _money(prices.hosted_per_episode),
                "never" if even is None else f"{even:,.0f} episodes",
                "never" if even is None else f"{even / prices.episodes_per_month:.1f} months",
                "more than one device" if too_many
                else "own device" if even is not None and even < life
                else "service",
            )
        )  # fmt: skip
    return [
        Table(
            f"Break-even against {_money(prices.hosted_per_episode)} {prices.currency} an episode",
            ("case", "own", "service", "break-even after", "which is", "cheaper over its life"),
            tuple(rows),
            f"Over its life the device does {life:,.0f} episodes.",
        )
    ]


def _electricity_note(record: Json, prices: Prices) -> str:
    if not record["power_source"]:
        return (
            f"Electricity is not counted: {record['power_reason']}. A plug meter's reading can be "
            "given when measuring: edge bench --watts W."
        )
    if prices.electricity_per_kwh is None:
        return "Electricity is not counted: its price is not given (--electricity-price)."
    return f"Electricity while at work, without idle hours. Energy: {record['power_source']}."


def _money(amount: float | None) -> str:
    """Four digits that count: an episode costs fractions of a cent."""
    if amount is None:
        return "-"
    return f"{amount:.4g}" if abs(amount) < 100 else f"{amount:,.0f}"
