"""What a larger reader thinks of episodes that nobody annotated: lessons for the small one.

Both are taught what readers chose, and the mean of their opinions is what the small one then learns
beside it (distillation, Hinton et al. 2015; docs/adr/0021-reader.md).
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge.arrays import Float32Array
from edge.bundles.manifest import file_sha256
from edge.extraction.reader import ROLES
from edge_export.data.annotated import read_annotated, read_unlabelled
from edge_export.data.documents import ANNOTATED, UNLABELLED, read_rows
from edge_export.errors import RecipeError, TrainingDataError
from edge_export.log import Log
from edge_export.recipe import LargerReader, ReaderSettings, Recipe
from edge_export.sources.fetch import fetch
from edge_export.training.reader import teach_reader
from edge_export.training.reader_model import AdaptedEncoder
from edge_export.training.reading_example import ExampleMaker, ReadingExample, tokens_of

_Opinion = Callable[[ReadingExample], Float32Array]
"""An episode to the logits of its sentences' roles, shape (sentences, roles)."""


def score_recipe(
    recipe: Recipe, data: Path, output: Path, log: Log, left_out: Collection[str] = ()
) -> Path:
    """Teach an encoder and a larger one to read, and write what they think of further episodes.

    :param recipe: Of a sentence encoder, with ``teach`` and ``larger``.
    :param data: Folder of the episodes.
    :param output: File to write.
    :param log: Told of each step.
    :param left_out: Shows neither to learn from nor to score.
    :return: The file.
    :raises ExportError: If data or packages are missing.
    """
    settings, how = recipe.teach, recipe.larger
    if settings is None or how is None:
        raise RecipeError(
            f"recipe {recipe.name} has no larger reader", "minilm-l6's recipe.toml has."
        )
    episodes = read_annotated(data, left_out)
    if not episodes:
        raise TrainingDataError("no episode is left to learn from", "Leave fewer shows out.")
    unread = read_unlabelled(data, left_out)
    random.Random(settings.seed).shuffle(unread)
    unread = unread[: how.n_episodes]
    with tempfile.TemporaryDirectory(prefix="edge-export-") as temporary:
        small, large = Path(temporary, "small"), Path(temporary, "large")
        small.mkdir()
        large.mkdir()
        checkpoint = fetch(recipe.sources, small, log).folder
        larger_checkpoint = fetch(how.sources, large, log).folder
        maker = ExampleMaker(checkpoint, settings)
        larger_tokens = tokens_of(larger_checkpoint, how.settings.max_tokens)
        examples = list(maker.in_all_forms(episodes, log))
        smaller = _taught(checkpoint, examples, settings, log)
        larger = _taught(
            larger_checkpoint,
            [{form: x.tokenized(larger_tokens) for form, x in f.items()} for f in examples],
            how.settings,
            log,
        )

        def scored() -> Iterator[tuple[str, Float32Array]]:
            for i, episode in enumerate(unread):
                if i % 10 == 0:
                    log(f"scoring episode {i + 1} of {len(unread)}")
                formed, example = maker.as_written(episode)
                others = larger(example.tokenized(larger_tokens))
                yield episode.id, formed.turn_chances(_mixed(smaller(example), others, how))

        origin = {
            "data_sha256": {n: file_sha256(data / n) for n in (ANNOTATED, UNLABELLED)},
            "left_out": sorted(left_out),
        }
        write_scores(output, origin, scored())
    return output


def write_scores(
    path: Path, origin: Mapping[str, Any], scores: Iterable[tuple[str, Float32Array]]
) -> None:
    """Write what readers think of episodes: gzip JSON Lines, first where it is from.

    :param path: The file.
    :param origin: Data and settings.
    :param scores: Identifier of each episode, and its turns' chances, shape (turns, roles).
    """
    rows: list[Mapping[str, Any]] = [{"roles": ROLES, **origin}]
    for identifier, of_turns in scores:
        rows.append({"id": identifier, "chances": np.round(of_turns.astype(float), 3).tolist()})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(gzip.compress(text.encode(), mtime=0))  # no time: the same bytes again
    unfinished.replace(path)


def read_scores(path: Path, left_out: Collection[str] = ()) -> dict[str, Float32Array]:
    """Each episode's scores by its identifier, shape (turns, roles).

    :param path: As ``write_scores`` left it.
    :param left_out: Shows that who scored may not have learned from.
    :raises TrainingDataError: If it is missing or malformed, or those who scored learned from them.
    """
    try:
        origin, *rows = read_rows(path)
        if tuple(origin["roles"]) != ROLES:
            raise ValueError(f"its roles are {origin['roles']}")
        learned = sorted(set(left_out) - set(origin["left_out"]))
        scores = {row["id"]: np.array(row["chances"], np.float32) for row in rows}
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(
            f"cannot read {path}: {type(error).__name__} {error}",
            "'edge-export score' writes it.",
        ) from error
    if learned:
        raise TrainingDataError(
            f"who scored in {path} learned from {', '.join(learned)}, which is to be left out",
            "Score again with the same --leave-out, and give the file with --scores.",
        )
    return scores


def _taught(
    checkpoint: Path,
    examples: Sequence[Mapping[str, ReadingExample]],
    settings: ReaderSettings,
    log: Log,
) -> _Opinion:
    """What a checkpoint that was taught thinks of an episode."""
    encoder = AdaptedEncoder(checkpoint, settings.rank, settings.scale)
    network = teach_reader(encoder, examples, settings, log)

    def opinion(example: ReadingExample) -> Float32Array:
        with torch.no_grad():
            states, vectors = encoder(example.token_ids)
            logits = network(states, vectors, torch.from_numpy(example.measures).to(states.device))
        scores: Float32Array = logits.cpu().numpy()
        return scores

    return opinion


def _mixed(smaller: Float32Array, larger: Float32Array, how: LargerReader) -> Float32Array:
    """Chances, by the mean of two readers' logits."""
    share = np.full(len(ROLES), how.share, np.float32)
    share[ROLES.index("opens")] = how.opens_share
    logits = (1.0 - share) * smaller + share * larger
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
