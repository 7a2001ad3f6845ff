"""Edge Insights, workstation side: trained checkpoints in, verified ONNX bundles out."""
