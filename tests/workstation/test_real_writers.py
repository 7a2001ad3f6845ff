"""The real SmolLM2 exported, and the adapter that makes it sum up: gates, tokens, commands."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from edge_export.cli import main
from edge_export.graph.lora import CONFIG_FILE, WEIGHTS_FILE
from edge_export.recipe import load_recipe

from edge.bundles.manifest import read_bundle
from edge.cli.main import main as edge_main
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from tests.conftest import CHIP, ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from edge_export.sources.fetch import fetch

    recipe = load_recipe("smollm2-135m")
    checkpoint = fetch(recipe.sources[:1], tmp_path_factory.mktemp("smollm2"))
    assert checkpoint.gguf is not None
    return checkpoint.gguf


@pytest.fixture(scope="module", autouse=True)
def worked_out_once() -> Iterator[None]:
    """What all builds of the same weights begin with is worked out for the first of them.

    The checkpoint that the file is unpacked to, PyTorch's logits on the gate's text, and the
    scales of the cache: each takes a minute, and none depends on the precision.
    """
    from edge_export.build import calibration, generator, generator_graph
    from edge_export.sources import gguf

    unpacked: dict[str, Path] = {}
    logits: dict[tuple[object, ...], object] = {}
    scales: dict[object, object] = {}

    def unpack_once(file: Path, folder: Path, *arguments: object) -> None:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        if content in unpacked and unpacked[content].is_dir():
            shutil.copytree(unpacked[content], folder)
        else:
            unpack_gguf(file, folder, *arguments)
            unpacked[content] = shutil.copytree(folder, kept / content)

    def weights_of(model: Any) -> str:
        """A model's weights, as far as an adapter changes them."""
        digest = hashlib.sha256()
        for _, tensor in sorted(model.state_dict().items()):
            digest.update(str(tensor.double().sum().item()).encode())
        return digest.hexdigest()

    def torch_scores_once(model: Any, token_ids: Any) -> object:
        key = (weights_of(model), tuple(token_ids))
        if key not in logits:
            logits[key] = torch_scores(model, token_ids)
        return logits[key]

    def cache_scales_once(model: Any, texts: Any) -> object:
        key = (weights_of(model), tuple(map(tuple, texts)))
        if key not in scales:
            scales[key] = cache_scales(model, texts)
        return scales[key]

    unpack_gguf, torch_scores = gguf.unpack_gguf, generator.torch_scores
    cache_scales = calibration.cache_scales
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        kept = Path(name)
        patch.setattr(gguf, "unpack_gguf", unpack_once)
        patch.setattr(generator, "torch_scores", torch_scores_once)
        patch.setattr(generator_graph, "cache_scales", cache_scales_once)
        yield


