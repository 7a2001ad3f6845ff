"""Adapters of tiny checkpoints: trained, resumed, added to weights and beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edge_export.build.generator_graph import make_weights, state_arrays
from edge_export.data.documents import (
    CHAPTERED,
    DESCRIBED,
    MEETINGS,
    Document,
    as_sentences,
    read_rows,
)
from edge_export.data.held_out import DEV_SHOW, held_out_runs, repeats, word_runs
from edge_export.data.meeting_summaries import answered_questions, meeting_examples
from edge_export.data.podcast_summaries import chapter_examples, note_examples, spoken_part
from edge_export.data.sentence_examples import SentencePairs
from edge_export.data.written_summaries import written_examples
from edge_export.errors import RecipeError
from edge_export.graph.lora import CONFIG_FILE, WEIGHTS_FILE, LowRank, add_adapter, read_adapter
from edge_export.recipe import FinetuneSettings, FolderSource, GenerationRecipe, Recipe, load_recipe
from edge_export.training.lora import finetune
from edge_export.training.loss_plot import plot_losses
from edge_export.training.summarizer import train_summarizer
from edge_export.training.token_examples import TokenExample, TokenExamples, choose_examples

from edge.bundles.store import embedded_models_folder
from edge.runtime.encoder import Encoder
from tests.conftest import ROOT
from tests.workstation.tiny import save_decoder

pytestmark = pytest.mark.slow
DATA = Path(os.environ.get("EDGE_EVAL_DATA", ROOT.parent / "shared" / "eval"))
EXAMPLES = [
    TokenExample(
        f"e{k}", "written" if k % 2 else "notes", [5, 6, 7, 8 + k], [20 + k, 30, 40 + k, 2]
    )
    for k in range(16)
]
SPLIT = TokenExamples(train=EXAMPLES, dev=EXAMPLES[:4])
SETTINGS = FinetuneSettings(
    rank=4, learning_rate=0.02, epochs=6, batch_examples=4, batch_tokens=64, save_every=5
)


def quiet(message: str) -> None:
    pass


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finetune") / "llama"
    save_decoder("llama", folder)
    return folder


@pytest.fixture(scope="module")
def trained(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained")
    finetune(checkpoint, SPLIT, SETTINGS, output, quiet)
    return output


def test_the_loss_falls_and_is_drawn(trained: Path, tmp_path: Path) -> None:
    history = json.loads((trained / "history.json").read_text())
    assert len(history["train"]) == 6 * 4
    assert len(history["dev"]) == 6
    assert history["dev"][-1][1] < 0.5 * history["dev"][0][1]
    plot_losses(history, tmp_path / "losses.png")
    assert (tmp_path / "losses.png").read_bytes().startswith(b"\x89PNG")


def test_a_stopped_training_goes_on_to_the_same_adapter(
    checkpoint: Path, trained: Path, tmp_path: Path
) -> None:
    class Stopped(Exception):
        pass

    def stop(message: str) -> None:
        if message.startswith("update 10 of"):
            raise Stopped

    with pytest.raises(Stopped):
        finetune(checkpoint, SPLIT, SETTINGS, tmp_path, stop)
    messages: list[str] = []
    finetune(checkpoint, SPLIT, SETTINGS, tmp_path, messages.append)
    assert "from 10" in messages[0]
    once, again = read_adapter(trained / "adapter"), read_adapter(tmp_path / "adapter")
    for name, low in once.items():
        np.testing.assert_allclose(again[name].down, low.down, atol=2e-3)
        np.testing.assert_allclose(again[name].up, low.up, atol=2e-3)


def test_stages_choose_their_examples() -> None:
    twice = [*EXAMPLES, *EXAMPLES]
    assert len(choose_examples(twice, FinetuneSettings(once=True))) == len(EXAMPLES)
    notes = choose_examples(twice, FinetuneSettings(sources=("notes",)))
    assert {example.source for example in notes} == {"notes"}
    assert choose_examples(twice, FinetuneSettings(min_answer_tokens=5)) == []
    assert choose_examples(twice, FinetuneSettings(max_tokens=7)) == []


def test_a_recipe_is_trained_in_its_stages(checkpoint: Path, tmp_path: Path) -> None:
    """By ``train_summarizer``; the examples' texts are there from an earlier start."""
    from dataclasses import replace

    stages = tuple(replace(SETTINGS, epochs=2, once=k == 1, max_tokens=256) for k in (0, 1))
    recipe = Recipe(
        name="tiny", task="text-generation", description="", licence="Apache-2.0",
        sources=(FolderSource(checkpoint),), finetune=stages,
        generation=GenerationRecipe(context_tokens=256, prompt="<|start|>{user}<|end|>"),
    )  # fmt: skip
    rows = [
        {"id": f"e{k}", "source": "written", "request": f"Passage {k}.", "answer": f"Told {k}."}
        for k in (0, 1, 2, 3, 0, 1)
    ]
    texts = json.dumps({"train": rows, "dev": rows[:2]})
    (tmp_path / "examples.json").write_text(texts, encoding="utf-8")
    messages: list[str] = []
    adapter = train_summarizer(recipe, tmp_path, tmp_path, messages.append)
    assert len(read_adapter(adapter)) == 2 * 7
    history = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    assert [step for step, _ in history["train"]] == [1, 2, 3, 4, 5, 6]  # 6 examples, then 4
    assert (tmp_path / "losses.png").stat().st_size > 1000
    with pytest.raises(RecipeError, match="no stages to train"):
        train_summarizer(replace(recipe, finetune=()), tmp_path, tmp_path, quiet)


