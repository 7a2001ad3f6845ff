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

from edge.english.claims import bare_stem
from edge.english.words import FUNCTION_WORDS, words

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


@lru_cache(maxsize=4096)
def _key(word: str) -> str:
    return _ALIKE.get(word) or bare_stem(word)


def _keys(listed: str) -> frozenset[str]:
    return frozenset(map(_key, listed.split()))


_SAYERS = frozenset(("speaker", "team", "group"))
"""Who reports may call whoever says "I", "we" or "you"."""
_IN_PERSON = _keys("i we you my our your me us im ive")
_FREE = _keys(
    "ask wonder say think tell explain note mention add argue believe feel point discuss recall "
    "also the a an this that these those it its they their he his she her one themselves of to in "
    "for at which who whom is"
)
"""What a claim may have besides what was said: what reports, and what holds it together."""
_LIGHT = _FREE | _keys(
    "really very quite kind sort just also actually basically uh um well like lot totally "
    "definitely certainly course say let know mean think guess feel super always then now here "
    "there thing exactly obviously " + " ".join(FUNCTION_WORDS)
)
"""What it may leave out in between: that, and what says nothing."""
_TURNING = _keys(
    "not no never nobody none nothing neither nor cannot t without hardly will can may should must "
    "one some few almost nearly what"
)
"""Words that cannot be left out without turning what is said; "t" is what is left of "don't"."""
REACH_BEFORE, REACH_AFTER = 4, 2
"""Words before and after what is kept in which they count."""
_PREPOSITIONS = _keys("for in of with by from on at about to into")
"""What follows one is no subject."""
_ARTICLES = _keys("the a an this that these those our my your their")
_PARTICIPLE = re.compile(r"(?:ing|ed|en|ne|de|ld)$")
SAYING, OTHER = 4, 1
"""What a word counts where there are several ways to lay two sentences beside each other."""


def retells(claim: str, sentence: str) -> bool:
    """Whether a claim reports a sentence that was said, shortened, with nothing added.

    :param claim: A written sentence.
    :param sentence: One of the transcript.
    """
    own_words = _words(claim)
    own, said = [_key(word) for word in own_words], [_key(word) for word in _words(sentence)]
    added, kept = _beside(own, said)
    if not kept or not all(_may_add(place, own_words, said) for place in added):
        return False
    near = range(max(0, kept[0] - REACH_BEFORE), min(len(said), kept[-1] + 1 + REACH_AFTER))
    passed_over = [said[j] for j in near if j not in kept]
    between = [said[j] for j in range(kept[0], kept[-1]) if j not in kept]
    n_telling = sum(said[j] not in _LIGHT for j in kept)
    return (
        n_telling >= MIN_WORDS
        and all(key in _LIGHT for key in between)
        and _TURNING.isdisjoint(passed_over)
        and not _follows_preposition(said, kept)
    )


def _follows_preposition(said: Sequence[str], kept: Sequence[int]) -> bool:
    """Whether what is told begins with what was no subject: "for the nodes it is the same"."""
    place = next((j for j in kept if said[j] not in _LIGHT), 0) - 1
    while place >= 0 and said[place] in _ARTICLES:
        place -= 1
    return place >= 0 and said[place] in _PREPOSITIONS and place not in kept


def _may_add(place: int, own_words: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a word may be there that was not said.

    "Is" may not join two things, and who says it is only known of what is said in person.
    """
    if own_words[place] in _SAYERS:
        return not _IN_PERSON.isdisjoint(said)
    key = _key(own_words[place])
    following = own_words[place + 1 : place + 3]
    return key in _FREE and (key != "be" or any(_PARTICIPLE.search(word) for word in following))


def _beside(own: Sequence[str], said: Sequence[str]) -> tuple[list[int], list[int]]:
    """Places in a claim of what it adds, and in the sentence of what it keeps, in order."""
    weights = [OTHER if key in _FREE else SAYING for key in own]
    best = [[0] * (len(said) + 1) for _ in range(len(own) + 1)]
    for i in reversed(range(len(own))):
        for j in reversed(range(len(said))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if own[i] == said[j]:
                best[i][j] = max(best[i][j], weights[i] + best[i + 1][j + 1])
    added, kept, j = [], [], 0
    for i in range(len(own)):
        while j < len(said) and best[i][j] == best[i][j + 1]:
            j += 1
        if j < len(said) and own[i] == said[j] and best[i][j] == weights[i] + best[i + 1][j + 1]:
            kept.append(j)
            j += 1
        else:
            added.append(i)
    return added, kept


def _words(text: str) -> list[str]:
    return [part for word in words(text) for part in re.split(r"['’]", word.lower()) if part]
