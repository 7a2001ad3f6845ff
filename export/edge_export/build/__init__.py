"""One bundle from a recipe."""
