"""Where checkpoints come from, and what they say of their prompts."""
