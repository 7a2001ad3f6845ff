"""Writes tests/data/bundles: tiny models that write, for tests on devices without export tools.

Run on a workstation: python -m tests.tools.tiny_bundles
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from edge_export.build.bundle import build_bundle
from edge_export.recipe import FolderSource, GenerationGate, GenerationRecipe, Recipe

from tests.workstation.tiny import save_decoder, save_seq2seq

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "data" / "bundles"
MODELS = {
    "tiny-llama": ("text-generation", "fp32"),
    "tiny-qwen3": ("text-generation", "int4"),
    "tiny-bart": ("text2text-generation", "int8"),
    "tiny-t5": ("text2text-generation", "fp32"),
}


def tiny_recipe(name: str, task: str, checkpoint: Path) -> Recipe:
    """A recipe whose gates let random weights pass."""
    gate = GenerationGate(max_perplexity_increase=1.0)
    return Recipe(
        name,
        task,
        "random weights, for tests",
        "Apache-2.0",
        (FolderSource(checkpoint),),
        generation=GenerationRecipe(context_tokens=256),
        generation_gates={p: gate for p in ("fp32", "fp16", "int8", "int4")},
    )


def main() -> None:
    for name, (task, precision) in MODELS.items():
        with tempfile.TemporaryDirectory() as temporary:
            checkpoint = Path(temporary) / "checkpoint"
            family = name.removeprefix("tiny-")
            (save_decoder if task == "text-generation" else save_seq2seq)(family, checkpoint)
            recipe = tiny_recipe(name, task, checkpoint)
            target = FOLDER / f"{name}-{precision}"
            build_bundle(recipe, precision, target, ROOT / "seeds", print)


if __name__ == "__main__":
    main()
