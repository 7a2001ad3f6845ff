"""``edge-export finetune`` of a sentence encoder: its adapter and its reader, as files."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundles.specs import HeadSpec
from edge.runtime.encoder import Encoded
from edge.runtime.tokenizer import word_rarity
from edge_export.data.annotated import AnnotatedEpisode, read_annotated
from edge_export.data.documents import ANNOTATED
from edge_export.errors import GateError, RecipeError, TrainingDataError
from edge_export.extras import require
from edge_export.graph.reader import HEAD_FILE, to_onnx_bytes, write_adapter, write_head
from edge_export.log import Log
from edge_export.manifest import package_versions
from edge_export.recipe import ReaderSettings, Recipe
from edge_export.sources.fetch import fetch
from edge_export.training.reader import ReadingExample, forms_of, teach_reader
from edge_export.training.reader_model import AdaptedEncoder, SequenceReader

MAX_DIFFERENCE = 1e-4
"""Largest difference between the head's ONNX file and the network."""
TOOLS = ("torch", "transformers", "onnx")


def teach_recipe(
    recipe: Recipe, data: Path, output: Path, log: Log, left_out: Collection[str] = ()
) -> Path:
    """Teach a recipe's encoder and its reader, and write both.

    :param recipe: Of a sentence encoder, with ``teach``.
    :param data: Folder of the annotated episodes.
    :param output: Folder to write the adapter and the head into.
    :param log: Told of each step.
    :param left_out: Shows not to learn from.
    :return: The folder.
    :raises ExportError: If data or packages are missing, or the head differs from the network.
    """
    if recipe.teach is None:
        raise RecipeError(
            f"recipe {recipe.name} teaches no reader", "minilm-l6's recipe.toml does."
        )
    require(("peft",), "training", "export,train")
    episodes = read_annotated(data, left_out)
    if not episodes:
        raise TrainingDataError("no episode is left to learn from", "Leave fewer shows out.")
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        checkpoint = fetch(recipe.sources, Path(temporary), log).folder
        examples = list(_examples(checkpoint, episodes, recipe.teach, log))
        encoder = AdaptedEncoder(checkpoint, recipe.teach.rank, recipe.teach.scale)
        network = teach_reader(encoder, examples, recipe.teach, log)
    output.mkdir(parents=True, exist_ok=True)
    write_adapter(output, encoder.deltas)
    sample = examples[0]["full"]
    features = ("state", "vector", *sample.measure_names)
    record = {
        "data_sha256": {ANNOTATED: sha256((data / ANNOTATED).read_bytes()).hexdigest()},
        "documents": len(episodes),
        "rows": sum(len(forms["full"]) for forms in examples),
        "left_out": sorted(left_out),
        "settings": asdict(recipe.teach),
        "tool_versions": package_versions(TOOLS),
    }
    model, certificate = _checked(encoder, network, sample)
    write_head(output, model, HeadSpec("reader", HEAD_FILE, features, record, certificate))
    return output


def _examples(
    checkpoint: Path, episodes: Sequence[AnnotatedEpisode], settings: ReaderSettings, log: Log
) -> Iterator[dict[str, ReadingExample]]:
    """Each episode's forms by name, with the vectors of the encoder as it was."""
    import tokenizers
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    fast = tokenizers.Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    rarity = cache(lambda word: word_rarity(fast, word))
    untaught = AdaptedEncoder(checkpoint, settings.rank, settings.scale).eval()

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(
            list(texts), truncation=True, max_length=settings.max_tokens
        )["input_ids"]
        return ids

    known: dict[str, tuple[Any, Any]] = {}  # an episode's forms share most of their sentences

    def encode(texts: Sequence[str]) -> Encoded:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            with torch.no_grad():
                states, vectors = untaught(tokenize(new))
            known.update(zip(new, zip(states.numpy(), vectors.numpy(), strict=True), strict=True))
        states, vectors = zip(*(known[text] for text in texts), strict=True)
        return Encoded(np.stack(vectors), np.stack(states))

    for i, episode in enumerate(episodes):
        if i % 10 == 0:
            log(f"reading episode {i + 1} of {len(episodes)}")
        known.clear()
        yield forms_of(episode, encode, tokenize, rarity, settings.seed)


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
