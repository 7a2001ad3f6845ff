"""Execution providers: asked for, chosen, refused, told. No GPU is needed."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import edge.generation.kv_cache
import edge.runtime.session
from edge.bundles.store import find_bundle
from edge.cli.main import main
from edge.device.precision import MeasuredPrecision, PrecisionAdvice, recommended_first
from edge.errors import InferenceError
from edge.generation.kv_cache import RowArrays
from edge.runtime.binding import GpuArray
from edge.runtime.encoder import Encoder
from edge.runtime.providers import (
    AUTO,
    CPU,
    CUDA,
    GPU_PROVIDERS,
    PROVIDERS,
    TENSORRT,
    Execution,
    Placement,
    cache_folder,
    choose,
    parse_option,
    provider_list,
)
from tests.conftest import CHIP, ROOT

ONLY_CPU = [PROVIDERS[CPU]]
JETSON = [PROVIDERS[TENSORRT], PROVIDERS[CUDA], PROVIDERS[CPU]]


@pytest.mark.parametrize(
    ("asked", "available", "precision", "ran", "has_reason"),
    [
        ("auto", ONLY_CPU, "int8", "cpu", False),
        ("auto", ONLY_CPU, "fp32", "cpu", False),
        ("auto", JETSON, "int8", "cpu", True),
        ("auto", JETSON, "fp32", "cuda", False),
        ("auto", JETSON, "fp16", "cuda", False),
        ("cpu", JETSON, "fp32", "cpu", False),
        ("cuda", JETSON, "int8", "cpu", True),
        ("xnnpack", [*JETSON, PROVIDERS["xnnpack"]], "int8", "xnnpack", False),
        ("tensorrt", JETSON, "fp16", "tensorrt", False),
        ("cuda", ONLY_CPU, "fp32", "cpu", True),
        ("xnnpack", JETSON, "fp32", "cpu", True),
    ],
)
def test_what_is_chosen(
    asked: str, available: list[str], precision: str, ran: str, has_reason: bool
) -> None:
    placement = choose(Execution(asked), available, precision)
    assert (placement.asked, placement.ran) == (asked, ran)
    assert placement.fell_back == (asked not in (AUTO, ran))
    assert bool(placement.reason) == has_reason


@pytest.mark.parametrize(
    ("precision", "ran"), [("fp16", "cuda"), ("fp32", "cpu"), ("int8", "cpu"), ("int4", "cpu")]
)
def test_of_models_that_write_gpus_run_those_of_16_bits(precision: str, ran: str) -> None:
    for asked in (AUTO, CUDA):
        placement = choose(Execution(asked), JETSON, precision, is_generator=True)
        assert placement.ran == ran
        assert ("GPUs run fp16" in placement.reason) == (ran == CPU)


def test_encoders_of_16_bits_get_an_attention_that_takes_any_length() -> None:
    def options(precision: str, is_generator: bool, runtime: tuple[int, int]) -> dict[str, str]:
        placement = Placement(CUDA, CUDA)
        return provider_list(placement, Execution(CUDA), precision, is_generator, runtime)[0][1]

    assert options("fp16", False, (1, 31))["sdpa_kernel"] == "2"
    for other in (("fp32", False, (1, 31)), ("fp16", True, (1, 31)), ("fp16", False, (1, 19))):
        assert "sdpa_kernel" not in options(*other)


def test_strict_refuses_another_provider() -> None:
    with pytest.raises(InferenceError, match="'cuda' was asked for and does not run") as caught:
        choose(Execution(CUDA, strict=True), ONLY_CPU, "fp32")
    assert "this onnxruntime offers cpu" in str(caught.value)
    assert choose(Execution(AUTO, strict=True), ONLY_CPU, "fp32").ran == CPU


def test_16_bits_on_a_cpu_are_refused_unless_allowed() -> None:
    refusing = Execution(AUTO, fp16_on_cpu=False)
    with pytest.raises(InferenceError, match="--fp16-on-cpu"):
        choose(refusing, ONLY_CPU, "fp16")
    with pytest.raises(InferenceError, match="cuda does not run"):
        choose(Execution(CUDA, fp16_on_cpu=False), ONLY_CPU, "fp16")
    assert choose(refusing, JETSON, "fp16").ran == CUDA
    assert choose(Execution(AUTO), ONLY_CPU, "fp16").ran == CPU


def test_tensorrt_keeps_its_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_INSIGHTS_CACHE", str(tmp_path))
    execution = Execution(TENSORRT, {"trt_builder_optimization_level": "2"})
    providers = provider_list(Placement(TENSORRT, TENSORRT), execution, "fp16")
    assert [name for name, _ in providers] == JETSON
    options = providers[0][1]
    assert options["trt_engine_cache_path"] == str(tmp_path / "tensorrt")
    assert (tmp_path / "tensorrt").is_dir()
    assert options["trt_fp16_enable"] == "True"
    assert options["trt_builder_optimization_level"] == "2"
    assert "trt_builder_optimization_level" not in providers[1][1]


def test_the_cache_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGE_INSIGHTS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "edge-insights"


def test_options_are_names_and_values() -> None:
    assert parse_option("device_id=1") == ("device_id", "1")
    for bad in ("device_id", "=1"):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            parse_option(bad)


@pytest.mark.skipif(
    PROVIDERS[CUDA] in edge.runtime.session.available_providers(),
    reason="this onnxruntime has CUDA",
)
def test_a_provider_that_cannot_be_set_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # As where onnxruntime-gpu is installed and the driver is not.
    monkeypatch.setattr(edge.runtime.session, "available_providers", lambda: JETSON)
    encoder = Encoder(find_bundle(), 1, Execution(CUDA))
    assert encoder.placement.ran == CPU and encoder.placement.fell_back
    assert encoder.placement.reason
    assert encoder.encode(["It works."]).shape == (1, 384)
    with pytest.raises(InferenceError, match="does not run"):
        Encoder(find_bundle(), 1, Execution(CUDA, strict=True))


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_tells_where_models_run() -> None:
    code, output, errors = run("keywords", CHIP, "--provider", "tensorrt", "--format", "json")
    assert code == 0
    assert "minilm-l6-int8 runs on cpu, asked for was tensorrt: this onnxruntime offers" in errors
    (model,) = json.loads(output)["models"]
    assert model["execution_provider"] == "CPUExecutionProvider"
    assert model["execution_provider_asked"] == "TensorrtExecutionProvider"
    code, _, errors = run("keywords", CHIP, "--provider", "tensorrt", "--strict")
    assert code == 1 and "Leave out --strict" in errors
    code, output, errors = run("keywords", CHIP, "--quiet", "--format", "json")
    assert (code, errors) == (0, "")
    assert json.loads(output)["models"][0]["execution_provider_asked"] == "auto"
    code, _, errors = run("keywords", CHIP, "--verbose")
    assert "minilm-l6-int8 runs on cpu, asked for was auto" in errors


def test_an_option_needs_its_provider() -> None:
    code, _, errors = run("keywords", CHIP, "--provider-option", "device_id=0")
    assert code == 2 and "needs a --provider" in errors
    code, _, errors = run("keywords", CHIP, "--provider", "cuda", "--provider-option", "device_id")
    assert code == 2 and "NAME=VALUE" in errors


@pytest.fixture
def fp16_bundle(tmp_path: Path) -> Path:
    """The tiny writer as if it had 16 bits: what is refused is told by the manifest."""
    folder = tmp_path / "tiny-fp16"
    shutil.copytree(ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["precision"] = "fp16"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_command_refuses_16_bits_on_a_cpu(fp16_bundle: Path) -> None:
    for command in (("models", "verify", fp16_bundle), ("models", "try", fp16_bundle, "Hello")):
        code, _, errors = run(*command)
        if "needs onnxruntime" in errors:
            pytest.skip("this onnxruntime is too old for the tiny writer")
        assert code == 1 and "--fp16-on-cpu" in errors and "edge doctor" in errors
        code, output, _ = run(*command, "--fp16-on-cpu")
        assert code == 0 and output


def test_verify_tells_of_a_provider_that_did_not_run() -> None:
    code, output, _ = run("models", "verify", "--provider", "cuda")
    assert code == 0 and "on cpu, not on cuda" in output
    code, _, errors = run("models", "verify", "--provider", "cuda", "--strict")
    assert code == 1 and "was asked for and does not run" in errors


def test_rows_of_a_gpu_array_lie_where_they_should() -> None:
    array = GpuArray(None, 1, (4, 2, 8), np.dtype(np.float16), 1000)
    row = array.row(3)
    assert (row.shape, row.gpu) == ((1, 2, 8), 1)
    assert row.pointer == 1000 + 3 * 2 * 8 * 2


def test_doctor_recommends_a_precision() -> None:
    code, output, _ = run("doctor")
    assert code == 0
    line = next(line for line in output.splitlines() if line.startswith("minilm-l6 "))
    assert "use int8 (the only precision here); int8 " in line and " ms on cpu" in line
    code, quick, _ = run("doctor", "--quick")
    assert code == 0 and "use int8" not in quick


def test_names_of_providers_are_onnxruntimes() -> None:
    import onnxruntime

    known = onnxruntime.get_all_providers()
    assert set(PROVIDERS.values()) <= set(known)
    assert set(PROVIDERS) > GPU_PROVIDERS


def test_one_room_alone_talks_to_onnxruntime_and_tokenizers() -> None:
    statement = re.compile(r"^ *(?:import|from) (?:onnxruntime|tokenizers)\b", re.MULTILINE)
    folder = ROOT / "edge"
    files = [path for path in folder.rglob("*.py") if statement.search(path.read_text("utf-8"))]
    assert {path.parent.relative_to(folder).as_posix() for path in files} == {"runtime"}


class Distant:
    """An array that is reached by copying only, as a GPU's is."""

    def __init__(self, array: np.ndarray, gpu: int) -> None:
        self._content = array.copy()
        self.shape, self.dtype, self.gpu = array.shape, array.dtype, gpu

    @classmethod
    def of(cls, array: np.ndarray, gpu: int) -> Distant:
        return cls(array, gpu)

    def to_cpu(self) -> np.ndarray:
        return self._content.copy()

    def write(self, array: np.ndarray) -> None:
        self._content[...] = array

    def row(self, i: int) -> Distant:
        row = Distant(self._content[:0], self.gpu)
        row._content = self._content[i : i + 1]
        return row


