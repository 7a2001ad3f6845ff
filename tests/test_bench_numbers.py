"""The suite's arithmetic: percentiles, the test of a difference, energy, the machine, cost."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.__main__ import main
from edge.bench.cost import cost_of, cost_tables, digest_cases
from edge.bench.prices import Prices, read_prices
from edge.bench.record import CaseRecord
from edge.bench.record_json import save
from edge.bench.statistics import (
    PERCENTILE_RUNS,
    compare,
    compare_pairs,
    describe,
    fitted_exponent,
    is_noisy,
    percentile,
)
from edge.bench.validity import machine_reasons
from edge.device import energy
from edge.device import state as state_module
from edge.device.energy import Counter, Meter, Power, find_source, pmic_watts
from edge.device.kernel import cpu_flags, cpu_model, meminfo
from edge.device.state import identity, state
from edge.errors import BenchError
from tests.test_bench import case_of, record_of


@pytest.mark.parametrize(("percent", "least"), PERCENTILE_RUNS.items())
def test_percentiles_only_where_the_samples_support_them(percent: int, least: int) -> None:
    values = list(range(1, least + 1))
    assert percentile(values, percent) == math.ceil(least * percent / 100)
    assert percentile(values[:-1], percent) is None


def test_a_description_keeps_what_is_known() -> None:
    described = describe([3.0, 1.0, 2.0])
    assert described.median == 2.0
    assert described.std == 1.0
    assert described.p50 is None
    assert describe([5.0]).std is None


def test_noise_is_a_tenth_of_the_mean() -> None:
    assert is_noisy([100, 120, 80])
    assert not is_noisy([100, 101, 99])
    assert not is_noisy([100])


def exact_tail(m: int, n: int, k: int) -> float:
    """P(U < k) of the rank-sum statistic, by counting every order of the two samples."""
    total = below = 0
    for first in itertools.combinations(range(m + n), m):
        u = sum(place - i for i, place in enumerate(first))
        total += 1
        below += u < k
    return below / total


@pytest.mark.parametrize(("m", "n"), [(4, 4), (5, 5), (3, 7), (6, 5)])
def test_the_interval_is_the_exact_one(m: int, n: int) -> None:
    draws = random.Random(m * n)
    a = [100 * math.exp(draws.gauss(0, 0.02)) for _ in range(m)]
    b = [100 * math.exp(draws.gauss(0, 0.02)) for _ in range(n)]
    ratios = sorted(y / x for x in a for y in b)
    k = max(k for k in range(m * n) if exact_tail(m, n, k) <= 0.025)
    found = compare(a, b)
    if k == 0:
        assert found.low == 0 and math.isinf(found.high)
    else:
        assert math.isclose(found.low, ratios[k - 1])
        assert math.isclose(found.high, ratios[-k])


def test_the_same_build_is_rarely_told_apart_and_a_tenth_mostly() -> None:
    draws = random.Random(0)

    def run(scale: float) -> list[float]:
        return [scale * math.exp(draws.gauss(0, 0.03)) for _ in range(10)]

    same = [compare(run(1), run(1)).verdict for _ in range(400)]
    slower = [compare(run(1), run(1.1)).verdict for _ in range(400)]
    assert same.count("not distinguishable") >= 0.97 * 400
    assert slower.count("slower") >= 0.95 * 400
    assert "faster" not in slower


def exact_signed_tail(n: int, k: int) -> float:
    """P(W < k) of the signed-rank statistic, by trying all signs."""
    sums = [
        sum(rank for rank, sign in enumerate(signs, 1) if sign)
        for signs in itertools.product((0, 1), repeat=n)
    ]
    return sum(w < k for w in sums) / len(sums)


@pytest.mark.parametrize("n", [6, 8, 10])
def test_the_interval_of_pairs_is_the_exact_one(n: int) -> None:
    draws = random.Random(n)
    first = [100 * math.exp(draws.gauss(0, 0.2)) for _ in range(n)]
    second = [x * 1.1 * math.exp(draws.gauss(0, 0.01)) for x in first]
    logs = [math.log(b / a) for a, b in zip(first, second, strict=True)]
    averages = sorted((a + b) / 2 for i, a in enumerate(logs) for b in logs[: i + 1])
    k = max(k for k in range(n * n) if exact_signed_tail(n, k) <= 0.025)
    found = compare_pairs(first, second)
    assert math.isclose(found.low, math.exp(averages[k - 1]))
    assert math.isclose(found.high, math.exp(averages[-k]))
    assert found.verdict == "slower"
    assert compare(first, second).verdict == "not distinguishable"  # the drift of 20 % hides it


def test_many_processes_are_thinned_and_few_tell_nothing() -> None:
    found = compare([1.0 + 0.001 * (i % 7) for i in range(500)], [1.2] * 500)
    assert found.verdict == "slower" and found.n == (500, 500)
    assert compare([1.0, 1.0], [2.0, 2.0]).verdict == "not distinguishable"


def test_the_exponent_of_linear_and_square_growth() -> None:
    assert math.isclose(fitted_exponent([1, 10, 100], [3, 30, 300]), 1.0)
    assert math.isclose(fitted_exponent([1, 2, 4], [5, 20, 80]), 2.0)


# ---- the machine, from files laid out as the kernel does


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


PI = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0",
    "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd asimddp\n\nModel\t\t: Raspberry Pi 5\n",
    "proc/meminfo": "MemTotal: 8000000 kB\nSwapTotal: 100000 kB\nSwapFree: 90000 kB\n",
    "proc/loadavg": "0.25 0.2 0.1 1/100 1234\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "2400000\n",
    "sys/class/thermal/thermal_zone0/temp": "61200\n",
    "sys/class/thermal/thermal_zone1/temp": "garbage\n",
}


def test_a_board_tells_what_it_is_and_how_it_is(tmp_path: Path) -> None:
    root = lay_out(tmp_path, PI)
    found = identity(root)
    assert found.board_model == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.soc == "brcm,bcm2712"
    assert found.cpu_governor == "ondemand"
    assert found.ram_total == 8000000 * 1024
    assert found.cpu == cpu_model(root) == "Raspberry Pi 5"
    assert cpu_flags(root) == {"fp", "asimd", "asimddp"}
    now = state(root)
    assert (now.freq_mhz, now.temp_c, now.load_average) == (2400.0, 61.2, 0.25)
    assert now.swap_used == 10000 * 1024


def test_a_machine_that_tells_nothing_is_not_guessed(tmp_path: Path) -> None:
    now = state(tmp_path)
    assert (now.freq_mhz, now.temp_c, now.swap_used, now.load_average) == (None,) * 4
    assert identity(tmp_path).board_model is None
    assert meminfo(tmp_path) == {}
    assert cpu_model(tmp_path) and cpu_flags(tmp_path) == frozenset()


def test_work_of_others_is_seen(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"proc/stat": "cpu  100 0 0 900 0 0 0 0 0 0\n"})
    writer = threading.Timer(0.1, lambda: lay_out(root, {"proc/stat": "cpu 150 0 0 950 0 0 0 0\n"}))
    writer.start()
    busy = state_module.busy_cores(root, 0.4)
    assert busy == pytest.approx((os.cpu_count() or 1) * 0.5)
    assert state_module.busy_cores(tmp_path / "nothing", 0.0) is None
    quiet = replace(identity(tmp_path), cpu_governor=None, cores=4)
    assert machine_reasons(quiet, state(tmp_path), 0.1) == []
    assert "1.5 of 4 cores busy" in machine_reasons(quiet, state(tmp_path), 1.5)[0]
    slow = replace(quiet, cpu_governor="powersave")
    assert "'powersave'" in machine_reasons(slow, state(tmp_path), 0.0)[0]


def test_throttling_is_read_from_the_firmware(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "run_vcgencmd", lambda *_: "throttled=0x50005\n")
    assert state(tmp_path).throttle_flags == 0x50005


# ---- energy


def test_rapl_counts_over_its_end(tmp_path: Path) -> None:
    zone = "sys/class/powercap/intel-rapl:0"
    root = lay_out(tmp_path, {
        f"{zone}/name": "package-0\n", f"{zone}/energy_uj": "9000000\n",
        f"{zone}/max_energy_range_uj": "10000000\n",
        f"{zone}:0/name": "core\n", f"{zone}:0/energy_uj": "1\n",
    })  # fmt: skip
    source, reason = find_source(None, root)
    assert isinstance(source, Counter) and not reason
    assert source.read_j() == [9.0]
    meter = Meter(source)
    meter.start()
    time.sleep(0.05)
    (root / zone / "energy_uj").write_text("2000000\n")  # 1 J to the end, 2 J from 0
    assert meter.stop() == pytest.approx(3.0)


def test_a_jetson_s_input_rail_is_taken_and_else_the_sum(tmp_path: Path) -> None:
    sensor = "sys/class/hwmon/hwmon3"
    rails = {"1": ("VDD_IN", 5000, 2000), "2": ("VDD_CPU_GPU_CV", 5000, 900)}
    files = {f"{sensor}/name": "ina3221\n", "sys/class/hwmon/hwmon0/name": "nvme\n"}
    for channel, (label, millivolts, milliamperes) in rails.items():
        files |= {
            f"{sensor}/in{channel}_label": label, f"{sensor}/in{channel}_input": str(millivolts),
            f"{sensor}/curr{channel}_input": str(milliamperes),
        }  # fmt: skip
    root = lay_out(tmp_path, files)
    source, _ = find_source(None, root)
    assert isinstance(source, Power)
    assert source.name == "INA3221: VDD_IN"
    assert source.read_w() == pytest.approx(10.0)
    (root / sensor / "in1_label").write_text("VDD_GPU_SOC\n")
    source, _ = find_source(None, root)
    assert isinstance(source, Power)
    assert source.name == "INA3221: VDD_CPU_GPU_CV + VDD_GPU_SOC"
    assert source.read_w() == pytest.approx(14.5)


def test_the_pi_s_power_chip_is_summed_over_its_rails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = (
        "    VDD_CORE_A current(7)=2.00000000A\n       EXT5V_V volt(24)=5.10000000V\n"
        "  3V3_SYS_A current(1)=0.50000000A\n   VDD_CORE_V volt(15)=0.90000000V\n"
        "  3V3_SYS_V volt(9)=3.30000000V\n"
    )
    assert pmic_watts(answer) == pytest.approx(2.0 * 0.9 + 0.5 * 3.3)
    monkeypatch.setattr(energy, "run_vcgencmd", lambda *_: answer)
    source, _ = find_source(None, tmp_path)
    assert isinstance(source, Power) and "PMIC" in source.name


def test_without_a_sensor_there_is_no_energy_but_a_reason(tmp_path: Path) -> None:
    source, reason = find_source(None, tmp_path)
    assert source is None
    assert "RAPL" in reason and "INA3221" in reason and "pmic_read_adc" in reason
    meter = Meter(source)
    meter.start()
    assert meter.stop() is None


def test_power_is_integrated_over_time() -> None:
    meter = Meter(Power("constant", lambda: 10.0))
    started = time.perf_counter()
    meter.start()
    time.sleep(0.3)
    joules = meter.stop()
    spent = time.perf_counter() - started
    assert joules is not None and 2.0 <= joules <= 10.0 * spent + 0.5


def test_a_sensor_that_goes_away_gives_nothing_rather_than_half() -> None:
    readings = iter([5.0])

    def read() -> float:
        try:
            return next(readings)
        except StopIteration:
            raise ValueError("gone") from None

    meter = Meter(Power("flaky", read))
    meter.start()
    assert meter.stop() is None


# ---- cost


PRICES = Prices(
    hardware_price=96, lifetime_years=4, episodes_per_month=100, electricity_per_kwh=0.25,
    hosted_per_episode=0.05, carbon_g_per_kwh=400,
)  # fmt: skip


def digest_case(precision: str, seconds: float, joules: float | None) -> CaseRecord:
    return case_of(
        [1000 * seconds] * 5, precision=precision, bundle_name="m", name=f"stream m-{precision}",
        episodes=1, energy_j=joules,
    )  # fmt: skip


def test_an_episode_s_cost_by_hand() -> None:
    cost = cost_of(digest_case("int8", 60.0, 360.0), PRICES)
    assert cost.hardware == pytest.approx(96 / (48 * 100))  # 0.02 an episode
    assert cost.electricity == pytest.approx(360 / 3.6e6 * 0.25)
    assert cost.total == pytest.approx(0.020025)
    assert cost.carbon_g == pytest.approx(0.04)
    assert cost.breakeven_episodes == pytest.approx(96 / (0.05 - 0.000025))
    assert cost.episodes_per_month == pytest.approx(365.25 / 12 * 24 * 60)


def test_half_the_time_is_half_the_cost_of_a_busy_device() -> None:
    slow, fast = (cost_of(digest_case("fp32", s, 6 * s), PRICES) for s in (60.0, 30.0))
    assert fast.busy == pytest.approx(slow.busy / 2)
    assert fast.hardware == slow.hardware  # of an idle one it is not


def test_unknown_energy_is_left_out_and_said(tmp_path: Path) -> None:
    cases = digest_case("int8", 30.0, None), digest_case("fp32", 60.0, None)
    record = record_of(*cases, power_source=None, power_reason="no sensor")
    assert [case.setup.precision for case in digest_cases(record)] == ["fp32", "int8"]
    own, busy, hosted = cost_tables(record, PRICES)
    assert "Electricity is not counted: no sensor" in own.note
    assert busy.rows[1][2] == "0.50"
    assert hosted.rows[0][5] == "own device"


def test_a_service_that_is_cheaper_stays_cheaper() -> None:
    cheap = Prices(hardware_price=96, lifetime_years=4, episodes_per_month=1,
                   hosted_per_episode=0.01)  # fmt: skip
    record = record_of(digest_case("int8", 3.0, None), power_source=None)
    assert cost_tables(record, cheap)[2].rows[0][3:] == (
        "9,600 episodes", "9600.0 months", "service"
    )  # fmt: skip


def test_prices_come_from_a_file_and_options_go_first(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"hardware_price": 50, "lifetime_years": 3, "currency": "USD"}))
    prices = read_prices(path, {"hardware_price": 60.0, "episodes_per_month": 10.0})
    assert (prices.hardware_price, prices.currency) == (60.0, "USD")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"hardware": 50}', "has hardware; a price is one of hardware_price"),
        ("{", "cannot read the prices"),
        ("[1]", "no object"),
        ('{"hardware_price": -1, "lifetime_years": 3, "episodes_per_month": 9}', "more than 0"),
        ('{"hardware_price": "a", "lifetime_years": 3, "episodes_per_month": 9}', "to be a number"),
        ('{"hardware_price": 50}', "not given: lifetime_years, episodes_per_month"),
    ],
)
def test_prices_that_make_no_sense_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchError, match=message):
        read_prices(path, {})


def test_a_record_without_digests_has_no_cost(tmp_path: Path) -> None:
    record = tmp_path / "r.json"
    save(record_of(), record)
    arguments = ["bench", "cost", str(record), "--hardware-price", "1", "--lifetime-years", "1",
                 "--episodes-per-month", "1"]  # fmt: skip
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "has no digest, only parts of one" in result.output
