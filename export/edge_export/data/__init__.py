"""Documents to learn from, and examples made of them."""
