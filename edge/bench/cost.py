"""What an episode costs on one's own device, and where that beats a hosted service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.bench.prices import Prices
from edge.bench.record import CaseRecord, Record
from edge.bench.scenarios import BATCH, COLD, DIGESTS, STREAM
from edge.bench.tables import Table, duration
from edge.bundles.manifest import PRECISIONS
from edge.errors import BenchError

SECONDS_PER_YEAR = 365.25 * 24 * 3600
JOULES_PER_KWH = 3.6e6


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
    def total(self) -> float:
        """Hardware and, where it is known, electricity."""
        return self.hardware + (self.electricity or 0.0)


def cost_of(case: CaseRecord, prices: Prices) -> Cost:
    """What an episode of a case costs.

    :param case: A digest's, cold or warm.
    :param prices: The user's.
    """
    episodes = case.workload.episodes or 1
    seconds = case.timing.e2e_ms.median / 1000 / episodes
    sample_j = case.resources.energy_j
    energy_j = None if sample_j is None else sample_j / episodes
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


def digest_cases(record: Record) -> list[CaseRecord]:
    """The cases whose samples are whole digests, by model, FP32 to INT4.

    :param record: The run.
    :raises BenchError: If there is none.
    """
    cases = [case for case in record.cases if case.setup.scenario in DIGESTS]
    if not cases:
        raise BenchError(
            "the record has no digest, only parts of one",
            f"Measure '{STREAM}', '{COLD}' or '{BATCH}'.",
        )

    def order(case: CaseRecord) -> tuple[str, str, int]:
        setup = case.setup
        return setup.scenario, setup.bundle_name, PRECISIONS.index(setup.precision)

    return sorted(cases, key=order)


def cost_tables(record: Record, prices: Prices) -> list[Table]:
    """Cost of an episode of every case; break-even against the service; precision by precision.

    :param record: The run.
    :param prices: The user's.
    """
    cases = digest_cases(record)
    costs = [cost_of(case, prices) for case in cases]
    tables = [_episode_table(record, cases, costs, prices), _busy_table(cases, costs, prices)]
    if prices.hosted_per_episode is not None:
        tables.append(_hosted_table(cases, costs, prices, prices.hosted_per_episode))
    return tables


def _episode_table(
    record: Record, cases: Sequence[CaseRecord], costs: Sequence[Cost], prices: Prices
) -> Table:
    rows = tuple(
        (
            case.setup.name,
            duration(1000 * cost.seconds),
            _money(cost.hardware),
            _money(cost.electricity),
            _money(cost.total),
            _money(1000 * cost.total),
            "-" if cost.carbon_g is None else f"{cost.carbon_g:.3f} g",
        )
        for case, cost in zip(cases, costs, strict=True)
    )
    return Table(
        f"Cost in {prices.currency}, {prices.episodes_per_month:g} episodes a month",
        ("case", "seconds", "hardware", "electricity", "an episode", "1,000 episodes", "CO2"),
        rows,
        _electricity_note(record, prices),
    )


def _busy_table(cases: Sequence[CaseRecord], costs: Sequence[Cost], prices: Prices) -> Table:
    rows = tuple(
        (
            case.setup.name,
            duration(1000 * cost.seconds),
            f"{cost.seconds / first.seconds:.2f}",
            f"{cost.episodes_per_month:,.0f}",
            _money(1000 * cost.busy),
            f"{cost.busy / first.busy:.2f}",
        )
        for case, cost, first in zip(cases, costs, _firsts(cases, costs), strict=True)
    )
    return Table(
        f"What speed is worth: a device that is always at work, in {prices.currency}",
        ("case", "seconds", "to the first", "episodes a month", "1,000 episodes", "to the first"),
        rows,
        "The first of the same model and scenario: its highest precision. Half the time is half "
        "the cost only where the device has no idle hours.",
    )


def _firsts(cases: Sequence[CaseRecord], costs: Sequence[Cost]) -> list[Cost]:
    """For each case, the cost of the first one of the same model and scenario."""
    firsts: dict[tuple[str, str], Cost] = {}
    return [
        firsts.setdefault((case.setup.scenario, case.setup.bundle_name), cost)
        for case, cost in zip(cases, costs, strict=True)
    ]


def _hosted_table(
    cases: Sequence[CaseRecord], costs: Sequence[Cost], prices: Prices, hosted: float
) -> Table:
    life_episodes = prices.lifetime_years * 12 * prices.episodes_per_month
    rows = []
    for case, cost in zip(cases, costs, strict=True):
        even = cost.breakeven_episodes
        if prices.episodes_per_month > cost.episodes_per_month:
            cheaper = "more than one device"
        else:
            cheaper = "own device" if even is not None and even < life_episodes else "service"
        rows.append(
            (
                case.setup.name,
                _money(cost.total),
                _money(hosted),
                "never" if even is None else f"{even:,.0f} episodes",
                "never" if even is None else f"{even / prices.episodes_per_month:.1f} months",
                cheaper,
            )
        )
    return Table(
        f"Break-even against {_money(hosted)} {prices.currency} an episode",
        ("case", "own", "service", "break-even after", "which is", "cheaper over its life"),
        tuple(rows),
        f"Over its life the device does {life_episodes:,.0f} episodes.",
    )


def _electricity_note(record: Record, prices: Prices) -> str:
    if not record.power_source:
        return (
            f"Electricity is not counted: {record.power_reason}. A plug meter's reading can be "
            "given when measuring: edge bench --watts W."
        )
    if prices.electricity_per_kwh is None:
        return "Electricity is not counted: its price is not given (--electricity-price)."
    return f"Electricity while at work, without idle hours. Energy: {record.power_source}."


def _money(amount: float | None) -> str:
    """Four digits that count: an episode costs fractions of a cent."""
    if amount is None:
        return "-"
    return f"{amount:.4g}" if abs(amount) < 100 else f"{amount:,.0f}"
