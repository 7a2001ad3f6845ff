"""Bundles built from checkpoints: exported, quantized, compared, written."""
