"""Which stretches of a sentence can stand alone, as a noun phrase, an action, a claim.

Two heads, taught by a parser on the workstation: ``syntax``, linear over the tagger's features,
tells what kind of word each is; ``span`` reads those kinds at the edges of a stretch and inside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import Float32Array, Float64Array, Int64Array
from edge.english.words import FILLERS, is_content_word, words
from edge.extraction.features import running_sums
from edge.extraction.tagger import ends_clause, tag_features
from edge.runtime.heads import Classifier

KINDS = (
    "noun", "name", "adjective", "base", "finite", "gerund", "participle", "auxiliary", "pronoun",
    "determiner", "preposition", "to", "conjunction", "linker", "adverb", "number", "other",
)  # fmt: skip
"""Of words. A linker begins a clause: "how", "because", "that"."""
FORMS = ("cut", "noun", "action", "claim", "how")
"""Of stretches: one that is cut amiss; a noun phrase; "avoiding the problem"; a clause with its
subject; "how", "why" or "what" with its clause."""
MIN_WORDS, MAX_WORDS = 2, 9
"""Of a stretch that is looked at."""

_HEDGES = FILLERS | set(
    "really actually basically essentially obviously literally just simply honestly anyway".split()
)
_HEDGE_PAIRS = frozenset(
    [("you", "know"), ("i", "mean"), ("i", "think"), ("i", "guess"), ("sort", "of"), ("kind", "of")]
)
_DETERMINERS = frozenset("a an the this that these those any some every each what one".split())
_ABSENT = frozenset(
    """
i i'm i've i'd i'll we we're we've we'd we'll me us my our mine ours myself ourselves let's he
she it him her they them his hers he's she's it's it'd it'll they're they've they'd they'll this
these those that's
""".split()
)
"""Words that point at somebody or something that a title does not name."""
_HARD_END = (".", "?", "!", ";", ":", "…", "—", "--")


def plain_word(token: str) -> str:
    """The last word of a token, in small letters; empty if it has none.

    :param token: Text between two spaces.
    """
    spoken = words(token)
    return spoken[-1].lower().replace("’", "'") if spoken else ""


def without_hedges(tokens: Sequence[str]) -> list[str]:
    """A sentence without what only fills it: hedges, fillers, a word said twice, lone marks.

    :param tokens: A sentence, split at spaces.
    """
    kept: list[str] = []
    plain = [plain_word(token) for token in tokens]
    i = 0
    while i < len(tokens):
        pair = (plain[i], plain[i + 1] if i + 1 < len(tokens) else "")
        is_kind = pair[1] == "of" and i > 0 and plain[i - 1] in _DETERMINERS
        if pair in _HEDGE_PAIRS and not is_kind:
            i += 2
            continue
        is_repeated = bool(kept) and plain[i] != "" and plain[i] == plain_word(kept[-1])
        if plain[i] and plain[i] not in _HEDGES and not is_repeated:
            kept.append(tokens[i])
        i += 1
    return kept


def word_kinds(lines: Sequence[Sequence[str]], syntax: Classifier) -> list[Float64Array]:
    """For each line, its words' probabilities of ``KINDS``, shape (words, kinds).

    :param lines: Sentences, split at spaces; none is empty.
    :param syntax: The ``syntax`` head.
    :raises InferenceError: If onnxruntime fails.
    """
    if not lines:
        return []
    found = [tag_features(tokens) for tokens in lines]
    together = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    lengths = [len(tokens) for tokens in lines]
    return np.split(syntax.predict_classes(together), np.cumsum(lengths)[:-1])


def find_spans(tokens: Sequence[str]) -> Int64Array:
    """Stretches that may stand alone, as far as their words tell: (first, one past last).

    :param tokens: A sentence, split at spaces.
    :return: Shape (spans, 2).
    """
    plain = [plain_word(token) for token in tokens]
    content = [is_content_word(word) for word in plain]
    found: list[tuple[int, int]] = []
    for a in range(len(tokens)):
        n_content = 0
        for b in range(a + 1, min(a + MAX_WORDS, len(tokens)) + 1):
            if plain[b - 1] in _ABSENT:
                break
            n_content += content[b - 1]
            if n_content and b - a >= MIN_WORDS:
                found.append((a, b))
            if tokens[b - 1].rstrip("\"')”’").endswith(_HARD_END):
                break
    return np.array(found, np.int64).reshape(-1, 2)


def span_features(
    tokens: Sequence[str], kinds: Float64Array, spans: Int64Array
) -> dict[str, Float32Array]:
    """What the ``span`` head reads of stretches, each of shape (spans, columns).

    :param tokens: The sentence, split at spaces.
    :param kinds: Of its words, shape (words, kinds).
    :param spans: (first, one past last), shape (spans, 2).
    """
    n, width = kinds.shape
    padded = np.zeros((n + 4, width))
    padded[2:-2] = np.round(kinds, 2)
    a, b = spans[:, 0] + 2, spans[:, 1] + 2
    closed = np.array([ends_clause(tokens, i) for i in range(n + 1)], float)
    inside = running_sums(closed)
    sums = running_sums(padded)
    places = {"before_2": a - 2, "before": a - 1, "first": a, "second": a + 1,
              "last_2": b - 2, "last": b - 1, "after": b, "after_2": b + 1}  # fmt: skip
    features = {name: padded[np.minimum(place, n + 3)] for name, place in places.items()}
    features["inside"] = np.round(sums[b] - sums[a], 2)
    features["shape"] = np.column_stack(
        [
            b - a,
            closed[spans[:, 0]],
            closed[spans[:, 1]],
            inside[spans[:, 1]] - inside[spans[:, 0] + 1],
        ]
    )
    return {name: rows.astype(np.float32) for name, rows in features.items()}
