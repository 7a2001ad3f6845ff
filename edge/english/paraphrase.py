"""Whether a written sentence retells one that was said: reported and shortened, nothing added.

The words of both are aligned, in order. What the claim adds may only be what reports ("the
speaker thinks that") or holds a sentence together, and what it leaves out in between may not say
anything: most of what a small model gets wrong is put together from several sentences,
given to somebody else, or short of a word that mattered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from edge.english.claims import bare_stem
from edge.english.words import FUNCTION_WORDS, words

MIN_CONTENT_WORDS = 4
"""Words that say something, below which a sentence tells nothing."""
WORDS_BEFORE, WORDS_AFTER = 4, 2
"""Words around what is retold in which a denial or a doubt still concerns it."""
CONTENT_WEIGHT, FRAME_WEIGHT = 4, 1
"""What an aligned word counts where there are several ways to align two sentences: one that says
something more than the small words around it."""
_FORMS = {
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
    return _FORMS.get(word) or bare_stem(word)


def _keys(listed: str) -> frozenset[str]:
    return frozenset(map(_key, listed.split()))


_REPORTED_SPEAKERS = frozenset(("speaker", "team", "group"))
"""Who reports may call whoever says "I", "we" or "you"."""
_FIRST_AND_SECOND_PERSON = _keys("i we you my our your me us im ive")
_FRAME = _keys(
    "ask wonder say think tell explain note mention add argue believe feel point discuss recall "
    "also the a an this that these those it its they their he his she her one themselves of to in "
    "for at which who whom is"
)
"""What a claim may have besides what was said: what reports, and what holds it together."""
_EMPTY = _FRAME | _keys(
    "really very quite kind sort just also actually basically uh um well like lot totally "
    "definitely certainly course say let know mean think guess feel super always then now here "
    "there thing exactly obviously " + " ".join(FUNCTION_WORDS)
)
"""What it may leave out in between: that, and what says nothing."""
_POLARITY = _keys(
    "not no never nobody none nothing neither nor cannot t without hardly will can may should must "
    "one some few almost nearly what"
)
"""Words that cannot be left out without turning what is said; "t" is what is left of "don't"."""
_PREPOSITIONS = _keys("for in of with by from on at about to into")
"""What follows one is no subject."""
_ARTICLES = _keys("the a an this that these those our my your their")
_PARTICIPLE = re.compile(r"(?:ing|ed|en|ne|de|ld)$")
"""Before one, "is" is part of a verb that was said."""


def retells(claim: str, sentence: str) -> bool:
    """Whether a claim reports a sentence that was said, shortened, with nothing added.

    :param claim: A written sentence.
    :param sentence: One of the transcript.
    """
    claim_words = _words(claim)
    claim_keys = [_key(word) for word in claim_words]
    spoken_keys = [_key(word) for word in _words(sentence)]
    added, aligned = _align(claim_keys, spoken_keys)
    if not aligned or not all(_may_add(i, claim_words, spoken_keys) for i in added):
        return False
    first, last = aligned[0], aligned[-1]
    near = range(max(0, first - WORDS_BEFORE), min(len(spoken_keys), last + 1 + WORDS_AFTER))
    left_out_near = [spoken_keys[j] for j in near if j not in aligned]
    left_out_between = [spoken_keys[j] for j in range(first, last) if j not in aligned]
    n_content = sum(spoken_keys[j] not in _EMPTY for j in aligned)
    return (
        n_content >= MIN_CONTENT_WORDS
        and _EMPTY.issuperset(left_out_between)
        and _POLARITY.isdisjoint(left_out_near)
        and not _follows_preposition(spoken_keys, aligned)
    )


def _follows_preposition(spoken_keys: Sequence[str], aligned: Sequence[int]) -> bool:
    """Whether what is retold begins with what was no subject: "for the nodes it is the same"."""
    first_content = next((j for j in aligned if spoken_keys[j] not in _EMPTY), 0)
    j = first_content - 1
    while j >= 0 and spoken_keys[j] in _ARTICLES:
        j -= 1
    return j >= 0 and spoken_keys[j] in _PREPOSITIONS and j not in aligned


def _may_add(index: int, claim_words: Sequence[str], spoken_keys: Sequence[str]) -> bool:
    """Whether a word of a claim may be there that was not said.

    "Is" may not join two things, and who says it is only known of what is said in person.
    """
    if claim_words[index] in _REPORTED_SPEAKERS:
        return not _FIRST_AND_SECOND_PERSON.isdisjoint(spoken_keys)
    key = _key(claim_words[index])
    following = claim_words[index + 1 : index + 3]
    return key in _FRAME and (key != "be" or any(_PARTICIPLE.search(word) for word in following))


def _align(claim_keys: Sequence[str], spoken_keys: Sequence[str]) -> tuple[list[int], list[int]]:
    """The heaviest common subsequence of a claim and a sentence.

    :return: Indices of the claim's words that are not in it, and of the sentence's that are.
    """
    weights = [FRAME_WEIGHT if key in _FRAME else CONTENT_WEIGHT for key in claim_keys]
    # best[i][j]: weight of the best alignment of what follows i in the claim, j in the sentence.
    best = [[0] * (len(spoken_keys) + 1) for _ in range(len(claim_keys) + 1)]
    for i in reversed(range(len(claim_keys))):
        for j in reversed(range(len(spoken_keys))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if claim_keys[i] == spoken_keys[j]:
                best[i][j] = max(best[i][j], weights[i] + best[i + 1][j + 1])
    added, aligned, j = [], [], 0
    for i, key in enumerate(claim_keys):
        while j < len(spoken_keys) and best[i][j] == best[i][j + 1]:
            j += 1
        is_pair = j < len(spoken_keys) and key == spoken_keys[j]
        if is_pair and best[i][j] == weights[i] + best[i + 1][j + 1]:
            aligned.append(j)
            j += 1
        else:
            added.append(i)
    return added, aligned


def _words(text: str) -> list[str]:
    return [part for word in words(text) for part in re.split(r"['’]", word.lower()) if part]
