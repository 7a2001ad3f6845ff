"""``edge-export finetune`` of a sentence encoder: its adapter and its reader, as files."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge.bundles.manifest import file_sha256
from edge.bundles.specs import HeadSpec
from edge_export.data.annotated import SpokenEpisode, read_annotated, read_unlabelled
from edge_export.data.documents import ANNOTATED, TIDIED, UNLABELLED
from edge_export.data.tidied import read_tidied
from edge_export.errors import GateError, RecipeError, TrainingDataError
from edge_export.extras import require
from edge_export.graph.reader import HEAD_FILE, to_onnx_bytes, write_adapter, write_head
from edge_export.log import Log
from edge_export.manifest import package_versions
from edge_export.recipe import Recipe
from edge_export.sources.fetch import fetch
from edge_export.training.reader import teach_reader
from edge_export.training.reader_model import AdaptedEncoder, SequenceReader
from edge_export.training.reading_example import ExampleMaker, ReadingExample
from edge_export.training.scoring import read_scores
from edge_export.training.tidy_lesson import TidyLesson

MAX_DIFFERENCE = 1e-4
"""Largest difference between the head's ONNX file and the network."""
TOOLS = ("torch", "transformers", "onnx")


def teach_recipe(
    recipe: Recipe,
    data: Path,
    output: Path,
    log: Log,
    left_out: Collection[str] = (),
    scores: Path | None = None,
) -> Path:
    """Teach a recipe's encoder and its reader, and write both.

    :param recipe: Of a sentence encoder, with ``teach``.
    :param data: Folder of the episodes.
    :param output: Folder to write the adapter and the head into.
    :param log: Told of each step.
    :param left_out: Shows not to learn from.
    :param scores: What readers think of episodes that nobody annotated, as ``score_recipe`` writes
        it; None for the recipe's, if it has a larger reader.
    :return: The folder.
    :raises ExportError: If data or packages are missing, or the head differs from the network.
    """
    settings = recipe.teach
    if settings is None:
        raise RecipeError(
            f"recipe {recipe.name} teaches no reader", "minilm-l6's recipe.toml does."
        )
    require(("peft",), "training", "export,train")
    episodes, lines = read_annotated(data, left_out), read_tidied(data, left_out)
    if not episodes:
        raise TrainingDataError("no episode is left to learn from", "Leave fewer shows out.")
    hashes = {name: file_sha256(data / name) for name in (ANNOTATED, TIDIED)}
    if scores is None and recipe.larger is not None:
        scores = recipe.larger.scores
    chances: dict[str, Float32Array] = {}
    unread: list[SpokenEpisode] = []
    if scores is not None:
        chances = read_scores(scores, left_out)
        unread = [e for e in read_unlabelled(data, left_out) if e.id in chances]
        hashes |= {UNLABELLED: file_sha256(data / UNLABELLED), "scores": file_sha256(scores)}
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        checkpoint = fetch(recipe.sources, Path(temporary), log).folder
        maker = ExampleMaker(checkpoint, settings)
        examples = list(maker.in_all_forms(episodes, log))
        log(f"reading {len(unread)} scored episodes")
        scored = [maker.in_one_form(episode, chances[episode.id]) for episode in unread]
        encoder = AdaptedEncoder(checkpoint, settings.rank, settings.scale)
        lesson = TidyLesson.of(checkpoint, lines, settings.seed)
        network = teach_reader(encoder, examples, settings, log, scored, lesson)
    output.mkdir(parents=True, exist_ok=True)
    write_adapter(output, encoder.deltas)
    sample = examples[0]["full"]
    features = ("state", "vector", *sample.measure_names)
    record = {
        "data_sha256": hashes,
        "documents": len(episodes) + len(scored),
        "rows": sum(len(next(iter(forms.values()))) for forms in (*examples, *scored)),
        "left_out": sorted(left_out),
        "settings": asdict(settings),
        "tool_versions": package_versions(TOOLS),
    }
    model, certificate = _checked(encoder, network, sample)
    write_head(output, model, HeadSpec("reader", HEAD_FILE, features, record, certificate))
    return output


def _checked(
    encoder: AdaptedEncoder, network: SequenceReader, sample: ReadingExample
) -> tuple[bytes, dict[str, Any]]:
    """The network as ONNX, and the certificate that this gives what the network gives."""
    import onnxruntime
    import torch

    with torch.no_grad():
        states, vectors = encoder(sample.token_ids)
        measures = torch.from_numpy(sample.measures).to(states.device)
        roles = torch.sigmoid(network(states, vectors, measures)).cpu().numpy()
        rows = torch.cat([states, vectors, measures], dim=1).cpu().numpy()
    model = to_onnx_bytes(network, rows.shape[1])
    exported = onnxruntime.InferenceSession(model).run(None, {"rows": rows})[0]
    difference = float(np.abs(exported - roles).max())
    if not difference <= MAX_DIFFERENCE:
        raise GateError(
            f"the reader differs from its network by {difference:.2g}",
            f"At most {MAX_DIFFERENCE:.0e} is allowed; check the versions of torch and onnx.",
        )
    return model, {"max_difference": difference, "n_rows": len(rows), "limit": MAX_DIFFERENCE}