def test_arrays_elsewhere_change_as_those_here_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.generation.kv_cache, "GpuArray", Distant)
    start = np.arange(24.0).reshape(4, 2, 3)
    results = []
    for gpu in (None, 0):
        rows = RowArrays({"key_0": start.copy(), "value_0": -start}, gpu)

        def change(array: np.ndarray) -> None:
            array[[0, 2], :, :2] = array[[1, 3], :, :2]

        rows.edit(change)
        rows.row(1).edit(lambda array: array.fill(7))
        chosen = rows.select_rows([1, 2])
        chosen.edit(lambda array: array.__imul__(2))  # copies: the others stay
        results.append((len(rows), len(chosen), rows.on_cpu(), chosen.on_cpu()))
    here, there = results
    assert here[:2] == there[:2] == (4, 2)
    for a, b in zip(here[2:], there[2:], strict=True):
        assert all(np.array_equal(a[name], b[name]) for name in ("key_0", "value_0"))
    assert (here[2]["key_0"][1] == 7).all() and (here[3]["key_0"][0] == 14).all()


def test_a_more_exact_precision_wins_where_it_is_hardly_slower() -> None:
    bundle = find_bundle()

    def measured(precision: str, run_s: float) -> MeasuredPrecision:
        manifest = replace(bundle.manifest, precision=precision)
        return MeasuredPrecision(replace(bundle, manifest=manifest), run_s, 5, CPU)

    candidates = [measured("int8", 0.100), measured("fp32", 0.104), measured("fp16", 0.2)]
    assert recommended_first(candidates) == [candidates[1], candidates[0], candidates[2]]
    candidates[1] = measured("fp32", 0.11)
    assert recommended_first(candidates)[0] == candidates[0]
    advice = PrecisionAdvice(
        "minilm-l6", tuple(recommended_first(candidates)), ("int4 does not work: why",)
    )
    assert str(advice) == (
        "use int8; int8 100 ms on cpu; fp32 110 ms on cpu, 1.1 times as long; "
        "fp16 200 ms on cpu, 2.0 times as long; int4 does not work: why"
    )
    assert recommended_first([]) == []
