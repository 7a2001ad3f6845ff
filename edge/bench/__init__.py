"""The latency suite: what a digest costs on this device, measured and compared."""
