"""Text token by token: prompts, decoding, sampling, beam search."""
