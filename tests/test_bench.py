"""The latency suite: real short runs, and what is made of their records."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from edge.__main__ import main
from edge.bench.cases import Case, full_cases, parse_case, plan, scaling_cases, short_cases
from edge.bench.compare import compare_records
from edge.bench.episode import make_transcript
from edge.bench.record import CaseRecord, Record
from edge.bench.record_json import case_from_json, load, record_from_json, record_to_json
from edge.bench.run import run
from edge.bench.scenarios import COLD, SCENARIOS, STREAM
from edge.bench.statistics import describe
from edge.bench.tables import all_tables, report_markdown, scaling_table, verdict
from edge.bundles.store import find_bundle, list_bundles
from edge.device.energy import find_source
from edge.errors import BenchError
from edge.runtime.session import runtime_version
from edge.transcript import parse_transcript
from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "edge" / "bench" / "record.schema.json").read_text(encoding="utf-8"))
TINY = str(ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32")
CAN_WRITE = tuple(map(int, runtime_version().split(".")[:2])) >= (1, 20)
"""Whether this onnxruntime has the operators of models that write."""
DEFAULT = Case(STREAM, "minilm-l6-int8", 2, 300)


def cli(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def record_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of every scenario, as short as it can be."""
    path = tmp_path_factory.mktemp("bench") / "record.json"
    cases = [Case(name, DEFAULT.bundle, 2, 3000) for name in SCENARIOS if name != "tokens"]
    cases += [Case("tokens", TINY, 1)] if CAN_WRITE else []
    plans = [plan(case, 1) for case in cases]
    run(plans, find_source(6.5), path, lambda done, total, name: None)
    return path


@pytest.fixture(scope="module")
def record(record_path: Path) -> Record:
    return load(record_path)


def keeps_to_schema(path: Path) -> bool:
    document = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    return True


def test_a_record_keeps_to_its_schema(record: Record, record_path: Path) -> None:
    assert keeps_to_schema(record_path)
    wanted = [name for name in SCENARIOS if name != "tokens" or CAN_WRITE]
    assert [case.setup.scenario for case in record.cases] == wanted
    assert record.is_finished


def test_a_record_is_on_disk_what_it_was(record: Record, record_path: Path) -> None:
    document = json.loads(record_path.read_text(encoding="utf-8"))
    again = json.loads(json.dumps(record_to_json(record)))
    assert again == document
    assert [list(case) for case in again["cases"]] == [list(c) for c in document["cases"]]


def test_the_first_records_lacked_two_fields(record: Record) -> None:
    document = record_to_json(record)
    del document["beside"]
    for case in document["cases"]:
        del case["max_rss_bytes"]
    assert record_from_json(document) == record


def test_raw_samples_are_kept_and_described(record: Record) -> None:
    for case in record.cases:
        samples = [ns for process_ns in case.timing.samples_ns for ns in process_ns]
        assert case.workload.n == len(samples) > 0
        assert case.timing.e2e_ms.min == min(samples) / 1e6
        assert case.timing.e2e_ms.p99 is None
        assert case.resources.peak_rss_bytes > 50e6
        assert case.timing.reference_ns[0] > 0


def test_stages_sum_to_the_whole(record: Record) -> None:
    for case in record.cases:
        if case.setup.scenario in (COLD, STREAM):
            assert case.timing.stage_ms["encode"] > 0
            # A process takes a moment to be taken apart, which on a busy machine is a long one.
            allowed = 0.1 if case.setup.scenario == COLD else 0.05
            other = abs(case.timing.stage_ms["other"])
            assert other < allowed * case.timing.e2e_ms.median, case.setup.name


def test_the_cold_command_counts_its_start_and_loading(record: Record) -> None:
    cold = record.cases[0]
    assert cold.timing.stage_ms["start"] > 0
    assert cold.timing.stage_ms["load"] > 0
    assert cold.setup.provider_actual == "CPUExecutionProvider"
    assert cold.timing.rtf and cold.timing.rtf > 0


