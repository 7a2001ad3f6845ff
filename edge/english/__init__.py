"""All that knows English: words, fillers, claims, paraphrases."""
