"""Texts to tokens: the only module that talks to tokenizers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from tokenizers import Tokenizer

from edge.bundles.manifest import Bundle
from edge.errors import BundleError

BATCH_TEXTS = 256
"""Texts in one call: what a tokenizer tells of a text takes a hundred times the memory of ids."""
FIRST_WORD_ID = 2000
"""Where whole words begin in the vocabulary, after its single characters."""
RARE_FACTOR = 4
"""Four times as far down, a word counts as rare."""


def load_tokenizer(bundle: Bundle) -> Tokenizer:
    """The bundle's tokenizer, without padding and truncation.

    :param bundle: The bundle.
    :raises BundleError: If it cannot be read.
    """
    try:
        tokenizer = Tokenizer.from_file(str(bundle.path("tokenizer.json")))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleError(
            f"the tokenizer of {bundle.id} cannot be read: {error}", "Export the bundle again."
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def special_tokens(bundle: Bundle) -> tuple[str, ...]:
    """Markers that the bundle's tokenizer knows as such, as texts.

    :param bundle: A bundle whose files were verified.
    """
    # Read from the file: older releases of tokenizers cannot be asked for them.
    document = json.loads(bundle.path("tokenizer.json").read_bytes())
    added = document.get("added_tokens", [])
    return tuple(token["content"] for token in added if token["special"])


def tokenize(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Tokens of each text, without markers.

    :param tokenizer: As ``load_tokenizer`` gives it.
    :param texts: Any number of texts.
    """
    token_ids: list[list[int]] = []
    for start in range(0, len(texts), BATCH_TEXTS):
        batch = list(texts[start : start + BATCH_TEXTS])
        encodings = tokenizer.encode_batch(batch, add_special_tokens=False)
        token_ids += [encoding.ids for encoding in encodings]
    return token_ids


def word_rarity(tokenizer: Tokenizer, word: str) -> float:
    """How rare a word is, 0 (among the commonest) to 1, from its place in the vocabulary.

    WordPiece vocabularies of the BERT family list whole words from frequent to rare, so the
    place tells frequency without a list of its own.

    :param tokenizer: Of such a model.
    :param word: One word, any case.
    """
    token_id = tokenizer.token_to_id(word.lower())
    if token_id is None:
        return 1.0
    return min(1.0, max(0.0, math.log(max(token_id, 1) / FIRST_WORD_ID) / math.log(RARE_FACTOR)))
