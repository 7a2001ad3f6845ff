"""Summaries, chapters and keyphrases scored beside baselines on documents with human labels."""
