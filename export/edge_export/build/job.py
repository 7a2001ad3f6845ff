"""What is to be built: a recipe in a precision, and where its parts lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bundles.manifest import Manifest
from edge_export.log import Log
from edge_export.manifest import ModelIdentity, draft_manifest
from edge_export.recipe import Recipe
from edge_export.sources.fetch import Checkpoint

TOOLS = ("torch", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime", "tokenizers")
"""Packages whose versions stand in the manifest."""


@dataclass(frozen=True)
class BuildJob:
    """One bundle to build."""

    recipe: Recipe
    precision: str
    """One of the recipe's."""
    checkpoint: Checkpoint
    """The weights."""
    seeds: Path
    """Folder of the transcripts that the gate compares on."""
    work: Path
    """Folder for what is made on the way, and for the draft of the bundle."""
    log: Log
    """Told of each step."""

    def draft_manifest(self, quantization: Mapping[str, Any], folder: Path) -> Manifest:
        """What is known of the bundle before the model has run.

        :param quantization: How the weights were converted.
        :param folder: The bundle's files.
        """
        recipe = self.recipe
        model = ModelIdentity(recipe.name, recipe.task, recipe.licence, self.checkpoint.origin)
        return draft_manifest(model, self.precision, quantization, TOOLS, folder)
