"""``edge models``: what is on this device, and whether it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edge.cli.options import execution_of, run_options

_strict = click.option(
    "--strict", is_flag=True, help="Another provider than the one asked for is an error."
)


@click.group()
def models() -> None:
    """The models on this device."""


@models.command("list")
def models_list() -> None:
    """All models here; the first is the default."""
    from edge.bundles.store import broken_folders, list_bundles

    for bundle in list_bundles():
        size_mb = bundle.size_bytes / 1e6
        click.echo(f"{bundle.id:<24} {bundle.manifest.task:<20} {size_mb:7.1f} MB  {bundle.folder}")
    for folder, reason in broken_folders():
        click.echo(f"unusable: {folder}: {reason}", err=True)


@models.command("info")
@click.argument("name", required=False)
def models_info(name: str | None) -> None:
    """The manifest of a model, without its golden vectors."""
    import json
    from dataclasses import asdict

    from edge.bundles.store import find_bundle

    bundle = find_bundle(name)
    document = {key: value for key, value in asdict(bundle.manifest).items() if value is not None}
    document.get("golden", {}).pop("embeddings", None)
    document["bundle_sha256"] = bundle.sha256
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


@models.command("add")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a model of the same name.")
def models_add(folder: Path, force: bool) -> None:
    """Check a bundle FOLDER and copy it into this user's models."""
    from edge.bundles.store import add_bundle

    bundle = add_bundle(folder, replace_existing=force)
    click.echo(f"added {bundle.id} in {bundle.folder}")


@models.command("verify")
@click.argument("name", required=False)
@_strict
@run_options
def models_verify(name: str | None, **options: Any) -> None:
    """Check a model's hashes and rerun its golden sample on this device."""
    from edge.bundles.store import find_bundle
    from edge.device.verify import verify_bundle

    bundle = find_bundle(name)
    found = verify_bundle(bundle.folder, options["threads"], execution_of(options))
    click.echo(f"{bundle.id}: {found}")


@models.command("try")
@click.argument("name")
@click.argument("text")
@click.option("--system", help="How the model is to answer.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=128, show_default=True)
@_strict
@run_options
def models_try(
    name: str, text: str, system: str | None, max_new_tokens: int, **options: Any
) -> None:
    """What a model that writes answers to TEXT; a test of the model, not a digest."""
    from edge.bundles.store import find_bundle
    from edge.device.verify import answer

    bundle, execution = find_bundle(name), execution_of(options)
    for piece in answer(bundle, text, system, max_new_tokens, options["threads"], execution):
        click.echo(piece, nl=False)
    click.echo()


@models.command("remove")
@click.argument("name")
def models_remove(name: str) -> None:
    """Delete a model that was added."""
    from edge.bundles.store import remove_bundle

    click.echo(f"removed {remove_bundle(name)}")