def test_an_adapter_is_added_as_peft_adds_it(checkpoint: Path, trained: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    ours = AutoModelForCausalLM.from_pretrained(checkpoint)
    add_adapter(ours, read_adapter(trained / "adapter"))
    base = AutoModelForCausalLM.from_pretrained(checkpoint)
    theirs = PeftModel.from_pretrained(base, trained / "adapter").merge_and_unload()
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert torch.allclose(a, b, atol=1e-5), name


def test_beside_four_bits_an_adapter_keeps_its_effect(
    checkpoint: Path, trained: Path, tmp_path: Path
) -> None:
    """What was learned, in 4 bits: lost in the rounding where added, kept where beside."""
    from edge_export.graph.decoder import write_decoder
    from edge_export.graph.decoder_config import read_architecture
    from edge_export.graph.weights import BlockWeights
    from transformers import AutoModelForCausalLM

    from edge.generation.decoder import Decoder
    from edge.runtime.session import Session

    adapter = read_adapter(trained / "adapter")
    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    base = state_arrays(model, tensors)
    add_adapter(model, adapter)
    graphs = {
        "base": make_weights(base, "int4"),
        "beside": BlockWeights(base, 4, adapter=adapter),
        "fp32": make_weights(state_arrays(model, model.state_dict()), "fp32"),
        "fp32 base": make_weights(base, "fp32"),
    }
    scores = {}
    for name, weights in graphs.items():
        folder = tmp_path / name
        folder.mkdir()
        write_decoder(read_architecture(model, 64), weights, folder)
        decoder = Decoder(Session(folder / "model.onnx", 1), 64)
        scores[name] = decoder.text_logits([5, 6, 7, 9, 21, 30, 41])[0]
    learned = scores["fp32"] - scores["fp32 base"]
    kept = scores["beside"] - scores["base"]
    cosine = float((learned * kept).sum() / np.sqrt((learned**2).sum() * (kept**2).sum()))
    assert cosine > 0.9


def test_an_adapter_that_cannot_be_read_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="part of a checkout"):
        read_adapter(tmp_path)
    (tmp_path / WEIGHTS_FILE).write_bytes((trained / "adapter" / WEIGHTS_FILE).read_bytes())
    config = json.loads((trained / "adapter" / CONFIG_FILE).read_text())
    (tmp_path / CONFIG_FILE).write_text(json.dumps({**config, "use_dora": True}))
    with pytest.raises(RecipeError, match="no plain LoRA adapter"):
        read_adapter(tmp_path)


