"""Models that write, on the device: the tiny bundles of tests/data/bundles, really run."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge.bundles.manifest import read_bundle
from edge.bundles.store import add_bundle
from edge.cli.main import main
from edge.device.verify import verify_bundle
from edge.errors import BundleError, InferenceError
from edge.generation import generator as generator_module
from edge.generation.chat_format import Prompt
from edge.generation.generator import Completion, Generator
from edge.generation.sampling import GenerationSettings
from edge.runtime.encoder import Encoder
from edge.runtime.session import runtime_version
from tests.conftest import ROOT

BUNDLES = sorted((ROOT / "tests" / "data" / "bundles").iterdir())
SHORT = GenerationSettings(max_new_tokens=20)
PROMPTS = [Prompt(text) for text in ("What is drift?", "Who speaks here, and when?", "Sum it up.")]


def load(folder: Path) -> Generator:
    """The bundle, or a skip where this onnxruntime is too old for it."""
    try:
        return Generator(read_bundle(folder), threads=2)
    except BundleError as error:
        if "needs onnxruntime" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module", params=BUNDLES, ids=lambda folder: folder.name)
def model(request: pytest.FixtureRequest) -> Generator:
    return load(request.param)


@pytest.fixture(scope="module")
def llama() -> Generator:
    return load(ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32")


def test_the_golden_sample_agrees(model: Generator) -> None:
    assert "golden sample agrees" in verify_bundle(model.bundle.folder)


def test_a_batch_writes_what_single_prompts_write(model: Generator) -> None:
    together = model.generate(PROMPTS, SHORT)
    assert together == [model.generate([prompt], SHORT)[0] for prompt in PROMPTS]
    assert len({completion.text for completion in together}) > 1


def test_texts_that_end_early_leave_the_others_alone(model: Generator) -> None:
    alone = model.generate(PROMPTS, SHORT)
    stop = alone[1].text[3:5]
    settings = dataclasses.replace(SHORT, stop=(stop,))
    for before, after in zip(alone, model.generate(PROMPTS, settings), strict=True):
        assert after.text == before.text.split(stop)[0]
        assert (after.finish_reason == "stop") == (stop in before.text)


def test_beams_of_a_batch_are_those_of_single_prompts(model: Generator) -> None:
    settings = dataclasses.replace(SHORT, n_beams=3, length_penalty=0.5)
    together = model.generate(PROMPTS, settings)
    assert together == [model.generate([prompt], settings)[0] for prompt in PROMPTS]
    assert together != model.generate(PROMPTS, SHORT)


def test_a_stream_is_the_text_in_pieces(model: Generator) -> None:
    whole = model.generate(PROMPTS[2:], SHORT)[0].text
    pieces = list(model.stream(PROMPTS[2], SHORT))
    assert "".join(pieces) == whole
    assert len(pieces) > 1
    stop = whole[4:7]
    stopped = list(model.stream(PROMPTS[2], dataclasses.replace(SHORT, stop=(stop,))))
    assert "".join(stopped) == whole.split(stop)[0]


def test_a_seed_draws_the_same_text_again_and_another_another(model: Generator) -> None:
    def drawn(seed: int) -> list[Completion]:
        settings = dataclasses.replace(SHORT, temperature=1.5, top_k=50, top_p=0.95, seed=seed)
        return model.generate(PROMPTS, settings)

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_more_prompts_than_rows_come_back_in_order(
    llama: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = dataclasses.replace(SHORT, temperature=1.0)
    at_once = llama.generate(PROMPTS, drawing)
    monkeypatch.setattr(generator_module, "BATCH_ROWS", 2)
    assert llama.generate(PROMPTS, drawing) == at_once


def test_a_shared_beginning_is_read_once_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from edge.generation.decoder import Decoder

    n_read: list[int] = []
    run = Decoder._run

    def counted(self: Decoder, cache: object, token_ids: np.ndarray, *rest: int) -> object:
        n_read.append(token_ids.shape[1])
        return run(self, cache, token_ids, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "_run", counted)
    folder = ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32"
    fresh, sharing = load(folder), load(folder)
    prompts = [Prompt(text, "Answer in one short sentence.") for text in ("A", "Bc", "Def")]
    ids = [fresh.tokens(prompt) for prompt in prompts]
    alone = [fresh.model.prefill([prompt], 5).logits[0] for prompt in ids]
    assert sum(n_read) == sum(map(len, ids))
    n_shared = next(i for i in range(99) if ids[0][i] != ids[1][i])
    n_read.clear()
    np.testing.assert_allclose(sharing.model.prefill(ids, 5).logits, alone, atol=1e-4)
    assert sum(n_read) == n_shared + sum(len(prompt) - n_shared for prompt in ids)
    n_read.clear()  # the next episode's chapters
    np.testing.assert_allclose(sharing.model.prefill(ids[1:], 5).logits, alone[1:], atol=1e-4)
    assert sum(n_read) == sum(len(prompt) - n_shared for prompt in ids[1:])
    n_read.clear()  # another instruction
    other = sharing.tokens(Prompt("A", "Sum up."))
    sharing.model.prefill([other], 5)
    assert sum(n_read) == len(other)


def test_reading_in_parts_is_reading_at_once(
    llama: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge.generation import decoder

    ids = llama.tokens(Prompt("x" * 150))
    assert len(ids) > decoder.PREFILL_CHUNK_TOKENS
    in_parts = llama.model.prefill([ids], 5).logits
    monkeypatch.setattr(decoder, "PREFILL_CHUNK_TOKENS", 1000)
    np.testing.assert_allclose(llama.model.prefill([ids], 5).logits, in_parts, atol=1e-4)


def test_a_prompt_beyond_the_context_is_refused_with_the_numbers(model: Generator) -> None:
    with pytest.raises(InferenceError, match=r"\d+ tokens.*256"):
        model.generate([PROMPTS[0], Prompt("long " * 100)], SHORT)
    with pytest.raises(InferenceError, match=r"500.*25[56]"):
        model.generate(PROMPTS, dataclasses.replace(SHORT, max_new_tokens=500))


def test_an_answer_may_fill_the_context_to_the_last_token(llama: Generator) -> None:
    n_prompt = len(llama.tokens(PROMPTS[0]))
    settings = GenerationSettings(max_new_tokens=256 - n_prompt, min_new_tokens=256 - n_prompt)
    completion = llama.generate(PROMPTS[:1], settings)[0]
    assert len(completion.token_ids) == 256 - n_prompt
    assert completion.finish_reason == "length"


def test_a_transcript_cannot_end_its_own_turn(llama: Generator) -> None:
    harmless = llama.tokens(Prompt("say <|end|> now"))
    end = llama.spec.end_token_ids[0]
    assert harmless.count(end) == llama.tokens(Prompt("say so now")).count(end)


def test_turns_and_instructions_are_put_in_place(llama: Generator) -> None:
    prompt = Prompt("{user}?", "Be brief.", (("Hi", "Hello {system}"),))
    text = llama._tokenizer.decode(llama.tokens(prompt), skip_special_tokens=False)
    assert text == (
        "<|start|>system\nBe brief.<|end|>\n<|start|>user\nHi<|end|>\n<|start|>assistant\n"
        "Hello {system}<|end|>\n<|start|>user\n{user}?<|end|>\n<|start|>assistant\n"
    )


def test_a_model_without_turns_says_so() -> None:
    bart = load(ROOT / "tests" / "data" / "bundles" / "tiny-bart-int8")
    for prompt in (Prompt("x", "Be brief."), Prompt("x", None, (("a", "b"),))):
        with pytest.raises(InferenceError, match="this model"):
            bart.tokens(prompt)


def test_half_a_character_is_held_back(llama: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = llama._encode("né €5", False)
    monkeypatch.setattr(
        generator_module, "decode_tokens", lambda *_, **__: iter([(0, i) for i in ids])
    )
    pieces = list(llama.stream(PROMPTS[0], SHORT))
    assert pieces == ["n", "é", " ", "€", "5"]


def test_an_old_runtime_is_told_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator_module, "runtime_version", lambda: "1.9.1")
    with pytest.raises(BundleError, match=r"needs onnxruntime 1\.20 or newer; here is 1\.9\.1"):
        Generator(read_bundle(BUNDLES[1]))


def test_each_kind_of_bundle_is_refused_where_the_other_is_needed() -> None:
    from edge.bundles.store import find_bundle

    with pytest.raises(BundleError, match="writes no text"):
        Generator(find_bundle())
    with pytest.raises(BundleError, match="embeds no sentences"):
        Encoder(read_bundle(BUNDLES[0]))


def test_a_changed_file_and_a_reference_outside_are_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(BUNDLES[1], tmp_path / "bundle")
    if tuple(map(int, runtime_version().split(".")[:2])) < (1, 20):
        pytest.skip("an old runtime is refused first")
    data = folder / "model.onnx.data"
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="was changed"):
        Generator(read_bundle(folder))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = [f for f in manifest["files"] if f["path"] != "model.onnx.data"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="refers to files outside"):
        Generator(read_bundle(folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.pop("end_token_ids"), "has no 'end_token_ids'"),
        (lambda g: g.update(context_tokens=0), "must be positive"),
        (lambda g: g["prompt"].update(user="Hello"), "no place for {user}"),
        (lambda g: g["golden"].update(text=5), "should be a text"),
        (lambda g: g["defaults"].update(top_q=1), "settings that are not known"),
        (lambda g: g["defaults"].update(top_p=7), "top_p is 7; allowed is above 0, at most 1"),
    ],
)
def test_a_malformed_manifest_is_refused(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    folder = shutil.copytree(BUNDLES[1], tmp_path / "bundle")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["generator"]["least_onnxruntime"] = "1.0"
    change(manifest["generator"])
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match=message):
        Generator(read_bundle(folder))


def test_the_command_tries_lists_describes_and_verifies(llama: Generator) -> None:
    add_bundle(llama.bundle.folder)

    def edge(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["models", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    settings = GenerationSettings(max_new_tokens=12)
    expected = llama.generate([Prompt("Hi", "Be brief.")], settings)[0].text
    tried = edge("try", "tiny-llama-fp32", "Hi", "--system", "Be brief.", "--max-new-tokens", "12")
    assert tried == expected + "\n"
    assert "text-generation" in edge("list")
    assert json.loads(edge("info", "tiny-llama-fp32"))["generator"]["context_tokens"] == 256
    assert "golden sample agrees" in edge("verify", "tiny-llama-fp32")


def test_a_digest_with_such_a_model_is_refused_clearly() -> None:
    episode = ROOT / "seeds" / "gradient-dissent_chip-huyen_whisper-timed.txt"
    arguments = ["summarize", str(episode), "--model", str(BUNDLES[1])]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "embeds no sentences" in result.output


def test_weights_outside_are_counted_once() -> None:
    from edge.bundles.files import external_data_bytes

    folder = ROOT / "tests" / "data" / "bundles" / "tiny-qwen3-int4"
    # The embedding is both looked up and multiplied with, from the same bytes.
    n_bytes = external_data_bytes(folder / "model.onnx")
    assert 0 < n_bytes <= (folder / "model.onnx.data").stat().st_size < n_bytes + 40 * 4096
