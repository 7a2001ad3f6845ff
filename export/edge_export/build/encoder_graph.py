"""Checkpoint -> FP32 ONNX graph with fused layers."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

from edge_export.recipe import Optimize


def export_fp32(checkpoint: Path, work: Path, opset: int) -> Path:
    """Export a checkpoint with optimum.

    :param checkpoint: Folder with config, weights and tokenizer.
    :param work: Folder to write to.
    :param opset: ONNX operator set.
    :return: Path of the model: ids, mask and types in, ``last_hidden_state`` out.
    """
    from optimum.exporters.onnx import main_export

    folder = work / "exported"
    with _quiet():
        main_export(
            str(checkpoint),
            output=folder,
            task="feature-extraction",
            opset=opset,
            library_name="transformers",
            do_validation=False,  # the gate compares far more than one random batch
        )
    return folder / "model.onnx"


def fuse(model: Path, work: Path, settings: Optimize) -> Path:
    """Fuse attention, GELU and layer norm with onnxruntime's transformer optimizer.

    The embedding lookup stays apart, so that its table can be quantized like any weight.

    :param model: FP32 graph.
    :param work: Folder to write to.
    :param settings: Architecture of the model.
    """
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    options = FusionOptions(settings.model_type)
    options.enable_embed_layer_norm = False
    # Biases go into the matrix products, and onnxruntime fuses the rest where it runs if that is
    # faster there; on a CPU it is not (docs/adr/0015-speed.md).
    options.enable_skip_layer_norm = False
    options.enable_bias_skip_layer_norm = False
    options.enable_bias_gelu = False
    with _quiet():
        optimized = optimize_model(
            str(model),
            model_type=settings.model_type,
            num_heads=settings.num_heads,
            hidden_size=settings.hidden_size,
            opt_level=0,  # graph rewrites of onnxruntime's own happen when it loads the model
            optimization_options=options,
        )
    path = work / "fused.onnx"
    optimized.save_model_to_file(str(path))
    return path


@contextlib.contextmanager
def _quiet():  # type: ignore[no-untyped-def]
    """Exporters print tracing notes that mean nothing to whoever runs a recipe."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
