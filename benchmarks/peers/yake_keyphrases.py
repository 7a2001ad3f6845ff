"""The peer: YAKE's keyphrases; no model, no summary."""

import json

import yake
from transcript import read_sentences


def main() -> None:
    """Keyphrases of one whisper.cpp transcript."""
    scored = yake.KeywordExtractor(lan="en", n=3, top=15).extract_keywords(
        " ".join(read_sentences())
    )
    print(json.dumps({"keyphrases": [phrase for phrase, _ in scored]}))


if __name__ == "__main__":
    main()
