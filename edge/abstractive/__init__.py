"""Summaries in a model's own words, each sentence grounded in the transcript."""
