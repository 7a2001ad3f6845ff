"""Edge Insights, device side: a transcript in, a digest out, offline.

This package imports numpy, onnxruntime, tokenizers and click only. ``edge.cli.main`` is the
command line; ``edge.pipeline.digest_transcript`` is the same pipeline as one function.
"""

__version__ = "0.1.0"
