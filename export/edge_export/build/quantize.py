"""FP32 graph -> the same graph in another precision."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_export.recipe import Int8


def to_fp32(model: Path, target: Path) -> Mapping[str, Any]:
    """Keep the graph as it is.

    :param model: FP32 graph.
    :param target: File to write.
    :return: Settings for the manifest.
    """
    shutil.copyfile(model, target)
    return {"method": "none"}


def to_fp16(model: Path, target: Path) -> Mapping[str, Any]:
    """Half precision inside, FP32 at the inputs and outputs.

    :param model: FP32 graph.
    :param target: File to write.
    :return: Settings for the manifest.
    """
    import onnx
    from onnxruntime.transformers.onnx_model import OnnxModel

    half = OnnxModel(onnx.load(model))
    half.convert_float_to_float16(keep_io_types=True)
    half.save_model_to_file(str(target))
    return {"method": "float16", "keep_io_types": True}


def to_int8(model: Path, target: Path, settings: Int8) -> Mapping[str, Any]:
    """Dynamic INT8: 8-bit weights, activations quantized as they come.

    :param model: FP32 graph.
    :param target: File to write.
    :param settings: Per channel or per tensor, and the weights' type.
    :return: Settings for the manifest.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    weight_types = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}
    quantize_dynamic(
        str(model),
        str(target),
        per_channel=settings.per_channel,
        weight_type=weight_types[settings.weight_type],
        # The fused operators are outside ONNX's own shape inference; all they carry is float.
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    return {
        "method": "dynamic",
        "per_channel": settings.per_channel,
        "weight_type": settings.weight_type,
    }


def convert(model: Path, target: Path, precision: str, int8: Int8) -> Mapping[str, Any]:
    """Convert to any of ``edge.bundles.manifest.PRECISIONS``.

    :param model: FP32 graph.
    :param target: File to write.
    :param precision: One of the known precisions.
    :param int8: Settings of the INT8 conversion.
    :return: Settings for the manifest.
    """
    if precision == "int8":
        return to_int8(model, target, int8)
    return {"fp32": to_fp32, "fp16": to_fp16}[precision](model, target)
