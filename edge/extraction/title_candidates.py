"""What a chapter could be called: stretches of its lines that can stand alone, and its phrases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.arrays import Float64Array, Int64Array
from edge.english.words import FUNCTION_WORDS, GENERIC, Rarity, content_stems_of, words
from edge.extraction.chapter_view import ChapterView
from edge.extraction.phrase_features import most_prominent
from edge.extraction.phrases import Candidate, Key
from edge.extraction.syntax import (
    FORMS,
    KINDS,
    find_spans,
    plain_word,
    span_features,
    without_hedges,
    word_kinds,
)
from edge.runtime.heads import Classifier

N_LINES = 8
"""Lines of a chapter that are taken apart: so many of the most worth reading, and so many that
mean most what it means and the others do not."""
N_STRETCHES, N_PHRASES = 30, 8
"""Candidates of each kind that are worth a place in the model's batches."""
MAX_A_LINE = 5
MAX_CUT = 0.35
"""A stretch likelier cut amiss than this is no candidate."""
MIN_LINE_WORDS = 4
_NAME = KINDS.index("name")
_ACTION = FORMS.index("action")
_JOINING = frozenset(["and", "or"])
_ANYTHING = frozenset("something anything everything nothing stuff thing things etc".split())
_QUANTITIES = frozenset("lot lots bit bunch couple ton tons number kind sort".split())


@dataclass(frozen=True)
class TitleCandidate:
    """Words that were said together in a chapter."""

    text: str
    tokens: tuple[str, ...]
    stems: frozenset[str]
    """Of its content words."""
    forms: tuple[float, ...]
    """How likely it has each of ``FORMS``."""
    names: float
    """How many of its words are names, as the ``syntax`` head has it."""
    line: int
    """The sentence it is said in, counted in the chapter."""
    place: float
    """Where in that sentence it begins, 0 to 1."""
    is_phrase: bool
    """Whether it is a noun phrase that the chapter keeps saying."""
    joint: str = ""
    """What two that were joined have between them."""

    def joined(self, later: TitleCandidate, joint: str) -> TitleCandidate:
        """One of both.

        :param later: What is said after it.
        :param joint: What is put between: ``, `` or `` and ``.
        """
        cut = 1.0 - (1.0 - self.forms[0]) * (1.0 - later.forms[0])
        others = zip(self.forms[1:], later.forms[1:], strict=True)
        return TitleCandidate(
            text=f"{self.text}{joint}{later.text}",
            tokens=(*self.tokens, *joint.strip(" ,").split(), *later.tokens),
            stems=self.stems | later.stems,
            forms=(cut, *((a + b) / 2.0 for a, b in others)),
            names=self.names + later.names,
            line=self.line,
            place=self.place,
            is_phrase=self.is_phrase and later.is_phrase,
            joint=joint,
        )


def title_candidates(
    chapters: Sequence[ChapterView],
    by_chapter: Sequence[Mapping[Key, Candidate]],
    heads: Mapping[str, Classifier],
    rarity: Rarity,
) -> list[list[TitleCandidate]]:
    """What each chapter could be called, before anything is embedded.

    :param chapters: As ``view_chapters`` gives them.
    :param by_chapter: Noun phrases of each chapter.
    :param heads: ``syntax`` and ``span``.
    :param rarity: Word to 0 (common) to 1 (rare).
    :raises InferenceError: If onnxruntime fails.
    """
    chosen = [_lines(chapter) for chapter in chapters]
    lines = [
        (k, i, tokens)
        for k, (chapter, indices) in enumerate(zip(chapters, chosen, strict=True))
        for i in indices
        if (tokens := without_hedges(chapter.sentences[i].text.split()))
    ]
    kinds = word_kinds([tokens for _, _, tokens in lines], heads["syntax"])
    spans = [find_spans(tokens) for _, _, tokens in lines]
    features = [
        span_features(tokens, of_words, of_line)
        for (_, _, tokens), of_words, of_line in zip(lines, kinds, spans, strict=True)
    ]
    pools: list[list[tuple[float, TitleCandidate]]] = [[] for _ in chapters]
    if lines:
        columns = {n: np.concatenate([of_line[n] for of_line in features]) for n in features[0]}
        forms = heads["span"].predict_classes(columns)
        by_line = np.split(forms, np.cumsum([len(of_line) for of_line in spans])[:-1])
        for (k, i, tokens), of_words, of_line, shapes in zip(
            lines, kinds, spans, by_line, strict=True
        ):
            pools[k] += _stretches(chapters[k], i, tokens, of_words, of_line, shapes)
    return [
        _distinct([*_most_telling(pool), *_phrases(phrases, chapter, rarity)])
        for pool, phrases, chapter in zip(pools, by_chapter, chapters, strict=True)
    ]


