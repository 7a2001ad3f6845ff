"""Learning the heads, on small documents made here, with the real encoder and exporters."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge.bundles.files import verify_files
from edge.bundles.manifest import read_bundle
from edge.bundles.store import find_bundle
from edge.extraction.syntax import FORMS
from edge.pipeline import digest_transcript
from edge.records import Segment, Transcript
from edge.runtime.encoder import Encoder
from edge.runtime.heads import HEAD_NAMES
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import CHIP

pytestmark = pytest.mark.slow

TOPICS = {
    "solar": "the solar panel turns sunlight into power for the battery of the house",
    "bread": "the baker kneads dough with flour and water before the oven bakes bread",
    "chess": "the player moves a knight or bishop on the board to take the queen",
    "river": "the river carries water and fish past the bridge down to the sea",
}


def turns(draw: random.Random, topics: list[str]) -> tuple[list[dict[str, str]], list[int]]:
    """Twelve sentences a topic, and where the later topics begin."""
    lines: list[dict[str, str]] = []
    boundaries = []
    for k, topic in enumerate(topics):
        if k:
            boundaries.append(len(lines))
        lines.append({"speaker": "Ann", "content": f"Let's talk about the {topic} next."})
        for i in range(11):
            words = TOPICS[topic].split()
            draw.shuffle(words)
            lines.append(
                {"speaker": "AB"[i % 2] * 2, "content": " ".join(words).capitalize() + "."}
            )
    return lines, boundaries


def annotated(draw: random.Random, k: int) -> dict[str, object]:
    """An episode with what a reader would have chosen of it, and who is named."""
    topics = draw.sample(list(TOPICS), 3)
    lines, boundaries = turns(draw, topics)
    firsts = [0, *boundaries]
    spoken = [
        {**line, "content": f"The {topics[i // 12]} is about {TOPICS[topics[i // 12]]} and more."}
        for i, line in enumerate(lines)
    ]
    spoken[3]["content"] = "We bought it from Acme Industries, said Ann Smith."
    chapters = [
        {"first": first, "title": f"What {TOPICS[topic]}", "key": [first + 1], "question": None}
        for first, topic in zip(firsts, topics, strict=True)
    ]
    return {
        "id": f"radio{k}/1",
        "turns": spoken,
        "about": "Many things.",
        "chapters": chapters,
        "key_lines": [1],
        "extract": [1],
        "quotes": [],
        "adverts": [[5, 6]],
        "cold_open": None,
        "keyphrases": ["solar panel", "baker", "knight", "river", "oven"],
        "mentions": [{"name": "Acme Industries", "kind": "company", "line": 3}],
        "summary": [{"text": "They talked.", "lines": [1]}],
    }


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw = random.Random(0)
    meetings, chaptered, described = [], [], []
    for k in range(6):
        lines, boundaries = turns(draw, draw.sample(list(TOPICS), 3))
        summary = {
            "query": "What about the baker?",
            "summary": f"They talked about {TOPICS['bread']}.",
        }
        row = {"turns": lines, "boundaries": boundaries, "topics": ["Solar panel", "Bread dough"]}
        spans = [{**summary, "spans": [[0, 11]]}]
        split = "val" if k == 5 else "train"
        meetings.append(
            {**row, "id": f"m{k}", "domain": "Home", "split": split, "general": [summary]}
            | {"specific": spans}
        )
        chaptered.append({**row, "id": f"shows/show{k % 2}/{k}"})
        described.append(
            {"id": f"talks/{k}#1", "title": "Water", "turns": lines, "description": TOPICS["solar"]}
        )
    write(folder / "episodes_train.jsonl.gz", [annotated(draw, k) for k in range(4)])
    write(folder / "episodes_unlabelled.jsonl.gz", [annotated(draw, k) for k in range(4, 6)])
    write(folder / "qmsum_train.jsonl.gz", meetings)
    write(folder / "podcast_chapters_train.jsonl.gz", chaptered)
    write(folder / "optech_descriptions_train.jsonl.gz", described)
    return folder


def edge_export(*arguments: object) -> tuple[int, str]:
    pytest.importorskip("lightgbm")
    from edge_export.cli import main

    result = CliRunner().invoke(main, [str(a) for a in arguments])
    return result.exit_code, result.output


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(find_bundle().folder, tmp_path / "bundle"))


def test_heads_are_learned_always_to_the_same_bytes(bundle: Path, data: Path) -> None:
    before = read_bundle(bundle)
    cache = bundle.parent / "vectors"
    hashes = []
    for _ in range(2):
        code, output = edge_export("train", bundle, "--data", data, "--cache", cache)
        assert code == 0, output
        after = read_bundle(bundle)
        hashes.append({f.path: f.sha256 for f in after.manifest.files})
    assert hashes[0] == hashes[1]
    old = {f.path: f.sha256 for f in before.manifest.files}
    changed = {name for name, sha256 in hashes[0].items() if old.get(name) != sha256}
    assert changed == {f"{name}.onnx" for name in HEAD_NAMES if name != "reader"}
    verify_files(after)
    for head in after.manifest.heads:
        assert head.certificate["max_difference"] <= head.certificate["limit"]
        if head.name not in ("reader", "support"):
            assert set(head.training["data_sha256"]) == {path.name for path in data.iterdir()}
    digest = digest_transcript(read_transcript(CHIP), Encoder(after))
    assert digest.key_points


def test_one_part_is_learned_and_the_others_stay(bundle: Path, data: Path) -> None:
    before = {head.name: head for head in read_bundle(bundle).manifest.heads}
    arguments = ("--part", "phrases", "--cache", bundle.parent / "vectors")
    code, output = edge_export("train", bundle, "--data", data, *arguments)
    assert code == 0, output
    after = {head.name: head for head in read_bundle(bundle).manifest.heads}
    assert set(after) == set(before)
    assert {name for name in after if after[name] != before[name]} == {
        "phrase",
        "subject",
        "entity",
    }
    verify_files(read_bundle(bundle))


def test_title_heads_are_learned_always_to_the_same_bytes(bundle: Path, data: Path) -> None:
    before = {head.name: head for head in read_bundle(bundle).manifest.heads}
    hashes = []
    for _ in range(2):
        code, output = edge_export("train", bundle, "--data", data, "--part", "titles")
        assert code == 0, output
        after = read_bundle(bundle)
        hashes.append({f.path: f.sha256 for f in after.manifest.files})
    assert hashes[0] == hashes[1]
    heads = {head.name: head for head in after.manifest.heads}
    changed = {name for name in heads if heads[name] != before.get(name)}
    assert changed == {"syntax", "span", "title"}
    assert "episodes_train.jsonl.gz" in heads["title"].training["data_sha256"]
    digest = digest_transcript(read_transcript(CHIP), Encoder(after))
    assert all(chapter.title for chapter in digest.chapters)


def test_a_parser_tells_which_stretches_can_stand_alone() -> None:
    pytest.importorskip("spacy")
    from edge_export.training.syntax_heads import parse_with_teacher

    text = "The team is moving the old build system to Rollup because compilers never got faster."
    (parsed,) = parse_with_teacher([text])
    forms = {
        " ".join(parsed.tokens[a:b]): FORMS[form]
        for (a, b), form in zip(parsed.spans.tolist(), parsed.forms.tolist(), strict=True)
    }
    assert forms["old build system"] == "noun"
    assert forms["moving the old build system to Rollup"] == "action"
    assert forms["compilers never got faster."] == "claim"
    for text in (
        "build system to",
        "system to Rollup",
        "because compilers",
        "the old build system",
    ):
        assert forms[text] == "cut", text
    assert len(parsed.plain.tokens) == len(parsed.tokens)


def test_a_head_that_does_not_pass_leaves_the_bundle_as_it_was(
    bundle: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    monkeypatch.setattr("edge_export.training.attach.MAX_HEAD_BYTES", 10)
    arguments = ("--part", "phrases", "--cache", bundle.parent / "vectors")
    code, output = edge_export("train", bundle, "--data", data, *arguments)
    assert code == 1
    assert "at most 10 are allowed" in output
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before


def test_folds_leave_out_what_they_say(bundle: Path, data: Path, tmp_path: Path) -> None:
    folds = tmp_path / "folds"
    arguments = ("--cache", tmp_path / "vectors", "--folds", folds)
    code, output = edge_export("train", bundle, "--data", data, *arguments)
    assert code == 0, output
    left_out = json.loads((folds / "folds.json").read_text())
    shows = {name: set(held) for name, held in left_out.items() if name.startswith("show-")}
    assert shows["show-show0"] == {"shows/show0/0", "shows/show0/2", "shows/show0/4"}
    episodes = [e for name, held in left_out.items() if name.startswith("episodes") for e in held]
    assert sorted(episodes) == sorted({*episodes})
    whole = {h.name: h.training for h in read_bundle(folds / "show-show0").manifest.heads}
    assert whole["phrase"]["documents"] == 17  # with the three episodes of that show: more
    assert find_bundle().sha256 == read_bundle(bundle).sha256


def test_a_table_is_distilled_and_takes_heads(bundle: Path, data: Path, tmp_path: Path) -> None:
    seeds, target = tmp_path / "seeds", tmp_path / "static"
    seeds.mkdir()
    draw = random.Random(1)
    lines, _ = turns(draw, list(TOPICS))
    (seeds / "one.txt").write_text("\n".join(line["content"] for line in lines))
    arguments = ("--data", data, "--cache", tmp_path / "vectors", "--output", target)
    code, output = edge_export("distill", bundle, *arguments, "--seeds", seeds)
    assert code == 0, output
    table = read_bundle(target)
    assert table.id == "minilm-l6-static-int8"
    assert table.manifest.certificate["mean_cosine"] > 0.9  # every word was in the sentences
    assert table.manifest.origin["distilled_from"]["bundle"] == "minilm-l6-int8"
    code, output = edge_export("distill", bundle, *arguments)
    assert code == 1
    assert "--force to replace it" in output
    arguments = ("--data", data, "--cache", tmp_path / "vectors")
    for parts in (("--part", "reader"), ()):
        code, output = edge_export("train", target, *arguments, *parts)
        assert code == 0, output
    student, teacher = Encoder(read_bundle(target)), Encoder(find_bundle())
    words = ["dog", "puppy", "market"]  # none was in the sentences
    mine, theirs = student.encode(words), teacher.encode(words)
    assert mine[0] @ mine[1] > mine[0] @ mine[2]
    assert np.allclose(np.linalg.norm(mine, axis=1), 1, atol=1e-5)
    assert (mine * theirs).sum(axis=1).min() > 0.9
    digest = digest_transcript(read_transcript(CHIP), student)
    assert digest.summary_sentences


def test_a_table_that_says_something_else_is_refused(
    bundle: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("scipy")
    monkeypatch.setattr(
        "edge_export.build.distill.fit_table",
        lambda encoder, texts, vectors: np.ones((30522, 384), np.float32),
    )
    arguments = ("--data", data, "--cache", tmp_path / "vectors", "--output", tmp_path / "static")
    code, output = edge_export("distill", bundle, *arguments)
    assert code == 1
    assert "differs too much from minilm-l6-int8, seed sentences (n = 2119): mean cosine" in output
    assert not (tmp_path / "static").exists()


def test_bad_training_data_are_named(bundle: Path, data: Path, tmp_path: Path) -> None:
    code, output = edge_export("train", bundle, "--data", tmp_path)
    assert code == 1
    assert "qmsum_train.jsonl.gz: FileNotFoundError" in output
    broken = Path(shutil.copytree(data, tmp_path / "broken"))
    write(broken / "qmsum_train.jsonl.gz", [{"id": "m1", "turns": []}])
    code, output = edge_export("train", bundle, "--data", broken)
    assert code == 1
    assert "KeyError 'domain'" in output


def test_passages_that_are_not_there_are_named(bundle: Path, data: Path) -> None:
    code, output = edge_export("train", bundle, "--data", data, "--part", "support")
    assert code == 1
    assert "are not in" in output


def test_spoilt_sentences_are_told_from_true_ones(encoder: Encoder) -> None:
    pytest.importorskip("lightgbm")
    from edge_export.data.claims import KINDS, spoil
    from edge_export.data.documents import Document
    from edge_export.training.support_head import (
        area_under_curve,
        fit_support_head,
        measure_claims,
    )

    def document(k: int, said: str, summary: str) -> Document:
        segments = tuple(Segment(line + ".") for line in said.split(". "))
        sentences = tuple(rebuild_sentences(Transcript(segments, "json")))
        return Document(f"show/{k % 3}#{k}", "show", True, sentences, references=(summary,))

    places = ["Lisbon", "Oslo", "Quito", "Hanoi", "Accra", "Minsk", "Perth", "Cairo"]
    documents = [
        document(
            k,
            f"We flew to {place} with {k + 3} people. The harbour of {place} is very old. "
            f"Rents there rose by {20 + k} percent. Nobody wants to move to the suburbs",
            f"The group flew to {place} with {k + 3} people. The rents in {place} rose by "
            f"{20 + k} percent. It is not wanted to move to the suburbs.",
        )
        for k, place in enumerate(places * 6)
    ]
    claims = spoil(documents)
    assert {kind for own in claims for kind in own.kinds} == {"", *KINDS} - {"role"}
    for own in claims:
        true = {t for t, kind in zip(own.texts, own.kinds, strict=True) if not kind}
        assert all(
            text not in true
            for text, kind in zip(own.texts, own.kinds, strict=True)
            if kind in ("name", "number", "denial")
        )
    rows = measure_claims(claims, encoder)
    scores = fit_support_head(rows, len(claims)).predict(rows.features)
    assert area_under_curve(scores, rows.kinds, "name") > 0.9
    assert area_under_curve(scores, rows.kinds, "number") > 0.9


def test_trees_learn_from_values_that_stay_apart_in_onnx() -> None:
    from edge_export.training.trained_head import well_apart

    values = np.array([[0.1, -3.7, 0.0, 12345.0, 1e-9]], np.float32)
    rounded = well_apart(values)
    np.testing.assert_allclose(rounded, values, rtol=2.0**-12)
    # What differed in its last bit is one value, so that no threshold lies between.
    beside = np.nextafter(rounded, np.float32(np.inf))
    assert (well_apart(beside) == rounded).all()
