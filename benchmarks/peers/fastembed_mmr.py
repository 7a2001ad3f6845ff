"""The peer: fastembed vectors of every sentence, key points by MMR; no keyphrases.

``python fastembed_mmr.py TRANSCRIPT MODEL_FOLDER`` prints JSON. The model is our FP32 bundle of
the same checkpoint, as fastembed takes ONNX only and its own hub cannot be asked for.
"""

import json
import sys

import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from transcript import choose_key_points, read_sentences


def main() -> None:
    """Choose the key points of one whisper.cpp transcript."""
    sentences = read_sentences()
    TextEmbedding.add_custom_model(
        model="all-minilm-l6-v2-fp32",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="none/none"),
        dim=384,
        model_file="model.onnx",
    )
    model = TextEmbedding("all-minilm-l6-v2-fp32", specific_model_path=sys.argv[2])
    vectors = np.stack(list(model.embed(sentences, batch_size=32)))
    chosen = choose_key_points(vectors)
    print(json.dumps({"key_points": [sentences[i] for i in chosen]}))


if __name__ == "__main__":
    main()
