"""One bundle from a recipe: fetch, export, quantize, compare, write."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edge.bundles.manifest import Bundle
from edge.bundles.store import install_bundle
from edge_export.build.encoder import build_encoder
from edge_export.build.generator import build_generator
from edge_export.build.job import BuildJob
from edge_export.errors import RecipeError
from edge_export.extras import EXPORTING, require
from edge_export.log import Log
from edge_export.recipe import Recipe
from edge_export.sources.fetch import fetch


def build_bundle(recipe: Recipe, precision: str, output: Path, seeds: Path, log: Log) -> Bundle:
    """Build and certify one bundle; nothing is written unless the gate passes.

    :param recipe: The model's recipe.
    :param precision: One of the recipe's gates.
    :param output: Bundle folder to write; replaced as a whole if it exists.
    :param seeds: Transcripts whose sentences the gate compares.
    :param log: Told of each step.
    :raises ExportError: If a step fails or the gate refuses.
    """
    if precision not in recipe.precisions:
        raise RecipeError(
            f"recipe {recipe.name} has no precision {precision!r}",
            f"It has: {', '.join(recipe.precisions)}.",
        )
    require(EXPORTING, "exporting", "export")
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        work = Path(temporary)
        checkpoint = fetch(recipe.sources, work, log)
        draft = _build(BuildJob(recipe, precision, checkpoint, seeds, work, log))
        return install_bundle(draft.folder, output, replace_existing=True)


def _build(job: BuildJob) -> Bundle:
    if job.recipe.generation is not None:
        return build_generator(job, job.recipe.generation)
    if job.recipe.encoder is not None:
        return build_encoder(job, job.recipe.encoder)
    raise RecipeError(f"recipe {job.recipe.name} describes no model", "Correct the recipe.")
