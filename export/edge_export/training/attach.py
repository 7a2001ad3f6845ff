"""Fitted heads put into a bundle: as ONNX files, checked against the models they came from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edge.bundles.manifest import Bundle, read_bundle
from edge.bundles.specs import HeadSpec
from edge.runtime.heads import Head
from edge_export.errors import GateError
from edge_export.graph.reader import to_onnx_bytes as reader_bytes
from edge_export.manifest import package_versions, write_heads
from edge_export.training.background_head import WordTable
from edge_export.training.small_network import SmallNetwork
from edge_export.training.tagger_head import TEACHER, HashedLinear
from edge_export.training.trained_head import TrainedHead, predict_classes

MAX_DIFFERENCE = 1e-4
"""Largest difference between a head's ONNX file and the trained model."""
MAX_HEAD_BYTES = 3_000_000
OPSET = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8
"""Newest that the oldest supported onnxruntime (1.14) reads."""
TOOLS = ("scikit-learn", "lightgbm", "skl2onnx", "onnxmltools", "spacy", TEACHER)


def attach_heads(bundle: Bundle, heads: Sequence[TrainedHead], data: Mapping[str, str]) -> Bundle:
    """Write heads into a bundle folder, in place of those of the same names.

    A head that does not pass leaves the bundle as it was.

    :param bundle: The bundle whose vectors they were trained on.
    :param heads: Trained heads.
    :param data: Training file -> SHA-256.
    :raises GateError: If an exported head differs from its model, or is too large.
    """
    names = {head.name for head in heads}
    kept = [spec for spec in bundle.manifest.heads if spec.name not in names]
    with TemporaryDirectory(dir=bundle.folder.parent) as temporary:
        draft = read_bundle(Path(shutil.copytree(bundle.folder, Path(temporary) / "draft")))
        specs = [_write_head(draft, head, data) for head in heads]
        draft = write_heads(draft, [*kept, *specs])
        certified = [
            replace(spec, certificate=_certificate(draft, spec, head))
            for spec, head in zip(specs, heads, strict=True)
        ]
        for spec in certified:
            draft.path(spec.file).replace(bundle.folder / spec.file)
    return write_heads(bundle, [*kept, *certified])


def _write_head(bundle: Bundle, head: TrainedHead, data: Mapping[str, str]) -> HeadSpec:
    file = f"{head.name}.onnx"
    (bundle.folder / file).write_bytes(to_onnx_bytes(head))
    training = {
        "data_sha256": dict(data),
        "documents": head.n_documents,
        "rows": head.n_rows,
        "tool_versions": package_versions(TOOLS),
    }
    return HeadSpec(head.name, file, head.features, training, {})


def _certificate(bundle: Bundle, spec: HeadSpec, head: TrainedHead) -> dict[str, Any]:
    size_bytes = bundle.path(spec.file).stat().st_size
    if size_bytes > MAX_HEAD_BYTES:
        raise GateError(
            f"head {spec.name} has {size_bytes} bytes, at most {MAX_HEAD_BYTES} are allowed",
            "Train it with fewer trees.",
        )
    loaded = Head(bundle, replace(spec, features=("rows",)))
    exported = loaded.predict_classes({"rows": head.rows})
    difference = float(np.abs(exported - predict_classes(head.model, head.rows)).max())
    if not difference <= MAX_DIFFERENCE:
        raise GateError(
            f"head {spec.name} differs from its model by {difference:.2g}",
            f"At most {MAX_DIFFERENCE:.0e} is allowed; check the converter's version.",
        )
    return {"max_difference": difference, "n_rows": len(head.rows), "limit": MAX_DIFFERENCE}


def to_onnx_bytes(head: TrainedHead) -> bytes:
    """The fitted model as ONNX, with one input ``rows`` and one output.

    :param head: A trained head.
    """
    if hasattr(head.model, "booster_"):
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        types = [("rows", FloatTensorType([None, head.rows.shape[1]]))]
        options = {"zipmap": False} if hasattr(head.model, "predict_proba") else {}
        model = convert_lightgbm(head.model, initial_types=types, target_opset=15, **options)
        while len(model.graph.output) > 1:  # the label says nothing the probabilities do not
            del model.graph.output[0]
    elif isinstance(head.model, (HashedLinear, WordTable, SmallNetwork)):
        model = head.model.to_onnx()
    elif head.name == "reader":
        return reader_bytes(head.model, head.rows.shape[1])
    else:
        from skl2onnx import to_onnx

        model = to_onnx(head.model, head.rows[:1], target_opset=OPSET)
    model.ir_version = IR_VERSION
    model.graph.name = head.name  # the converters name graphs at random
    return bytes(model.SerializeToString())
