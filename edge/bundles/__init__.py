"""What a model folder says and where it lies: the seam to the workstation side."""
