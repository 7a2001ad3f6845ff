"""What this machine can do, and how it is while it does it."""
