"""What is picked from a transcript word for word: chapters, key points, quotes, keyphrases."""
