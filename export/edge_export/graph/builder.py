"""A graph written node by node, its weights in one file beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.arrays import AnyArray

OPSET = 17
IR_VERSION = 8
"""The oldest that hold every operator used: what old runtimes on boards still read."""
CONTRIB = "com.microsoft"
DATA_NAME = "model.onnx.data"
ALIGNMENT_BYTES = 4096
"""Weights begin on a page of their own, so that they are mapped instead of read."""
EXTERNAL_MIN_BYTES = 1024


class WeightFile:
    """``model.onnx.data``, written array by array; graphs of one bundle share it.

    :param folder: Folder to write to.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / DATA_NAME).open("wb")
        self._tensors: dict[str, Any] = {}

    def __enter__(self) -> WeightFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def tensor(self, name: str, array: AnyArray) -> Any:
        """An array as a constant of that name, which stands in the file if it is large.

        :param name: Its name; a large one of a name that is there already is taken to be it.
        :param array: Its values.
        """
        from onnx import TensorProto, numpy_helper

        array = np.ascontiguousarray(array)
        if array.nbytes < EXTERNAL_MIN_BYTES:
            return numpy_helper.from_array(array, name)
        if name not in self._tensors:
            self._file.write(b"\0" * (-self._file.tell() % ALIGNMENT_BYTES))
            tensor = TensorProto(
                name=name, dims=array.shape, data_type=_element_type(array.dtype.name)
            )
            tensor.data_location = TensorProto.EXTERNAL
            external = {
                "location": DATA_NAME,
                "offset": self._file.tell(),
                "length": array.nbytes,
            }
            for key, value in external.items():
                tensor.external_data.add(key=key, value=str(value))
            self._file.write(array.tobytes())
            self._tensors[name] = tensor
        return self._tensors[name]


class GraphBuilder:
    """Collects the nodes of one graph and writes them.

    :param file: Gets the weights.
    """

    def __init__(self, file: WeightFile) -> None:
        self._file = file
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._names: set[str] = set()

    def input(self, name: str, dtype: str, shape: Sequence[str | int]) -> str:
        """Declare an input.

        :param name: Its name.
        :param dtype: Element type, numpy's name.
        :param shape: A number or a name for each dimension.
        :return: The name.
        """
        self._inputs.append(_value_info(name, dtype, shape))
        return name

    def output(self, name: str, dtype: str, shape: Sequence[str | int]) -> None:
        """Declare an output; a node has to make it.

        :param name: Its name.
        :param dtype: Element type, numpy's name.
        :param shape: A number or a name for each dimension.
        """
        self._outputs.append(_value_info(name, dtype, shape))

    def weight(self, name: str, array: AnyArray) -> str:
        """Add a constant; one of a name that is there already is taken to be the same.

        :param name: Its name.
        :param array: Its values.
        :return: The name.
        """
        if name not in self._names:
            self._names.add(name)
            self._weights.append(self._file.tensor(name, array))
        return name

    def same_weight(self, name: str, original: str, shape: Sequence[int]) -> str:
        """A constant on the bytes of another one, in another shape.

        :param name: Its name.
        :param original: Name of the constant whose bytes it shares.
        :param shape: Its shape, of as many elements.
        :return: The name.
        """
        from onnx import TensorProto

        if name not in self._names:
            self._names.add(name)
            shared = TensorProto()
            shared.CopyFrom(next(tensor for tensor in self._weights if tensor.name == original))
            shared.name = name
            del shared.dims[:]
            shared.dims.extend(shape)
            self._weights.append(shared)
        return name

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add a node.

        :param op: Operator.
        :param inputs: Names; an empty one is an input left out.
        :param outputs: Names; an empty one is an output left out.
        :param domain: Operator set; "" for ONNX's own.
        :param attributes: The operator's attributes.
        :return: Name of the first output.
        """
        from onnx import helper

        name = outputs[0]
        self._nodes.append(
            helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes)
        )
        return name

    def has_node(self, name: str) -> bool:
        """Whether there is a node with this first output.

        :param name: Of the output.
        """
        return any(node.name == name for node in self._nodes)

    def save(self, path: Path) -> None:
        """Write the graph.

        :param path: The ONNX file, beside the weights.
        """
        from onnx import helper, save

        graph = helper.make_graph(
            self._nodes, "main", self._inputs, self._outputs, initializer=self._weights
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
            producer_name="edge-insights",
        )
        model.ir_version = IR_VERSION
        save(model, path)


def _element_type(dtype: str) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _value_info(name: str, dtype: str, shape: Sequence[str | int]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, _element_type(dtype), shape)
