"""What a model says of an episode in its own words, and which of it holds."""
