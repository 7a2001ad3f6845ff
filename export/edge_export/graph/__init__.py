"""Checkpoints as graphs of onnxruntime's fused operators."""
