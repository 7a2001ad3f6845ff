"""Teaching an encoder to read, and its reader: on small episodes made here and a small encoder."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from edge_export.cli import main
from edge_export.data.annotated import read_annotated, read_unlabelled
from edge_export.data.forms import FORMS, in_form, turn_roles
from edge_export.data.tidied import read_tidied
from edge_export.errors import TrainingDataError
from edge_export.recipe import FolderSource, LargerReader, ReaderSettings, Recipe, load_recipe
from edge_export.training.scoring import read_scores, write_scores

from edge.bundles.manifest import read_bundle
from edge.extraction.judgements import judge_text
from edge.extraction.reader import ROLES
from edge.runtime.encoder import Encoder
from tests.workstation.tiny import save_encoder

LESSON = ReaderSettings(epochs=12, window=40, rank=4, warmup_updates=4)
CLAIMS = ("A baseline beats the large model.", "The cheapest chip halves the cost of serving.")
CHATTER = ("Yeah, right.", "Okay, so, I see.", "Mhm, that is how it is, you know.")


def episode(draw: random.Random, number: int) -> dict[str, Any]:
    """Sixty sentences: claims, which a reader chose, among chatter; an advert near the end."""
    key = sorted(draw.sample(range(3, 50), 8))
    texts = [draw.choice(CLAIMS) if i in key else draw.choice(CHATTER) for i in range(60)]
    texts[0] = "Today Ann Lee talks with Bob Ray about chips, models and the cost of serving."
    texts[55] = "Our sponsor sells pumps."
    chapters = [
        {"first": first, "title": "Chips", "key": [k for k in key if first <= k < first + 30],
         "question": None}
        for first in (0, 30)
    ]  # fmt: skip
    return {
        "id": f"show{number}/1",
        "turns": [{"speaker": "AB"[i % 2], "content": text} for i, text in enumerate(texts)],
        "about": "Ann Lee and Bob Ray talk about chips, models and what serving costs.",
        "chapters": chapters, "key_lines": key, "extract": key[:3], "quotes": [],
        "adverts": [[55, 55]], "cold_open": None, "keyphrases": [], "mentions": [], "summary": [],
    }  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw = random.Random(0)
    with gzip.open(folder / "episodes_train.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(episode(draw, k)) + "\n" for k in range(4))
    with gzip.open(folder / "episodes_unlabelled.jsonl.gz", "wt", encoding="utf-8") as file:
        for k in range(4, 8):
            said = episode(draw, k)
            file.write(json.dumps({key: said[key] for key in ("id", "turns")}) + "\n")
    with gzip.open(folder / "tidy_train.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(tidied(text, k)) + "\n" for k, text in enumerate(CLAIMS * 4))
    return folder


def tidied(text: str, number: int) -> dict[str, Any]:
    """A line that began with a filler; every other one has no short version."""
    n_words = len(text.split()) + 1
    short = text if number % 2 else None
    return {
        "id": f"show{number % 4}/1", "line": number, "before": "Yeah, right.", "clean": text,
        "spoken": f"Well, {text}", "short": short, "kept_clean": list(range(1, n_words)),
        "kept_short": short and list(range(1, n_words)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The real recipe, fitted to a small encoder and a short lesson."""
    pytest.importorskip("torch")
    real = load_recipe("minilm-l6")
    assert real.encoder is not None and real.teach is not None
    optimize = replace(real.encoder.optimize, num_heads=4, hidden_size=48)
    return replace(
        real,
        sources=(FolderSource(save_encoder(tmp_path_factory.mktemp("encoder"))),),
        encoder=replace(real.encoder, optimize=optimize, reader=None),
        encoder_gates={"fp32": real.encoder_gates["fp32"]},
        teach=LESSON,
        larger=LargerReader(
            (FolderSource(save_encoder(tmp_path_factory.mktemp("larger"), "MPNet", 64)),),
            replace(LESSON, kept_likeness=0.0),
            scores=tmp_path_factory.mktemp("scores") / "scores.jsonl.gz",
            n_episodes=3,
        ),
    )


def test_every_form_has_the_same_words_and_the_reader_s_choices(data: Path) -> None:
    (first, *_) = read_annotated(data)
    for form in FORMS:
        formed = in_form(first, form)
        said = [turn for turns in formed.word_turns for turn in turns.tolist()]
        assert said == sorted(said) and set(said) == set(range(60))
        labels = formed.labels(turn_roles(first))
        assert labels.shape == (len(formed.sentences), len(ROLES))
        worth = np.flatnonzero(labels[:, ROLES.index("worth")])
        of_worth = {turn for i in worth for turn in formed.word_turns[i].tolist()}
        assert first.chosen <= of_worth
        assert labels[:, ROLES.index("opens")].sum() == 1
        if form in ("full", "no_speakers"):  # whose sentences are turns
            assert np.array_equal(formed.turn_chances(labels), turn_roles(first))
    full = in_form(first, "full").labels(turn_roles(first))
    assert full[0, ROLES.index("introduces")] == 1
    broken = in_form(first, "broken_lines").transcript
    assert all(len(segment.text.split()) <= 12 for segment in broken.segments)
    assert not any(segment.speaker for segment in broken.segments)


