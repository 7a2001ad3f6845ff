"""Files of a bundle, checked and opened."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from edge.bundles.manifest import Bundle
from edge.bundles.onnx_file import external_data_paths
from edge.errors import BundleError


def model_path(bundle: Bundle, name: str = "model.onnx") -> Path:
    """Path of an ONNX file that refers to nothing outside its bundle.

    :param bundle: The bundle.
    :param name: The file's name.
    :raises BundleError: If it is not listed, or refers outside.
    """
    model = bundle.path(name)
    outside = external_data_paths(model) - {file.path for file in bundle.manifest.files}
    if outside:
        raise BundleError(
            f"{model} refers to files outside its bundle: {sorted(outside)[:3]}",
            "Do not use this bundle unless you know who made it; export it again.",
        )
    return model


def load_tokenizer(bundle: Bundle) -> Tokenizer:
    """The bundle's tokenizer, without padding and truncation.

    :param bundle: The bundle.
    :raises BundleError: If it cannot be read.
    """
    try:
        tokenizer = Tokenizer.from_file(str(bundle.path("tokenizer.json")))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleError(
            f"the tokenizer of {bundle.id} cannot be read: {error}", "Export the bundle again."
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
