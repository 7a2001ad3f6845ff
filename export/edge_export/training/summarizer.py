"""``edge-export finetune``: the adapter of a recipe that sums up speech, trained in its stages."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from edge.bundles.store import embedded_models_folder, find_bundle
from edge.generation.chat_format import Prompt, render_prompt
from edge.runtime.encoder import Encoder
from edge_export.data.summary_corpus import read_dev_examples, read_examples
from edge_export.data.summary_examples import SummaryExample
from edge_export.errors import RecipeError
from edge_export.extras import require
from edge_export.log import Log
from edge_export.recipe import GenerationRecipe, Recipe
from edge_export.sources.chat_template import prompt_format
from edge_export.sources.fetch import fetch
from edge_export.training.lora import finetune
from edge_export.training.loss_plot import plot_losses
from edge_export.training.token_examples import TokenExample, TokenExamples
from edge_export.training.training_state import HISTORY_FILE, History

DEV_EVERY = 3
"""Of the 237 dev examples each third is measured on after each epoch."""
Texts = Mapping[str, Sequence[SummaryExample]]
"""``train`` and ``dev``."""


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
    written = embedded_models_folder() / recipe.name
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        checkpoint = fetch(recipe.sources, Path(temporary), log).folder
        texts = _read_texts(data, written, output / "examples.json", log)
        examples = _tokens(texts, recipe.generation, checkpoint)
        adapters: list[Path] = []
        history: History = {"train": [], "dev": []}
        for k, settings in enumerate(recipe.finetune):
            log(f"stage {k + 1} of {len(recipe.finetune)}")
            stage = output / f"stage-{k + 1}"
            start = adapters[-1] if adapters else None
            adapters.append(finetune(checkpoint, examples, settings, stage, log, start))
            stage_history = json.loads((stage / HISTORY_FILE).read_text(encoding="utf-8"))
            before = len(history["train"])
            for name, points in stage_history.items():
                history[name] += [(before + n, loss) for n, loss in points]
    shutil.copytree(adapters[-1], output / "adapter", dirs_exist_ok=True)
    (output / HISTORY_FILE).write_text(json.dumps(history) + "\n", encoding="utf-8")
    plot_losses(history, output / "losses.png")
    return output / "adapter"


def _read_texts(data: Path, written: Path, cache: Path, log: Log) -> Texts:
    """Training and dev examples, kept in a file, since reading them is slow."""
    if not cache.exists():
        encoder = Encoder(find_bundle())
        texts = {
            "train": read_examples(data, written, encoder, log),
            "dev": read_dev_examples(data, encoder)[::DEV_EVERY],
        }
        rows = {name: [asdict(example) for example in part] for name, part in texts.items()}
        cache.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    rows = json.loads(cache.read_text(encoding="utf-8"))
    return {name: [SummaryExample(**row) for row in part] for name, part in rows.items()}


def _tokens(texts: Texts, settings: GenerationRecipe, checkpoint: Path) -> TokenExamples:
    """As the device will put them: the request's tokens apart from the answer's."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    form = prompt_format(tokenizer, settings.prompt)

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def tokens(example: SummaryExample) -> TokenExample:
        request = render_prompt(Prompt(example.request), form, tokenizer.all_special_tokens)
        answer = example.answer + tokenizer.eos_token
        return TokenExample(example.id, example.source, encode(request), encode(answer))

    train, dev = ([tokens(example) for example in texts[name]] for name in ("train", "dev"))
    return TokenExamples(train, dev)