@pytest.mark.slow
def test_what_is_taught_is_exported_and_tells_claims_from_chatter(
    data: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "one.txt").write_text("\n".join((*CLAIMS, *CHATTER)))
    recipe = replace(recipe, larger=None)
    monkeypatch.setattr("edge_export.cli.load_recipe", lambda name: recipe)
    taught = tmp_path / "reader"
    command = ["finetune", "tiny", "--data", data, "--output", taught, "--leave-out", "show3"]
    result = CliRunner().invoke(main, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    record = json.loads((taught / "reader.json").read_text())
    assert record["training"]["documents"] == 3
    assert record["certificate"]["max_difference"] <= record["certificate"]["limit"]

    assert recipe.encoder is not None
    whole = replace(recipe, encoder=replace(recipe.encoder, reader=taught))
    monkeypatch.setattr("edge_export.cli.load_recipe", lambda name: whole)
    command = ["build", "tiny", "--precision", "fp32", "--output", tmp_path / "bundle"]
    result = CliRunner().invoke(main, [str(part) for part in (*command, "--seeds", seeds)])
    assert result.exit_code == 0, result.output
    bundle = read_bundle(tmp_path / "bundle")
    assert [head.name for head in bundle.manifest.heads] == ["reader"]
    assert set(bundle.manifest.origin["adapter_sha256"]) >= {"adapter_model.safetensors"}

    *_, unseen = read_annotated(data)
    formed = in_form(unseen, "full")
    _, judgements = judge_text(formed.sentences, Encoder(bundle))
    is_claim = formed.labels(turn_roles(unseen))[:, ROLES.index("worth")] == 1
    assert judgements.worth[is_claim].min() > judgements.worth[~is_claim].max()


@pytest.mark.slow
def test_readers_score_what_nobody_annotated_and_a_small_one_learns_it(
    data: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_export.cli.load_recipe", lambda name: recipe)
    assert recipe.larger is not None
    scores, taught = recipe.larger.scores, tmp_path / "reader"
    command = ["score", "tiny", "--data", data, "--output", scores, "--leave-out", "show4"]
    result = CliRunner().invoke(main, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    chances = read_scores(scores, ("show4",))
    assert set(chances) == {"show5/1", "show6/1", "show7/1"}
    for unread in read_unlabelled(data, ("show4",)):
        worth = chances[unread.id][:, ROLES.index("worth")]
        is_claim = np.array([text in CLAIMS for text in unread.texts])
        assert worth[is_claim].min() > worth[~is_claim].max()

    command = ["finetune", "tiny", "--data", data, "--output", taught]
    result = CliRunner().invoke(main, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    record = json.loads((taught / "reader.json").read_text())
    assert record["training"]["documents"] == 4 + 3
    assert set(record["training"]["data_sha256"]) == {
        "episodes_train.jsonl.gz", "episodes_unlabelled.jsonl.gz", "tidy_train.jsonl.gz", "scores",
    }  # fmt: skip

    result = CliRunner().invoke(main, [*map(str, command), "--leave-out", "show5"])
    assert result.exit_code == 1
    assert "learned from show5, which is to be left out" in result.output


def test_tidied_lines_tell_which_words_were_struck(data: Path) -> None:
    first, second, *_ = read_tidied(data)
    assert first.words[0] == "Well," and first.before == "Yeah, right."
    assert first.is_struck_clean.tolist() == [True, *[False] * 6]
    assert first.is_struck_short is None
    assert second.is_struck_short is not None and second.is_struck_short.sum() == 1
    assert "show1" not in {line.show for line in read_tidied(data, ("show1",))}


@pytest.mark.parametrize("verb", ["score", "finetune"])
def test_nothing_to_learn_from_is_named(
    data: Path, recipe: Recipe, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_export.cli.load_recipe", lambda name: recipe)
    command = [verb, "tiny", "--data", str(data), "--output", str(tmp_path / "none")]
    command += [part for k in range(4) for part in ("--leave-out", f"show{k}")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "no episode is left to learn from" in result.output


def test_scores_are_the_same_bytes_again(tmp_path: Path) -> None:
    chances = np.linspace(0, 1, 2 * len(ROLES), dtype=np.float32).reshape(2, -1)
    for name in ("one", "two"):
        write_scores(tmp_path / name, {"left_out": []}, [("show/1", chances)])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert np.allclose(read_scores(tmp_path / "one")["show/1"], chances, atol=5e-4)


def test_a_file_that_holds_no_scores_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores").write_text("{}")
    with pytest.raises(TrainingDataError, match="'edge-export score' writes it"):
        read_scores(tmp_path / "scores")


def test_a_reader_that_is_not_there_is_named(tmp_path: Path) -> None:
    from edge_export.errors import RecipeError
    from edge_export.graph.reader import read_reader

    with pytest.raises(RecipeError, match="cannot read the reader in"):
        read_reader(tmp_path)


def test_a_recipe_that_teaches_nothing_is_named(data: Path) -> None:
    result = CliRunner().invoke(main, ["finetune", "smollm2-135m", "--data", str(data)])
    assert result.exit_code == 1
    assert "has no stages to train" in result.output
