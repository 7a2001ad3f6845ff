"""Words as ROUGE compares them."""

from __future__ import annotations

from functools import cache
from typing import Any


def rouge_words(text: str) -> list[str]:
    """Lower-case words, stemmed as ROUGE does.

    :param text: Any text.
    """
    from rouge_score.tokenize import tokenize

    words: list[str] = tokenize(text, _stemmer())
    return words


def stem_word(word: str) -> str:
    """A word's Porter stem.

    :param word: In small letters.
    """
    stem: str = _stemmer().stem(word)
    return stem


@cache
def _stemmer() -> Any:
    """A Porter stemmer that stems a word once: stemming took most of the training's time."""
    from nltk.stem.porter import PorterStemmer

    stemmer = PorterStemmer()
    stemmer.stem = cache(stemmer.stem)
    return stemmer