@pytest.mark.skipif(not CAN_WRITE, reason="needs onnxruntime 1.20")
def test_a_model_that_writes_is_timed_apart_for_reading_and_writing(record: Record) -> None:
    tokens = record.cases[-1]
    assert tokens.timing.ttft_ms and tokens.timing.ttft_ms > 0
    assert tokens.timing.tpot_ms and tokens.timing.tpot_ms > 0
    assert {"prefill", "decode"} <= set(tokens.timing.stage_ms)
    assert tokens.quality and tokens.quality.value <= tokens.quality.baseline


def test_the_speed_run_checks_that_the_model_is_right(record: Record) -> None:
    quality = record.cases[1].quality
    assert quality and quality.metric == "golden_cosine"
    assert quality.value >= quality.baseline


def test_given_watts_become_joules_named_as_given(record: Record) -> None:
    assert record.power_source and "given by the user" in record.power_source
    stream = record.cases[1]
    joules = 6.5 * stream.timing.e2e_ms.mean / 1000
    assert stream.resources.energy_j
    # The worker's end is part of it.
    assert joules * 0.9 < stream.resources.energy_j < joules * 1.6


def test_where_time_is_up_a_run_ends_with_runs_enough(tmp_path: Path) -> None:
    plans = [plan(replace(DEFAULT, words=100 * k), 6) for k in (1, 2)]
    told: list[tuple[int, int, str]] = []
    run(plans, (None, "not asked for"), tmp_path / "r.json", lambda *now: told.append(now),
        ends_after_s=0.0)  # fmt: skip
    found = load(tmp_path / "r.json")
    assert [len(case.timing.samples_ns) for case in found.cases] == [4, 4]
    assert found.is_finished and not any(case.invalid_reasons for case in found.cases)
    assert "time was up after 4 of 6 processes" in verdict(found)
    assert told[-1] == (12, 12, "")


@pytest.mark.parametrize(
    ("asked", "ends"), [([], True), (["--repeat", "6"], False), (["--case", "encoder"], False)]
)
def test_only_a_run_that_nothing_was_asked_of_ends_by_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[str], ends: bool
) -> None:
    given: list[float] = []

    def note(*arguments: Any) -> None:
        given.append(arguments[-1])
        raise BenchError("noted", "That is all.")

    monkeypatch.setattr("edge.bench.run.run", note)
    cli("bench", *asked, "--record", tmp_path / "r.json")
    assert [seconds < 120 for seconds in given] == [ends]


def test_too_few_processes_are_no_valid_run(record: Record) -> None:
    assert not record.is_valid
    assert "too few runs" in " ".join(record.invalid_reasons)
    assert verdict(record).startswith("INVALID")


def test_tables_and_report_show_every_case(record: Record) -> None:
    text = "\n".join(table.as_text() for table in all_tables(record))
    report = report_markdown(record)
    for case in record.cases:
        assert case.setup.name in text
        assert case.setup.name in report
    assert "| case |" in report


def test_a_provider_that_did_not_engage_is_named(tmp_path: Path) -> None:
    case = Case("encoder", DEFAULT.bundle, 1, provider="cuda")
    found = run([plan(case, 1)], find_source(None), tmp_path / "r.json", lambda *_: None)
    reasons = " ".join(found.invalid_reasons)
    assert "cuda was asked for, and CPUExecutionProvider ran" in reasons


def test_sustained_runs_tell_what_heat_does(tmp_path: Path) -> None:
    case = Case("encoder", DEFAULT.bundle, 1)
    found = run([plan(case, 1, 3.0)], find_source(None), tmp_path / "r.json", lambda *_: None)
    (case_record,) = found.cases
    assert case_record.workload.sustained_s == 3.0
    assert case_record.timing.slowdown and 0.3 < case_record.timing.slowdown < 3.0
    assert case_record.workload.n >= 10
    assert sum(case_record.timing.samples_ns[0]) >= 2.5e9
    assert "too few" not in " ".join(found.invalid_reasons)


def test_another_python_takes_turns_and_pairs_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    case = Case("encoder", DEFAULT.bundle, 1)
    first = run([plan(case, 2)], find_source(None), path, lambda *_: None, sys.executable)
    second = load(tmp_path / "r-beside.json")
    assert keeps_to_schema(tmp_path / "r-beside.json")
    assert (first.beside, second.beside) == (second.run_id, first.run_id)
    assert [len(r.cases[0].timing.samples_ns) for r in (first, second)] == [2, 2]
    code, output = cli("bench", "compare", path, tmp_path / "r-beside.json")
    assert code == 0 and "signed-rank test on neighbouring fresh processes" in " ".join(
        output.split()
    )
    with pytest.raises(BenchError, match="has no edge-insights with a latency suite"):
        run([plan(case, 1)], find_source(None), path, lambda *_: None, str(tmp_path / "python"))