@pytest.fixture(scope="module")
def smollm2_bundle(
    smollm2: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Builds the real model by the command, each precision once."""
    folder = tmp_path_factory.mktemp("bundles")

    def built(precision: str) -> Path:
        target = folder / f"smollm2-135m-{precision}"
        if not target.exists():
            arguments = ["build", "smollm2-135m", "--precision", precision]
            arguments += ["--checkpoint", str(smollm2), "--output", str(target)]
            result = CliRunner().invoke(main, arguments)
            assert result.exit_code == 0, result.output
        return target

    return built


def test_a_hundred_tokens_of_the_real_model_are_transformers(
    smollm2: Path, smollm2_bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    import torch
    from edge_export.sources.gguf import unpack_gguf
    from transformers import AutoModelForCausalLM, AutoTokenizer

    unpack_gguf(smollm2, tmp_path / "checkpoint")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "checkpoint")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "checkpoint").eval()
    generator = Generator(read_bundle(smollm2_bundle("fp32")), threads=2)
    prompt = Prompt("Why do people who run podcasts write show notes?", "Answer at length.")
    messages = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": prompt.user},
    ]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    assert generator.tokens(prompt) == ids
    with torch.inference_mode():
        expected = model.generate(
            torch.tensor([ids]), max_new_tokens=100, do_sample=False, pad_token_id=2
        )[0][len(ids) :].tolist()
    settings = GenerationSettings(max_new_tokens=100)
    assert generator.generate_ids([ids], settings)[0] == expected
    assert len(expected) == 100


@pytest.mark.parametrize(("precision", "limit"), [("int8", 0.01), ("int4", 0.05)])
def test_the_real_model_passes_its_gates(
    smollm2_bundle: Callable[[str], Path], precision: str, limit: float
) -> None:
    generator = Generator(read_bundle(smollm2_bundle(precision)), threads=2)
    manifest = generator.bundle.manifest
    certificate = manifest.certificate
    assert certificate["perplexity"] <= certificate["reference_perplexity"] * (1 + limit)
    # All seven matrices of 30 layers and the embedding are the file's own blocks.
    expected = {"int8": 1, "int4": 30 * 7 + 1}[precision]
    assert manifest.quantization["n_layers_as_in_gguf"] == expected
    answer = generator.generate(
        [Prompt("What is the capital of France?", "Answer in one short sentence.")],
        GenerationSettings(max_new_tokens=20),
    )[0]
    assert answer.text == "The capital of France is Paris."
    assert certificate["same_best_token"] > 0.95
    assert answer.finish_reason == "end"


def test_readme_commands_of_a_model_that_writes(
    smollm2_bundle: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^edge (models (?:add|try) smollm2.*)$", readme, flags=re.M)
    assert len(commands) == 2
    monkeypatch.chdir(smollm2_bundle("int4").parent)
    outputs = []
    for command in commands:
        result = CliRunner().invoke(edge_main, shlex.split(command))
        assert result.exit_code == 0, result.output
        outputs.append(result.stdout)
    assert outputs[1] == "The capital of France is Paris.\n"


def test_the_summarizer_tells_an_episode_and_points_at_what_was_said(
    smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The committed adapter beside the real model's 4 bits, by the README's commands."""
    monkeypatch.chdir(tmp_path)
    build = ["build", "spoken-135m", "--precision", "int4", "--checkpoint", str(smollm2)]
    result = CliRunner().invoke(main, build)
    assert result.exit_code == 0, result.output
    manifest = read_bundle(tmp_path / "spoken-135m-int4").manifest
    assert manifest.quantization["n_layers_as_in_gguf"] == 30 * 7 + 1
    rouge = manifest.certificate["rouge"]
    assert rouge["n"] == 24
    assert rouge["rouge1"] > rouge["rouge1_first_words"] > 0
    assert set(manifest.origin["adapter_sha256"]) == {CONFIG_FILE, WEIGHTS_FILE}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    add = re.findall(r"^edge (models add spoken.*)$", readme, flags=re.M)
    assert CliRunner().invoke(edge_main, shlex.split(add[0])).exit_code == 0
    told = re.findall(r"^edge (summarize --kind abstractive) ", readme, flags=re.M)
    lines = CHIP.read_text(encoding="utf-8").splitlines()
    episode = tmp_path / "episode.txt"
    episode.write_text("\n".join(lines[: len(lines) // 5]), encoding="utf-8")
    arguments = [*shlex.split(told[0]), str(episode), "--format", "json"]
    result = CliRunner().invoke(edge_main, arguments)
    assert result.exit_code == 0, result.output
    digest = json.loads(result.stdout)
    n_segments = digest["episode"]["n_segments"]
    sentences = [s for chapter in digest["chapters"] for s in chapter.get("summary", [])]
    sentences += digest["summary"]["sentences"]
    own = [s for s in sentences if s["source"] != "extracted"]
    assert own, "nothing the model wrote about an easy passage held"
    assert digest["summary"]["kind"] == "abstractive"
    for sentence in sentences:
        assert all(0 <= index < n_segments for index in sentence["evidence"])
        assert sentence["start_s"] <= sentence["end_s"]
    spoken = set(re.findall(r"\w+", episode.read_text(encoding="utf-8")))
    names = [word for s in own for word in re.findall(r"(?<= )[A-Z]\w+", s["text"])]
    assert set(names) <= spoken


def test_blocks_of_a_gguf_file_are_kept_as_they_are(smollm2: Path) -> None:
    import gguf
    from edge_export.graph.block_quantization import quantize, read_gguf_blocks

    blocks = read_gguf_blocks(smollm2)
    for name in ("blk.3.attn_v.weight", "blk.7.ffn_down.weight", "token_embd.weight"):
        tensor = next(t for t in gguf.GGUFReader(smollm2).tensors if t.name == name)
        expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        np.testing.assert_allclose(blocks[name].dequantized(), expected, atol=1e-6)
    fresh = np.random.default_rng(0).standard_normal((8, 64)).astype(np.float32)
    for kind in (gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q8_0):
        raw = gguf.quants.quantize(fresh, kind)
        reader = {"Q4_0": "_q4_0", "Q8_0": "_q8_0"}[kind.name]
        got = getattr(sys.modules["edge_export.graph.block_quantization"], reader)(
            raw
        ).dequantized()
        np.testing.assert_allclose(got, gguf.quants.dequantize(raw, kind), atol=1e-6)
    assert np.abs(quantize(fresh, 8).dequantized() - fresh).max() < 0.02
    assert np.abs(quantize(fresh, 4).dequantized() - fresh).max() < 0.25
