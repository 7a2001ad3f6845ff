"""Bundles that are damaged, foreign or hostile are refused with a clear error."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.bundles.files import external_data_paths, verify_files
from edge.bundles.manifest import SCHEMA_VERSION, manifest_from_dict, read_bundle
from edge.bundles.store import add_bundle, find_bundle, list_bundles, remove_bundle
from edge.device.golden import (
    GOLDEN_COSINE,
    GOLDEN_NLL_ERROR,
    GoldenAgreement,
    encoder_agreement,
)
from edge.errors import BundleError, InferenceError
from edge.runtime.encoder import Encoder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A writable copy of the embedded bundle."""
    return Path(shutil.copytree(find_bundle().folder, tmp_path / "bundle"))


def rewrite(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = bundle / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def relist(bundle: Path, name: str) -> None:
    """Make the manifest agree with a changed file, as an attacker would."""
    raw = (bundle / name).read_bytes()

    def change(document: dict[str, Any]) -> None:
        entry = next(f for f in document["files"] if f["path"] == name)
        entry.update(sha256=hashlib.sha256(raw).hexdigest(), size_bytes=len(raw))

    rewrite(bundle, change)


def test_manifest_survives_a_round_trip(bundle: Path) -> None:
    manifest = read_bundle(bundle).manifest
    assert manifest_from_dict(json.loads(manifest.to_json()), bundle) == manifest


def test_flipped_byte_is_found(bundle: Path) -> None:
    model = bundle / "model.onnx"
    raw = bytearray(model.read_bytes())
    raw[len(raw) // 2] ^= 1
    model.write_bytes(raw)
    with pytest.raises(BundleError, match="was changed: sha256"):
        Encoder(read_bundle(bundle))


def test_truncated_file_is_found(bundle: Path) -> None:
    tokenizer = bundle / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes()[:1000])
    with pytest.raises(BundleError, match="has 1000 bytes, its manifest says"):
        verify_files(read_bundle(bundle))


def test_missing_file_and_link_are_refused(bundle: Path) -> None:
    model = bundle / "model.onnx"
    model.rename(bundle.parent / "elsewhere.onnx")
    with pytest.raises(BundleError, match="missing or is no regular file"):
        verify_files(read_bundle(bundle))
    model.symlink_to(bundle.parent / "elsewhere.onnx")
    with pytest.raises(BundleError, match="missing or is no regular file"):
        verify_files(read_bundle(bundle))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema_version=SCHEMA_VERSION + 1), "reads up to 1"),
        (lambda d: d.update(schema_version="1"), "not a number"),
        (lambda d: d.update(task="translation"), "'translation' is none of"),
        (lambda d: d.update(precision="int3"), "'int3' is none of"),
        (lambda d: d["encoder"].update(pooling="cls"), "pooling 'cls'"),
        (lambda d: d.pop("golden"), "has no 'golden'"),
        (lambda d: d.update(files=[]), "must list model.onnx"),
        (lambda d: d["files"][0].update(path="../model.onnx"), "no plain name inside the bundle"),
        (lambda d: d["files"][0].update(path="/etc/passwd"), "no plain name inside the bundle"),
        (lambda d: d.update(name="../../x"), "no plain name inside the bundle"),
        (lambda d: d["files"][0].update(sha256="0"), "64 hexadecimal digits"),
        (lambda d: d["golden"]["embeddings"][0].pop(), "another dimension"),
        (lambda d: d.update(encoder="small"), "is malformed"),
    ],
)
def test_bad_manifests(
    bundle: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    rewrite(bundle, change)
    with pytest.raises(BundleError, match=message) as caught:
        read_bundle(bundle)
    assert caught.value.hint


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_broken_manifest_files(bundle: Path, raw: bytes) -> None:
    (bundle / "manifest.json").write_bytes(raw)
    with pytest.raises(BundleError):
        read_bundle(bundle)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model bundle in"):
        read_bundle(tmp_path)


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size = len(payload)
    varint = b""
    while size > 0x7F:
        varint += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + varint + bytes([size]) + payload


def model_with_external_data(location: bytes) -> bytes:
    """An ONNX model whose one initializer lies in another file."""
    entry = field(1, b"location") + field(2, location)
    tensor = field(8, b"weights") + field(13, entry) + b"\x70\x01"
    return b"\x08\x08" + field(7, field(2, b"graph") + field(5, tensor))


@pytest.mark.parametrize("location", [b"../../secret.bin", b"/etc/passwd", b"other.bin"])
def test_external_data_outside_the_bundle_is_refused(bundle: Path, location: bytes) -> None:
    (bundle / "model.onnx").write_bytes(model_with_external_data(location))
    relist(bundle, "model.onnx")
    with pytest.raises(BundleError, match="refers to files outside its bundle"):
        Encoder(read_bundle(bundle))


def test_external_data_inside_subgraphs_is_seen(tmp_path: Path) -> None:
    inner = field(5, field(13, field(1, b"location") + field(2, b"x.bin")))
    attribute = field(5, field(6, inner))
    model = tmp_path / "model.onnx"
    model.write_bytes(field(7, field(1, attribute)))
    assert external_data_paths(model) == {"x.bin"}


@pytest.mark.parametrize("raw", [b"\x3a\xff\xff\x03abc", b"\x3b", b"\x08"])
def test_a_file_that_is_no_model(bundle: Path, raw: bytes) -> None:
    (bundle / "model.onnx").write_bytes(raw)
    relist(bundle, "model.onnx")
    with pytest.raises(InferenceError, match="cannot load"):
        Encoder(read_bundle(bundle))
    # What might refer to other files is looked through before onnxruntime sees it.
    (bundle / "model.onnx").write_bytes(raw + b"location")
    relist(bundle, "model.onnx")
    with pytest.raises(BundleError, match="no well-formed ONNX model"):
        Encoder(read_bundle(bundle))


def test_a_model_onnxruntime_refuses(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes(field(7, field(2, b"graph")))
    relist(bundle, "model.onnx")
    with pytest.raises(InferenceError, match="cannot load"):
        Encoder(read_bundle(bundle))


def test_a_broken_tokenizer(bundle: Path) -> None:
    (bundle / "tokenizer.json").write_text("{}")
    relist(bundle, "tokenizer.json")
    with pytest.raises(BundleError, match="tokenizer"):
        Encoder(read_bundle(bundle))


def test_add_use_and_remove(bundle: Path) -> None:
    rewrite(bundle, lambda d: d.update(name="my-model"))
    added = add_bundle(bundle)
    assert added.id == "my-model-int8"
    assert [b.id for b in list_bundles()] == ["minilm-l6-int8", "my-model-int8"]
    assert find_bundle("my-model-int8").folder == added.folder
    with pytest.raises(BundleError, match="was added before"):
        add_bundle(bundle)
    assert add_bundle(bundle, replace_existing=True) == added
    remove_bundle("my-model-int8")
    with pytest.raises(BundleError, match="here are: minilm-l6-int8"):
        find_bundle("my-model-int8")


def test_adding_a_damaged_bundle_leaves_nothing(bundle: Path, own_home: Path) -> None:
    (bundle / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleError):
        add_bundle(bundle)
    assert not list(own_home.rglob("*.json"))


def test_the_embedded_bundle_is_its_manifest(encoder: Encoder) -> None:
    bundle = find_bundle()
    verify_files(bundle)
    certificate = bundle.manifest.certificate
    assert certificate["mean_cosine"] >= certificate["gate"]["min_mean_cosine"] == 0.988
    assert certificate["top10_agreement"] >= certificate["gate"]["min_top10_agreement"] == 0.88
    agreement = encoder_agreement(encoder)
    assert agreement.is_right
    assert agreement.value >= agreement.limit == bundle.manifest.golden.min_cosine
    assert 20e6 < bundle.size_bytes < 30e6


@pytest.mark.parametrize(
    ("metric", "value", "is_right"),
    [
        (GOLDEN_COSINE, 0.99, True),
        (GOLDEN_COSINE, 0.97, False),
        (GOLDEN_COSINE, float("nan"), False),
        (GOLDEN_NLL_ERROR, 0.97, True),
        (GOLDEN_NLL_ERROR, 0.99, False),
        (GOLDEN_NLL_ERROR, float("nan"), False),
    ],
)
def test_a_golden_sample_is_right_on_its_side_of_the_limit(
    metric: str, value: float, is_right: bool
) -> None:
    assert GoldenAgreement(metric, value, 0.98).is_right is is_right
