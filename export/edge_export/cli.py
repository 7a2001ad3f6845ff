"""The ``edge-export`` command, for the workstation."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import click

from edge.bundles.manifest import PRECISIONS, Bundle
from edge.bundles.store import embedded_models_folder, find_bundle
from edge.cli.main import EdgeCommand
from edge.version import __version__
from edge_export.errors import ExportError
from edge_export.kit import DEVICES, build_kit
from edge_export.options import (
    EXISTING_FILE,
    FOLDER,
    data_option,
    force_option,
    leave_out_option,
    output_option,
    seeds_option,
    vectors_option,
)
from edge_export.recipe import CACHES, FolderSource, load_recipe, recipe_names


@click.group(cls=EdgeCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edge-export")
def main() -> None:
    """Trained checkpoints in, verified ONNX bundles for the device out."""
    # The tools below print advice meant for people training models.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("optimum").setLevel(logging.ERROR)


def _log(message: str) -> None:
    click.echo(message, err=True)


def _new_folder(target: Path, force: bool) -> Path:
    if target.exists() and not force:
        raise ExportError(f"{target} exists", "Give another --output, or --force to replace it.")
    return target


def _project_seeds() -> Path:
    return embedded_models_folder().parent / "seeds"


def _echo_bundle(bundle: Bundle) -> None:
    click.echo(f"{bundle.id}: {bundle.size_bytes / 1e6:.1f} MB in {bundle.folder}")


@main.command("list")
def list_recipes() -> None:
    """The models that can be built, and in which precisions."""
    for name in recipe_names():
        recipe = load_recipe(name)
        click.echo(f"{name:<20} {', '.join(recipe.precisions):<24} {recipe.description}")


@main.command()
@click.argument("name")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="int8",
    show_default=True,
    help="fp16 is for GPUs; int8 and int4 for processors.",
)
@output_option("Bundle folder to write.  [default: NAME-PRECISION here]")
@force_option
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True),
    help="Local Hugging Face folder, or GGUF file, to use instead of the recipe's sources.",
)
@click.option(
    "--cache",
    type=click.Choice(CACHES),
    help="Of a decoder-only model in int8 or int4: int8 writes faster, float reads long prompts "
    "faster.  [default: the recipe's]",
)
@seeds_option
def build(  # one parameter an option
    name: str,
    precision: str,
    output: Path | None,
    force: bool,
    checkpoint: Path | None,
    cache: str | None,
    seeds: Path | None,
) -> None:
    """Fetch, export, quantize, compare with PyTorch, and write the bundle of model NAME."""
    from edge_export.build.bundle import build_bundle

    recipe = load_recipe(name)
    if checkpoint is not None:
        recipe = replace(recipe, sources=(FolderSource(checkpoint),))
    if cache is not None:
        if recipe.generation is None:
            raise ExportError(f"{name} is no model that writes", "Leave --cache out.")
        recipe = replace(recipe, generation=replace(recipe.generation, cache=cache))
    target = _new_folder(output or Path(f"{name}-{precision}"), force)
    bundle = build_bundle(recipe, precision, target, seeds or _project_seeds(), _log)
    _echo_bundle(bundle)


@main.command()
@click.option(
    "--device",
    "device_name",
    type=click.Choice(list(DEVICES)),
    required=True,
    help="What it is for.",
)
@click.option(
    "--bundle",
    "bundle_names",
    multiple=True,
    help="A model by name or folder, beside the embedded one; may be repeated.",
)
@click.option(
    "--archive", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A .tar file."
)
@click.option("--python", help="Of the device, such as 3.11.  [default: its usual system's]")
@click.option(
    "--wheel",
    "wheels",
    type=EXISTING_FILE,
    multiple=True,
    help="Use this wheel in place of the one that would be fetched; may be repeated.",
)
def kit(
    device_name: str,
    bundle_names: tuple[str, ...],
    archive: Path,
    python: str | None,
    wheels: tuple[Path, ...],
) -> None:
    """One archive that installs everything on a device without a network: sh install.sh."""
    embedded = find_bundle().folder.resolve()
    bundles = [find_bundle(name) for name in bundle_names]
    made = build_kit(
        DEVICES[device_name],
        [bundle for bundle in bundles if bundle.folder.resolve() != embedded],
        archive,
        python=python,
        wheels=wheels,
        log=_log,
    )
    click.echo(f"{made.path}: {made.size_bytes / 1e6:.1f} MB, sha256 {made.sha256}")


@main.command()
@click.argument("file", type=EXISTING_FILE)
@output_option("Folder to write.  [default: the file's name without .gguf, here]")
@force_option
def unpack(file: Path, output: Path | None, force: bool) -> None:
    """Write the model in a GGUF FILE as a Hugging Face checkpoint folder, in FP32."""
    from edge_export.extras import EXPORTING, require
    from edge_export.sources.gguf import unpack_gguf

    require(EXPORTING, "exporting", "export")
    target = _new_folder(output or Path(file.stem), force)
    unpack_gguf(file, target)
    click.echo(f"{file.name}: checkpoint in {target}")


@main.command()
@click.argument("name")
@data_option
@vectors_option
@output_option("Bundle folder to write.  [default: NAME-static-int8 here]")
@force_option
@seeds_option
def distill(
    name: str, data: Path, cache: Path, output: Path | None, force: bool, seeds: Path | None
) -> None:
    """Fit a table of one vector a token to the bundle NAME (or its folder), for tiny boards."""
    from edge_export.build.distill import distill_bundle

    teacher = find_bundle(name)
    target = _new_folder(output or Path(f"{teacher.manifest.name}-static-int8"), force)
    bundle = distill_bundle(teacher, data, cache, target, seeds or _project_seeds(), _log)
    _echo_bundle(bundle)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
@vectors_option
@click.option(
    "--folds",
    type=FOLDER,
    help="Write bundles for cross-validation here instead, each without some documents.",
)
@click.option(
    "--part",
    "parts",
    type=click.Choice(["words", "phrases", "titles", "reader", "support"]),
    multiple=True,
    help="Train only the heads for this; the others stay. May be given again.",
)
@leave_out_option
def train(  # one parameter an option
    folder: Path,
    data: Path,
    cache: Path,
    folds: Path | None,
    parts: tuple[str, ...],
    left_out: tuple[str, ...],
) -> None:
    """Learn the heads of the bundle in FOLDER from documents, and put them into it."""
    from edge_export.training.bundle import PARTS, train_bundle, train_folds

    if folds is not None:
        train_folds(folder, data, cache, folds, _log, parts or PARTS)
        click.echo(f"cross-validation bundles in {folds}")
        return
    bundle = train_bundle(folder, data, cache, _log, parts or PARTS, left_out)
    for head in bundle.manifest.heads:
        size_bytes = bundle.path(head.file).stat().st_size
        click.echo(f"{head.name:<10} {size_bytes / 1e3:6.0f} kB  {head.training['rows']:>7} rows")


@main.command()
@click.argument("name")
@data_option
@output_option("File for the scores.  [default: build/NAME-scores.jsonl.gz]")
@leave_out_option
def score(name: str, data: Path, output: Path | None, left_out: tuple[str, ...]) -> None:
    """Let model NAME and a larger one read episodes that nobody annotated, to learn from."""
    from edge_export.training.scoring import score_recipe

    path = output or Path("build") / f"{name}-scores.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    click.echo(f"scores in {score_recipe(load_recipe(name), data, path, _log, left_out)}")


@main.command()
@click.argument("name")
@data_option
@output_option(
    "Folder for the adapter and, while it runs, what to go on from.  [default: build/NAME]"
)
@click.option(
    "--scores",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of an encoder: what readers think of further episodes, as 'edge-export score' writes it."
    "  [default: the recipe's]",
)
@leave_out_option
def finetune(
    name: str, data: Path, output: Path | None, scores: Path | None, left_out: tuple[str, ...]
) -> None:
    """Teach model NAME: an encoder to read, a decoder to write (a stopped run goes on)."""
    recipe, folder = load_recipe(name), output or Path("build") / name
    if recipe.encoder is not None:
        from edge_export.training.teaching import teach_recipe

        taught = teach_recipe(recipe, data, folder, _log, left_out, scores)
        click.echo(f"reader in {taught}; the recipe reads models/{name}/reader")
        return
    from edge_export.training.summarizer import train_summarizer

    adapter = train_summarizer(recipe, data, folder, _log)
    click.echo(f"adapter in {adapter}; the recipe reads models/{name}/adapter")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def verify(folder: Path) -> None:
    """Check the hashes and the certificate of a bundle FOLDER, and run its golden sample."""
    from edge.bundles.manifest import read_bundle
    from edge.device.verify import verify_bundle

    bundle = read_bundle(folder)
    outcome = verify_bundle(folder)
    measured = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in bundle.manifest.certificate.items()
        if isinstance(value, int | float)
    )
    click.echo(f"{bundle.id}: {outcome}; certified: {measured}")
