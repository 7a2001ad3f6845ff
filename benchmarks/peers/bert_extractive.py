"""The peer: bert-extractive-summarizer on the same checkpoint; 12 sentences, no keyphrases."""

import json
import os

from transcript import checkpoint, read_sentences

os.environ["HF_HUB_OFFLINE"] = "1"


def main() -> None:
    """Summarize one whisper.cpp transcript."""
    from summarizer import Summarizer
    from transformers import AutoModel, AutoTokenizer

    folder = checkpoint()
    model = AutoModel.from_pretrained(folder, output_hidden_states=True)
    summarizer = Summarizer(
        custom_model=model, custom_tokenizer=AutoTokenizer.from_pretrained(folder)
    )
    summary = summarizer(" ".join(read_sentences()), num_sentences=12)
    print(json.dumps({"summary": summary}))


if __name__ == "__main__":
    main()
