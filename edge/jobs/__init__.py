"""Many episodes: batches and watched folders."""
