"""Heads and adapters learned from documents."""
