"""The peer: sumy's LexRank; a summary of 12 sentences, no vectors, no keyphrases."""

import json

from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.utils import get_stop_words
from transcript import read_sentences


class Words:
    """Splits at spaces: sumy's own tokenizer downloads its data."""

    def to_words(self, text: str) -> list[str]:
        """Words of a sentence.

        :param text: The sentence.
        """
        return text.split()


def main() -> None:
    """Summarize one whisper.cpp transcript."""
    document = ObjectDocumentModel([Paragraph([Sentence(s, Words()) for s in read_sentences()])])
    summarizer = LexRankSummarizer(Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")
    print(json.dumps({"key_points": [str(s) for s in summarizer(document, 12)]}))


if __name__ == "__main__":
    main()
