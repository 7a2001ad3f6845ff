"""The peer: optimum's ORTModelForFeatureExtraction on its own export, key points by MMR.

``python optimum_mmr.py TRANSCRIPT fp32|int8 FOLDER`` exports into FOLDER once, and prints JSON.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
from transcript import checkpoint, choose_key_points, read_sentences

os.environ["HF_HUB_OFFLINE"] = "1"
BATCH = 32


def export(precision: str, folder: Path) -> None:
    """Optimum's own export, and its own dynamic INT8.

    :param precision: ``fp32`` or ``int8``.
    :param folder: Where it goes.
    """
    from optimum.onnxruntime import ORTModelForFeatureExtraction, ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig
    from transformers import AutoTokenizer

    model = ORTModelForFeatureExtraction.from_pretrained(checkpoint(), export=True)
    AutoTokenizer.from_pretrained(checkpoint()).save_pretrained(folder)
    if precision == "fp32":
        model.save_pretrained(folder)
        return
    quantizer = ORTQuantizer.from_pretrained(model)
    settings = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=True)
    quantizer.quantize(save_dir=folder, quantization_config=settings)


def main() -> None:
    """Choose the key points of one whisper.cpp transcript."""
    precision, folder = sys.argv[2], Path(sys.argv[3])
    if not folder.exists():
        export(precision, folder)
    from optimum.onnxruntime import ORTModelForFeatureExtraction
    from transformers import AutoTokenizer

    sentences = read_sentences()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = ORTModelForFeatureExtraction.from_pretrained(folder)
    order = sorted(range(len(sentences)), key=lambda i: -len(sentences[i]))
    vectors = np.zeros((len(sentences), 384), np.float32)
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        inputs = tokenizer(
            [sentences[i] for i in part],
            padding=True,
            truncation=True,
            max_length=256,
            return_tensors="np",
        )
        hidden = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"][:, :, None]
        pooled = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
        vectors[part] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    chosen = choose_key_points(vectors)
    print(json.dumps({"key_points": [sentences[i] for i in chosen]}))


if __name__ == "__main__":
    main()
