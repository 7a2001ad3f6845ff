"""Whether a written sentence retells one that was said: reported and shortened, nothing added.

Its words are laid beside the other's, in order. What is left over may only be what reports
("the speaker thinks that") or holds a sentence together, and what was passed over in between may
not say anything: most of what a small model gets wrong is put together from several sentences,
given to somebody else, or short of a word that mattered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from edge.claims import bare_stem
from edge.lexicon import FUNCTION_WORDS, words

MIN_WORDS = 4
"""Words that say something, below which a sentence tells nothing."""
_ALIKE = {
    form: forms.split()[0]
    for forms in (
        "be is are was were been being am s re m",
        "will would ll d",
        "can could",
        "may might",
        "have has had ve having",
        "do does did done doing",
        "somebody someone",
        "go goes went gone going",
        "say says said",
        "they them",
        "use used uses using",
    )
    for form in forms.split()
}
_REPORTING = (
    "speaker guest host team group ask wonder say think tell explain note mention add argue "
    "believe feel point discuss recall also"
)
_HOLDING = (
    "the a an this that these those it its they their he his she her one themselves of to in for "
    "at which who whom is"
)
_PASSED_OVER = (
    "really very quite kind sort just also actually basically uh um well like lot totally "
    "definitely certainly course say let know mean think guess feel super always then now here "
    "there thing exactly obviously"
)
SAYING, OTHER = 4, 1
"""What a word counts where there are several ways to lay two sentences beside each other."""


def retells(claim: str, sentence: str) -> bool:
    """Whether a claim reports a sentence that was said, shortened, with nothing added.

    :param claim: A written sentence.
    :param sentence: One of the transcript.
    """
    own, said = _keys(claim), _keys(sentence)
    added, kept = _beside(own, said)
    if not kept or any(key not in _FREE for key in added):
        return False
    between = [said[j] for j in range(kept[0], kept[-1]) if j not in kept]
    n_telling = sum(said[j] not in _FREE | _LIGHT for j in kept)
    return n_telling >= MIN_WORDS and all(key in _FREE | _LIGHT for key in between)


def _beside(own: Sequence[str], said: Sequence[str]) -> tuple[list[str], list[int]]:
    """What a claim adds, and the places of what it keeps: the longest common subsequence."""
    weights = [OTHER if key in _FREE else SAYING for key in own]
    best = [[0] * (len(said) + 1) for _ in range(len(own) + 1)]
    for i in reversed(range(len(own))):
        for j in reversed(range(len(said))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if own[i] == said[j]:
                best[i][j] = max(best[i][j], weights[i] + best[i + 1][j + 1])
    added, kept, j = [], [], 0
    for i, key in enumerate(own):
        while j < len(said) and best[i][j] == best[i][j + 1]:
            j += 1
        if j < len(said) and key == said[j] and best[i][j] == weights[i] + best[i + 1][j + 1]:
            kept.append(j)
            j += 1
        else:
            added.append(key)
    return added, kept


def _keys(text: str) -> list[str]:
    parts = [part for word in words(text) for part in re.split(r"['’]", word.lower()) if part]
    return [_key(part) for part in parts]


@lru_cache(maxsize=4096)
def _key(word: str) -> str:
    return _ALIKE.get(word) or bare_stem(word)


_FREE = frozenset(map(_key, f"{_REPORTING} {_HOLDING}".split()))
"""What a claim may have besides what was said."""
_LIGHT = frozenset(map(_key, [*FUNCTION_WORDS, *_PASSED_OVER.split()]))
"""What it may leave out in between."""