def test_a_killed_run_leaves_what_was_finished(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    command = [sys.executable, "-m", "edge", "bench", "--record", str(path), "--repeat", "50"]
    command += ["--case", "encoder threads=1", "--case", "stream words=300"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if path.exists() and len(json.loads(path.read_text())["cases"]) == 2:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert keeps_to_schema(path)
    left = load(path)
    assert len(left.cases) == 2
    assert not left.is_finished
    assert "the run was not finished" in left.invalid_reasons


def test_a_process_that_fails_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    damaged, path = tmp_path / "damaged", tmp_path / "r.json"
    shutil.copytree(find_bundle().folder, damaged)
    (damaged / "tokenizer.json").write_bytes(b"{}")
    cases = [Case("encoder", bundle, 1) for bundle in (DEFAULT.bundle, str(damaged))]
    plans = [plan(case, 1) for case in cases]
    with pytest.raises(BenchError, match=r"exit code 1: .*tokenizer.json has 2 bytes"):
        run(plans, find_source(None), path, lambda *_: None)
    (kept,) = load(path).cases
    assert kept.setup.scenario == "encoder"


def test_models_are_refused_where_they_do_not_fit(tmp_path: Path) -> None:
    source, path = find_source(None), tmp_path / "r.json"
    for case, message in (
        (Case("tokens", DEFAULT.bundle, 1), "writes no text"),
        (Case("encoder", TINY, 1), "embeds no sentences"),
        (Case("stream", TINY, 1), "was not taught to sum up"),
    ):
        with pytest.raises(BenchError, match=message):
            run([plan(case, 1)], source, path, lambda *_: None)
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sprint", "no scenario; there are cold, stream"),
        ("stream speed=9", "no setting of a case"),
        ("stream words=12", "from 100 to 2000000"),
        ("stream threads=two", "whole number from 1 to 64"),
        ("", "no scenario"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        parse_case(text, DEFAULT)


def test_a_case_is_read_from_the_command_line() -> None:
    case = parse_case("cold threads=1 words=5_000 provider=cuda bundle=x-fp16", DEFAULT)
    assert case == Case("cold", "x-fp16", 1, 5000, "cuda")
    assert parse_case("encoder", DEFAULT).bundle == DEFAULT.bundle
    assert "1 thread on cuda" in case.name


def test_what_is_run_without_being_asked_is_sensible() -> None:
    bundles = list_bundles()
    assert [case.scenario for case in short_cases(bundles, 2)] == [
        "cold", "stream", "encoder", "batch"
    ]  # fmt: skip
    assert {case.threads for case in full_cases(bundles, 2)} == {1, 2}
    words = [case.words for case in scaling_cases("x", 1)]
    assert words[0] == 1_000
    assert words[-1] == 500_000


@pytest.mark.parametrize("n_words", [100, 8_123, 20_001])
def test_the_sample_has_any_length_and_says_nothing_twice(n_words: int) -> None:
    transcript = parse_transcript(make_transcript(n_words).encode())
    assert transcript.n_words == n_words
    assert transcript.repairs == ()
    assert make_transcript(n_words) == make_transcript(n_words)
    texts = [segment.text for segment in transcript.segments if len(segment.text.split()) > 9]
    assert len(set(texts)) > 0.95 * len(texts)


def case_of(samples_ms: list[float], **fields: Any) -> CaseRecord:
    """A case of made-up times; other fields as they lie on disk."""
    names = SCHEMA["$defs"]["case"]["required"]
    case = {
        **dict.fromkeys(names), "scenario": "stream", "name": "stream x", "bundle_id": "x",
        "intra_threads": 2, "words": 8000, "provider_requested": "cpu", "max_rss_bytes": None,
        "peak_rss_bytes": 10**8, "stage_ms": {}, "warnings": [], "invalid_reasons": [],
        "samples_ns": [[round(1e6 * ms)] for ms in samples_ms],
        "reference_ns": [10**6] * len(samples_ms), "e2e_ms": asdict(describe(samples_ms)),
    }  # fmt: skip
    return case_from_json({**case, **fields})


def record_of(*cases: CaseRecord, **fields: Any) -> Record:
    """A record of made-up cases; other fields as they lie on disk."""
    names = dict.fromkeys(SCHEMA["required"], "x")
    document = {**names, "beside": None, "finished": True, "cases": [], "invalid_reasons": []}
    return replace(record_from_json({**document, **fields}), cases=cases)


def test_a_slower_run_is_called_slower() -> None:
    fast = record_of(case_of([100, 101, 99, 100.5, 100.2]))
    slow = record_of(case_of([110, 111, 109, 110.5, 110.2]))
    (slower,) = compare_records(fast, slow)
    found = slower.difference
    assert found.verdict == "slower"
    assert 1.08 < found.low <= found.ratio <= found.high < 1.12
    (faster,) = compare_records(slow, fast)
    assert faster.difference.verdict == "faster"


def test_a_machine_that_was_slower_itself_is_taken_into_account() -> None:
    fast = record_of(case_of([100, 101, 99, 100.5, 100.2]))
    slow = case_of([110, 111, 109, 110.5, 110.2], reference_ns=[1_120_000] * 5)
    (found,) = compare_records(fast, record_of(slow))
    assert found.difference.verdict == "not distinguishable"


def test_other_machines_and_other_cases_are_refused() -> None:
    one = record_of(case_of([100] * 5))
    with pytest.raises(BenchError, match="different machines \\(cpu: 'x' and 'y'\\)"):
        compare_records(one, record_of(case_of([100] * 5), cpu="y"))
    assert compare_records(one, record_of(case_of([100] * 5), cpu="y"), across_machines=True)
    with pytest.raises(BenchError, match="no case in common"):
        compare_records(one, record_of(case_of([100] * 5, words=1)))


def test_scaling_is_fitted_and_memory_growth_told() -> None:
    cases = [
        case_of([1000 * seconds], scenario="cold", words=words, peak_rss_bytes=peak)
        for words, seconds, peak in ((10_000, 1.0, 10**8), (100_000, 10.0, 12 * 10**7),
                                     (500_000, 50.0, 125 * 10**6))
    ]  # fmt: skip
    table = scaling_table(record_of(*cases))
    assert table is not None
    assert "exponent 1.00, memory grows 1.25 times" in table.note
    assert scaling_table(record_of(*cases[:2])) is None


def test_the_commands_on_files(record_path: Path) -> None:
    path = record_path
    code, output = cli("bench", "report", path)
    assert code == 0 and "# Latency of edge-insights" in output
    code, output = cli("bench", "compare", path, path)
    assert code == 0 and "not distinguishable" in output and "is INVALID" in output
    code, output = cli("bench", "cost", path, "--prices", ROOT / "docs" / "prices-example.json")
    assert code == 0 and "Break-even against 0.02 EUR an episode" in output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "is no record"),
        ('{"schema_version": 1, "cases": []}', "is no record"),
        ('{"schema_version": 9, "cases": []}', "schema version 9; this program reads 1"),
    ],
)
def test_a_file_that_is_no_record_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(content, encoding="utf-8")
    code, output = cli("bench", "report", path)
    assert code == 1 and message in output and "Traceback" not in output
    assert cli("bench", "report", tmp_path / "missing.json")[0] == 1


def test_an_output_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    started = time.monotonic()
    code, output = cli("bench", "--record", tmp_path / "no" / "r.json", "--case", "stream")
    assert code == 1 and "cannot write" in output
    assert time.monotonic() - started < 5


def test_the_worker_needs_no_more_than_the_device_has() -> None:
    code = "import sys, edge.bench.cli, edge.bench.run, edge.bench.cost, edge.bench.compare\n"
    code += "print(sorted({'matplotlib', 'pandas', 'scipy', 'torch'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_find_bundle_of_the_default_is_what_is_timed() -> None:
    assert find_bundle().id == DEFAULT.bundle
