"""Records of the latency suite as pages with charts: the workstation side of ``edge bench``."""
