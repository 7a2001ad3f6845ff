"""Sentence vectors of the training documents, kept between runs: embedding is the slow part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from edge.arrays import AnyArray, Float32Array
from edge.runtime.encoder import Encoder
from edge_export.log import Log

CHUNK = 2000
"""Texts embedded between two savings."""


class VectorCache:
    """Text -> vector, for one bundle, in a folder.

    :param folder: Made if it is not there; one file a bundle.
    :param encoder: Embeds what is not known yet.
    """

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        model = next(f for f in encoder.bundle.manifest.files if f.path == "model.onnx")
        self._path = folder / f"{encoder.bundle.id}-{model.sha256[:12]}.npz"
        self._encoder = encoder
        self._known: dict[bytes, AnyArray] = {}
        if self._path.is_file():
            with np.load(self._path) as stored:
                self._known = dict(zip(map(bytes, stored["keys"]), stored["vectors"], strict=True))

    def add(self, texts: Iterable[str], log: Log) -> None:
        """Embed and save the texts that are not known yet.

        :param texts: Any texts.
        :param log: Told of the progress.
        :raises InferenceError: If onnxruntime fails.
        """
        new = sorted({text for text in texts if _key(text) not in self._known})
        for start in range(0, len(new), CHUNK):
            log(f"embedding {start} of {len(new)} texts")
            part = new[start : start + CHUNK]
            vectors = self._encoder.encode(part).astype(np.float16)
            self._known.update(zip(map(_key, part), vectors, strict=True))
            if start % (20 * CHUNK) == 0 or start + CHUNK >= len(new):
                self._save()

    def get(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of known texts, shape (texts, dimension).

        :param texts: Added before.
        :raises KeyError: If one was not.
        """
        return np.stack([self._known[_key(text)] for text in texts]).astype(np.float32)

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new.npz")
        keys = np.array([list(key) for key in self._known], np.uint8)
        np.savez(temporary, keys=keys, vectors=np.stack(list(self._known.values())))
        temporary.replace(self._path)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
