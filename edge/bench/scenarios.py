"""What there is to measure, by name, and how much of it makes one sample."""

from __future__ import annotations

COLD, STREAM, BATCH, ENCODER, TOKENS = "cold", "stream", "batch", "encoder", "tokens"
SCENARIOS = {
    COLD: "the whole command in a fresh process, from its start to its end",
    STREAM: "one episode after the other in a process that is warm: read, digest, render",
    BATCH: "a batch of 4 episodes into a folder, in a process that is warm",
    ENCODER: "the encoder alone on 64 sentences of 24 words",
    TOKENS: "a model that writes: 256 tokens read (prefill), 32 written (decode)",
}
"""Every scenario, and what one sample of it is."""
DIGESTS = (COLD, STREAM, BATCH)
"""Those whose samples are whole digests."""
BATCH_EPISODES = 4
ENCODER_SENTENCES, ENCODER_WORDS = 64, 24
PREFILL_TOKENS, DECODE_TOKENS = 256, 32
