"""What was taught, as files: the encoder's adapter, the ``reader`` head, and how they came to be.

The folder stands in the recipe's; a build adds the adapter to the checkpoint and puts the head
into the bundle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundles.specs import HeadSpec, head_spec
from edge.extraction.reader import ROLES
from edge_export.errors import RecipeError
from edge_export.graph.halves import stored_in_half
from edge_export.graph.lora import CONFIG_FILE, WEIGHTS_FILE

HEAD_FILE, RECORD_FILE = "reader.onnx", "reader.json"
IR_VERSION, OPSET = 8, 17
"""Read by the oldest supported onnxruntime (1.14)."""
VECTOR_SCALE = 8.0
"""What the network multiplies vectors by: a unit vector's entries are small beside a state's."""


@dataclass(frozen=True)
class ReaderFiles:
    """The folder of a reader that was taught."""

    folder: Path
    spec: HeadSpec
    """Of the head, as the manifest names it."""

    def head_bytes(self) -> bytes:
        """The head's ONNX file."""
        return (self.folder / HEAD_FILE).read_bytes()


def read_reader(folder: Path) -> ReaderFiles:
    """The files of a reader.

    :param folder: As ``write_reader`` and ``write_adapter`` left it.
    :raises RecipeError: If something is missing or malformed.
    """
    try:
        spec = head_spec(json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))
        (folder / HEAD_FILE).stat()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"cannot read the reader in {folder}: {type(error).__name__} {error}",
            "It is part of a checkout of the project; build there, or teach it again.",
        ) from error
    return ReaderFiles(folder, spec)


def write_adapter(folder: Path, deltas: Mapping[str, Any]) -> None:
    """The adapter, in FP16, as ``edge_export.graph.lora.read_adapter`` reads it.

    :param folder: To write into.
    :param deltas: Layer -> its ``LowRankDelta``.
    """
    from safetensors.numpy import save_file

    tensors = {}
    for layer, delta in deltas.items():
        for part, matrix in (("A", delta.down), ("B", delta.up)):
            name = f"base_model.model.{layer}.lora_{part}.weight"
            tensors[name] = matrix.detach().cpu().numpy().astype(np.float16)
    first = next(iter(deltas.values()))
    rank = len(first.down)
    config = {"bias": "none", "lora_alpha": first.scale * rank, "peft_type": "LORA", "r": rank}
    save_file(tensors, folder / WEIGHTS_FILE)
    text = json.dumps(config, indent=2, sort_keys=True)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def write_head(folder: Path, model: bytes, spec: HeadSpec) -> None:
    """The head, and what a manifest says of it.

    :param folder: To write into.
    :param model: The ONNX file.
    :param spec: Of the head.
    """
    (folder / spec.file).write_bytes(model)
    text = json.dumps(asdict(spec), indent=1, ensure_ascii=False)
    (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8")


def to_onnx_bytes(network: Any, n_columns: int) -> bytes:
    """The network over an episode's sentences as ONNX: ``rows`` in, the roles' chances out.

    :param network: A ``SequenceReader`` that was taught, its weights rounded to FP16.
    :param n_columns: Of ``rows``: state, vector and measures of a sentence.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = {name: tensor.detach().cpu().numpy() for name, tensor in _weights(network).items()}
    stored, casts = stored_in_half(weights)
    dimension = network.state.in_features
    shapes = {
        "split_at": np.array([dimension, dimension, n_columns - 2 * dimension], np.int64),
        "batch_axis": np.array([1], np.int64),
        "per_sentence": np.array([0, -1], np.int64),
    }
    nodes = [
        *casts,
        helper.make_node("Split", ["rows", "split_at"], ["state", "vector", "measures"], axis=1),
        *_linear("state", "state_seen", "state_linear"),
        helper.make_node("Relu", ["state_linear"], ["state_read"]),
        *_linear("vector", "vector_seen", "vector_read"),
        helper.make_node("Concat", ["state_read", "vector_read", "measures"], ["read"], axis=1),
        helper.make_node("Unsqueeze", ["read", "batch_axis"], ["sequence"]),
        helper.make_node(
            "GRU",
            ["sequence", "gru_input", "gru_recurrent", "gru_bias"],
            ["directions"],
            direction="bidirectional",
            hidden_size=network.around.hidden_size,
            linear_before_reset=1,
        ),
        helper.make_node("Reshape", ["directions", "per_sentence"], ["around"]),
        *_linear("around", "role_around", "logits_around"),
        *_linear("state", "role_alone", "logits_alone"),
        helper.make_node("Add", ["logits_around", "logits_alone"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["roles"]),
    ]
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["sentences", n_columns])
    roles = helper.make_tensor_value_info("roles", TensorProto.FLOAT, ["sentences", len(ROLES)])
    constants = [numpy_helper.from_array(array, name) for name, array in shapes.items()]
    graph = helper.make_graph(nodes, "reader", [rows], [roles], [*stored, *constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _linear(source: str, layer: str, target: str) -> list[Any]:
    from onnx import helper

    return [helper.make_node("Gemm", [source, layer, f"{layer}_bias"], [target], transB=1)]


def _weights(network: Any) -> dict[str, Any]:
    """The network's tensors by the graph's names; gates in ONNX's order, not PyTorch's."""
    import torch

    around, parts = network.around, {}

    def gates(name: str) -> Any:
        def ordered(tensor: Any) -> Any:
            reset, update, new = tensor.chunk(3)
            return torch.cat([update, reset, new])

        return torch.stack([ordered(getattr(around, name + end)) for end in ("", "_reverse")])

    parts["gru_input"] = gates("weight_ih_l0")
    parts["gru_recurrent"] = gates("weight_hh_l0")
    parts["gru_bias"] = torch.cat([gates("bias_ih_l0"), gates("bias_hh_l0")], dim=1)
    for layer, linear in (
        ("state_seen", network.state),
        ("vector_seen", network.vector),
        ("role_around", network.role),
        ("role_alone", network.alone),
    ):
        parts[layer], parts[f"{layer}_bias"] = linear.weight, linear.bias
    parts["vector_seen"] = VECTOR_SCALE * parts["vector_seen"]
    return parts
