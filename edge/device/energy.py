"""Energy from what the board offers; None, with the reason, where it offers nothing.

Counters (RAPL) are read at both ends, power (INA sensors, the Pi 5's PMIC) twice a second in
between. What a source leaves out is part of its name. Idle power is not taken off.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.device.kernel import ROOT, read
from edge.device.state import run_vcgencmd

INTERVAL_S = 0.5
PMIC_VARIABLE = re.compile(r"(\S+)_([AV]) (?:current|volt)\(\d+\)=([\d.]+)[AV]")
JETSON_INPUTS = ("VDD_IN", "POM_5V_IN")
"""The rail that feeds the whole module, where the board has one."""


@dataclass(frozen=True)
class Counter:
    """Energy used since some moment, in joules, of each part; each begins anew at its range."""

    name: str
    read_j: Callable[[], list[float]]
    ranges_j: tuple[float, ...]


@dataclass(frozen=True)
class Power:
    """Watts at this moment."""

    name: str
    read_w: Callable[[], float]


Source = Counter | Power


def find_source(watts: float | None, root: Path = ROOT) -> tuple[Source | None, str]:
    """The best source here, and its name; or None and why there is none.

    :param watts: What a plug meter shows, where the user read one.
    :param root: Folder that stands for ``/``.
    """
    if watts is not None:
        return Power(f"{watts:g} W, as given by the user", lambda: watts), ""
    reasons = []
    for find in (_rapl, _ina, lambda _: _pmic()):
        source = find(root)
        if not isinstance(source, str):
            return source, ""
        reasons.append(source)
    return None, "; ".join(reasons)


def _rapl(root: Path) -> Source | str:
    """The processor packages' counters of x86."""
    zones = [
        path
        for path in sorted(root.glob("sys/class/powercap/intel-rapl:*"))
        if path.name.count(":") == 1 and (read(path / "name") or "").startswith("package")
    ]
    if not zones:
        return "no RAPL counter of the processor (powercap)"
    if not all(os.access(zone / "energy_uj", os.R_OK) for zone in zones):
        return f"{zones[0] / 'energy_uj'} is for root to read"
    ranges = tuple(_number(zone / "max_energy_range_uj") / 1e6 for zone in zones)
    return Counter(
        "RAPL: processor packages, without memory, disk and power supply",
        lambda: [_number(zone / "energy_uj") / 1e6 for zone in zones],
        ranges,
    )


def _ina(root: Path) -> Source | str:
    """A Jetson's INA3221: millivolts and milliamperes of each rail."""
    rails: dict[str, tuple[Path, Path]] = {}
    for label in sorted(root.glob("sys/class/hwmon/hwmon*/in[123]_label")):
        current = label.with_name(label.name.replace("in", "curr", 1).replace("label", "input"))
        volts = label.with_name(label.name.replace("label", "input"))
        sensor = read(label.with_name("name")) or ""
        if sensor.startswith("ina3221") and current.exists():
            rails[read(label) or ""] = (volts, current)
    if not rails:
        return "no INA3221 power sensor"
    whole = [name for name in JETSON_INPUTS if name in rails]
    names = whole[:1] or sorted(name for name in rails if name != "NC")
    pairs = [rails[name] for name in names]
    return Power(
        f"INA3221: {' + '.join(names)}",
        lambda: sum(_number(v) * _number(a) for v, a in pairs) / 1e6,
    )


def _pmic() -> Source | str:
    """The Raspberry Pi 5's power management chip."""
    if not pmic_watts(run_vcgencmd("pmic_read_adc")):
        return "no power management chip that tells currents (vcgencmd pmic_read_adc)"
    return Power(
        "PMIC: rails of the Pi 5's power chip, without its losses and what hangs on 5 V",
        lambda: pmic_watts(run_vcgencmd("pmic_read_adc")),
    )


def pmic_watts(answer: str) -> float:
    """Sum over the rails that tell both a current and a voltage.

    :param answer: Of ``vcgencmd pmic_read_adc``.
    """
    values = {(name, unit): float(value) for name, unit, value in PMIC_VARIABLE.findall(answer)}
    return sum(
        amperes * values[name, "V"]
        for (name, unit), amperes in values.items()
        if unit == "A" and (name, "V") in values
    )


def _number(path: Path) -> float:
    """What a sensor's file says; a ValueError once the sensor is gone."""
    return float(read(path) or "")


class Meter:
    """Joules of what is done between ``start`` and ``stop``.

    :param source: As ``find_source`` gives it; None for no measurement.
    """

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self._joules = 0.0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to measure."""
        if self._source is not None:
            self._thread = threading.Thread(target=self._watch, args=(self._source,), daemon=True)
            self._thread.start()

    def stop(self) -> float | None:
        """Joules since the start; None without a source, or where it stopped to answer."""
        if self._thread is None:
            return None
        self._stopped.set()
        self._thread.join()
        return self._joules if self._joules > 0 else None

    def _watch(self, source: Source) -> None:
        try:
            if isinstance(source, Counter):
                self._count(source)
            else:
                self._integrate(source)
        except ValueError:  # a sensor that went away answers with nothing
            self._joules = 0.0

    def _count(self, source: Counter) -> None:
        before = source.read_j()
        while True:  # often enough that no counter begins anew twice
            is_last = self._stopped.wait(INTERVAL_S)
            now = source.read_j()
            for new, old, most in zip(now, before, source.ranges_j, strict=True):
                self._joules += new - old if new >= old else new - old + most
            before = now
            if is_last:
                return

    def _integrate(self, source: Power) -> None:
        since, watts = time.perf_counter(), source.read_w()
        while True:
            is_last = self._stopped.wait(INTERVAL_S)
            now, new_watts = time.perf_counter(), source.read_w()
            self._joules += (watts + new_watts) / 2 * (now - since)
            since, watts = now, new_watts
            if is_last:
                return