def test_the_committed_adapter_fits_the_recipe() -> None:
    recipe = load_recipe("spoken-135m")
    assert recipe.generation is not None
    assert recipe.generation.adapter is not None
    adapter = read_adapter(recipe.generation.adapter)
    assert len(adapter) == 30 * 7
    for low in adapter.values():
        assert isinstance(low, LowRank)
        assert low.down.shape[0] == low.up.shape[1] == recipe.finetune[0].rank
        assert np.isfinite(low.up).all()
    assert str(ROOT) not in (recipe.generation.adapter / CONFIG_FILE).read_text()


def test_a_note_is_learned_as_far_as_it_was_said() -> None:
    said = "We talk about BIP 85, which derives seeds from one master seed in a wallet."
    note = "BIP 85 derives seeds from one master seed. It was proposed by Ethan in 2020."
    assert spoken_part(note, said) == "BIP 85 derives seeds from one master seed."
    assert spoken_part("Alice met Bob in Paris.", said) == ""


def test_a_summary_is_taken_apart_into_sentences_that_were_said(encoder: Encoder) -> None:
    said = [
        "I joined Netflix after I finished my degree at Stanford.",
        "A lot of startups come to us because serving the model is too slow.",
        "If they use half precision they can cut the inference time by fifty percent.",
        "And then they can actually break even on every customer.",
    ]
    document = Document(
        "show/episode#1", "show", True, as_sentences([{"content": text} for text in said], False),
        references=(
            "However, with half precision they can cut the inference time by fifty percent. "
            "The guest joined Google after a degree at Stanford. "
            "The weather was bad and nobody went out for a walk.",
        ),
    )  # fmt: skip
    pairs = list(SentencePairs(encoder).of(document, "meetings"))
    assert len(pairs) == 1
    identifier, request, answer = pairs[0]
    assert identifier == "show/episode#1/0"
    assert "fifty percent." in request
    assert request.endswith("Summarize in 10 words.")
    assert answer == "With half precision they can cut the inference time by fifty percent."


class _NoReading:
    """Passages as they are: what is left out of long ones is no matter here."""

    def passage(self, sentences: Any, max_words: int = 0) -> str:
        return " ".join(sentence.text for sentence in sentences)


@pytest.mark.skipif(not DATA.is_dir(), reason="the training data are not here")
def test_nothing_that_is_measured_on_is_learned() -> None:
    """Neither dev meetings nor the dev show, by identifier, by hash and by runs of words."""
    reader: Any = _NoReading()
    meetings = list(read_rows(DATA / MEETINGS))
    episodes = {row["id"]: row for row in read_rows(DATA / CHAPTERED)}
    written = embedded_models_folder() / "spoken-135m"
    examples = list(meeting_examples(iter(meetings), reader))
    examples += note_examples(read_rows(DATA / DESCRIBED), reader)
    examples += chapter_examples(episodes.values(), reader)
    examples += written_examples(written, episodes, reader)
    assert len({e.id for e in examples if e.source == "written"}) >= 300
    dev = {row["id"] for row in meetings if row["split"] != "train"}
    assert not [d for row in meetings if row["id"] in dev for d in answered_questions(row)]
    dev |= {identifier for identifier in episodes if identifier.startswith(DEV_SHOW)}
    assert len(dev) == 35 + 20
    for example in examples:
        assert example.id.split("#")[0].split("@")[0].rstrip("+*0123456789:") not in dev
    measured = held_out_runs(meetings)
    kept = [e for e in examples if not repeats((e.answer, e.request), measured)]
    assert len(kept) > 0.97 * len(examples)  # people answered some questions in others' words
    runs = set().union(*(word_runs(e.answer) | word_runs(e.request) for e in kept))
    assert not runs & measured
    for identifier in dev & set(episodes):
        said = word_runs(" ".join(turn["content"] for turn in episodes[identifier]["turns"]))
        assert len(said & runs) <= 0.01 * len(said), identifier