def _lines(chapter: ChapterView) -> list[int]:
    """The lines of a chapter to take apart."""
    long_enough = [
        i
        for i, sentence in enumerate(chapter.sentences)
        if sentence.n_words >= MIN_LINE_WORDS and np.isfinite(chapter.salience[i])
    ]
    own = chapter.vectors @ chapter.centre
    if len(chapter.others):
        own = own - 0.5 * (chapter.vectors @ chapter.others.T).max(axis=1)
    by_worth = sorted(long_enough, key=lambda i: (-chapter.salience[i], i))[:N_LINES]
    by_meaning = sorted(long_enough, key=lambda i: (-round(float(own[i]), 4), i))[:N_LINES]
    return sorted({*by_worth, *by_meaning})


# Many parameters: a line, and what is known of its words and stretches.
def _stretches(
    chapter: ChapterView,
    line: int,
    tokens: Sequence[str],
    kinds: Float64Array,
    spans: Int64Array,
    forms: Float64Array,
) -> list[tuple[float, TitleCandidate]]:
    """The stretches of a line that may stand alone, with how much they tell; the best."""
    found: list[tuple[float, TitleCandidate]] = []
    plain = [plain_word(token) for token in tokens]
    for (a, b), form in zip(spans.tolist(), forms, strict=True):
        if form[0] > MAX_CUT or not _reads_well(tokens[a:b], plain[a:b], form):
            continue
        stems = frozenset(content_stems_of(plain[a:b]))
        told = sum(chapter.weights.get(stem, 0.0) for stem in stems)
        candidate = TitleCandidate(
            text=_shown(tokens[a:b], a == 0 and kinds[0].argmax() != _NAME),
            tokens=tuple(tokens[a:b]),
            stems=stems,
            forms=tuple(np.round(form, 3).tolist()),
            names=round(float(kinds[a:b, _NAME].sum()), 2),
            line=line,
            place=a / len(tokens),
            is_phrase=False,
        )
        found.append((told * (1.0 - form[0]) / (b - a + 1) ** 0.3, candidate))
    found.sort(key=lambda pair: (-round(pair[0], 4), pair[1].text))
    return found[:MAX_A_LINE]


def _reads_well(tokens: Sequence[str], plain: Sequence[str], form: Float64Array) -> bool:
    """Whether a stretch is whole, names no mere quantity and says nothing twice."""
    stems = content_stems_of(plain)
    is_repeated = len(set(stems)) < len(stems)
    # "A lot of", "the way of": what follows is a stretch of its own.
    is_light = plain[0] in _QUANTITIES or (plain[0] in GENERIC and plain[1] == "of")
    # Nothing is inflected here: "avoid it" is no title, "avoiding it" is.
    is_bare = np.argmax(form) == _ACTION and not plain[0].endswith("ing")
    is_list = any(token.endswith(",") for token in tokens[:-1])
    is_loose = is_list and not _JOINING.issuperset(FUNCTION_WORDS.intersection(plain))
    trails_off = plain[-1] in _ANYTHING  # "or something"
    return not (is_repeated or is_light or is_bare or is_loose or trails_off)


def _most_telling(found: Sequence[tuple[float, TitleCandidate]]) -> list[TitleCandidate]:
    ordered = sorted(found, key=lambda pair: (-round(pair[0], 4), pair[1].text))
    return _distinct([candidate for _, candidate in ordered])[:N_STRETCHES]


def _distinct(candidates: Sequence[TitleCandidate]) -> list[TitleCandidate]:
    """The first of each wording."""
    by_text: dict[str, TitleCandidate] = {}
    for candidate in candidates:
        by_text.setdefault(candidate.text.lower(), candidate)
    return list(by_text.values())


def _phrases(
    phrases: Mapping[Key, Candidate], chapter: ChapterView, rarity: Rarity
) -> list[TitleCandidate]:
    named = {key: candidate for key, candidate in phrases.items() if not candidate.is_generic}
    best = most_prominent(named, len(chapter.sentences), rarity, N_PHRASES)
    return [
        TitleCandidate(
            text=candidate.text,
            tokens=tuple(candidate.text.split()),
            stems=frozenset(content_stems_of(words(candidate.text))),
            forms=tuple(float(form == "noun") for form in FORMS),
            names=float(candidate.is_name) * len(candidate.key),
            line=candidate.sentences[0],
            place=0.0,
            is_phrase=True,
        )
        for candidate in best
    ]


def _shown(tokens: Sequence[str], lowers: bool) -> str:
    """Words as a title has them: no marks at the ends.

    :param tokens: The words.
    :param lowers: Whether the first is capitalised because a sentence begins with it.
    """
    text = " ".join(tokens).strip("\"'“”‘’()[]-–— ").rstrip(".,;:?!…").rstrip("\"'”’)")
    has_own_capitals = any(character.isupper() for character in tokens[0][1:])
    return text[:1].lower() + text[1:] if lowers and not has_own_capitals else text


def content_share(candidate: TitleCandidate) -> float:
    """How many of a candidate's words say what it is about, 0 to 1.

    :param candidate: Any.
    """
    plain = [plain_word(token) for token in candidate.tokens]
    return len(content_stems_of(plain)) / max(1, len(plain))
