"""Train the adapter of a recipe that sums up speech: ``edge-export finetune``."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.bundles.store import embedded_models_folder, find_bundle
from edge.generation.chat_format import Prompt, render
from edge.runtime.encoder import Encoder
from edge_export.data.summary_corpus import read_dev_examples, read_examples
from edge_export.data.summary_examples import SummaryExample
from edge_export.errors import RecipeError
from edge_export.extras import require
from edge_export.log import Log
from edge_export.recipe import Recipe
from edge_export.sources.chat_template import prompt_format
from edge_export.sources.fetch import fetch

N_DEV = 60
"""Examples the loss is measured on after each epoch."""


def train_summarizer(recipe: Recipe, data: Path, output: Path, log: Log) -> Path:
    """Train a recipe's adapter in its stages; a run that was stopped goes on.

    :param recipe: With stages to train.
    :param data: Folder of the training files.
    :param output: Folder for the adapter, the losses as numbers and as a picture, and the state
        to go on from.
    :param log: Told of each step.
    :return: Folder of the adapter.
    :raises ExportError: If data or packages are missing, or the recipe has nothing to train.
    """
    if not recipe.finetune or recipe.generation is None:
        raise RecipeError(
            f"recipe {recipe.name} has no stages to train", "spoken-135m's recipe.toml has."
        )
    require(("matplotlib", "peft"), "training", "export,train")
    from edge_export.training.lora import HISTORY_FILE, finetune, plot_losses

    written = embedded_models_folder() / recipe.name
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        checkpoint = fetch(recipe.sources, Path(temporary), log).folder
        examples, dev = _examples(recipe, checkpoint, data, written, output, log)
        adapter: Path | None = None
        history: dict[str, list[tuple[int, float]]] = {"train": [], "dev": []}
        for k, settings in enumerate(recipe.finetune):
            log(f"stage {k + 1} of {len(recipe.finetune)}")
            stage = output / f"stage-{k + 1}"
            adapter = finetune(checkpoint, examples, dev, settings, stage, log, adapter)
            own = json.loads((stage / HISTORY_FILE).read_text(encoding="utf-8"))
            before = len(history["train"])
            for name, points in own.items():
                history[name] += [(before + step, loss) for step, loss in points]
    assert adapter is not None
    shutil.copytree(adapter, output / "adapter", dirs_exist_ok=True)
    (output / HISTORY_FILE).write_text(json.dumps(history) + "\n", encoding="utf-8")
    plot_losses(history, output / "losses.png")
    return output / "adapter"


def _examples(
    recipe: Recipe, checkpoint: Path, data: Path, written: Path, output: Path, log: Log
) -> tuple[Any, Any]:
    """Training and dev examples as tokens; their texts are kept, since reading them is slow."""
    texts = output / "examples.json"
    if not texts.exists():
        encoder = Encoder(find_bundle())
        found = {
            "train": read_examples(data, written, encoder, log),
            "dev": read_dev_examples(data, encoder)[:: max(1, 237 // N_DEV)],
        }
        rows = {name: [vars(example) for example in own] for name, own in found.items()}
        texts.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    rows = json.loads(texts.read_text(encoding="utf-8"))
    train, dev = ([SummaryExample(**row) for row in rows[name]] for name in ("train", "dev"))
    return _tokens(train, recipe, checkpoint), _tokens(dev, recipe, checkpoint)


def _tokens(examples: Sequence[SummaryExample], recipe: Recipe, checkpoint: Path) -> Any:
    """As the device will put them: the request's tokens apart from the answer's."""
    from transformers import AutoTokenizer

    from edge_export.training.lora import TokenExample

    assert recipe.generation is not None
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    form = prompt_format(tokenizer, recipe.generation.prompt)

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
        return ids

    return [
        TokenExample(
            example.id,
            example.source,
            encode(render(Prompt(example.request), form, tokenizer.all_special_tokens)),
            encode(example.answer + tokenizer.eos_token),
        )
        for example in examples
    ]
