"""The ``syntax`` and ``span`` heads: which stretches of a sentence can stand alone.

A parser, spaCy's, is the teacher: its dependencies tell whether a stretch hangs together and
lacks nothing.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.arrays import Int64Array
from edge.extraction.syntax import (
    FORMS,
    KINDS,
    find_spans,
    span_features,
    without_hedges,
    word_kinds,
)
from edge.extraction.tagger import tag_features
from edge.runtime.heads import feature_matrix
from edge_export.training.tagger_head import TEACHER, fit_hashed_linear
from edge_export.training.trained_head import SEED, TrainedHead, boosted_trees, well_apart

N_SENTENCES = 12_000
SPANNED_SHARE = 0.375
"""Of them, those whose stretches are learned from."""
SENTENCE_WORDS = (5, 60)
PLAIN_SHARE = 0.4
"""Sentences shown once more in small letters without punctuation, as some recognisers write."""
SPAN_SHARE = 0.35
"""Of the stretches that are cut amiss, those learned from: most are."""

_TAG_KINDS = {
    "JJ": "adjective", "JJR": "adjective", "JJS": "adjective", "VB": "base", "VBP": "base",
    "VBZ": "finite", "VBD": "finite", "VBG": "gerund", "VBN": "participle", "MD": "auxiliary",
    "PRP": "pronoun", "EX": "pronoun", "DT": "determiner", "PDT": "determiner",
    "PRP$": "determiner", "WP$": "linker", "RP": "preposition", "IN": "preposition", "TO": "to",
    "CC": "conjunction", "WDT": "linker", "WP": "linker", "WRB": "linker", "RB": "adverb",
    "RBR": "adverb", "RBS": "adverb", "CD": "number",
}  # fmt: skip
_WHOLE_LEFT = {"compound", "nummod", "amod", "nmod", "neg", "quantmod"}
"""What a noun is not parted from on its left."""
_WHOLE_RIGHT = {"dobj", "attr", "acomp", "xcomp", "ccomp", "prt", "dative", "oprd", "pobj", "pcomp",
                "agent"}  # fmt: skip
"""What no word is parted from on its right."""
_LOOSE = {"punct", "cc", "conj", "appos", "relcl", "advcl", "intj", "dep", "parataxis"}
"""What a word inside a stretch may have outside of it."""
_SUBJECTS = {"nsubj", "nsubjpass", "csubj", "expl"}
_POINTING = {"it", "he", "she", "they", "them", "him", "her", "this", "that", "these", "those",
             "one", "ones", "here", "there"}  # fmt: skip
_ASKING = {"how", "why", "what", "whether"}


@dataclass(frozen=True)
class ParsedSentence:
    """A sentence and what the teacher says of it."""

    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    """Of each token, an index into ``KINDS``."""
    spans: Int64Array
    """As ``find_spans`` gives them."""
    forms: Int64Array
    """Of each span, an index into ``FORMS``."""

    @property
    def plain(self) -> ParsedSentence:
        """The same in small letters without punctuation."""
        tokens = tuple(re.sub(r"[^\w'-]", "", token.lower()) or "-" for token in self.tokens)
        return ParsedSentence(tokens, self.kinds, self.spans, self.forms)


def parse_with_teacher(texts: Iterable[str]) -> Iterator[ParsedSentence]:
    """What the teacher says of some sentences, those drawn by their hash.

    :param texts: Sentences.
    """
    import spacy

    shortest, longest = SENTENCE_WORDS
    fitting = {text for text in texts if shortest <= len(text.split()) <= longest}
    drawn = sorted(fitting, key=lambda t: hashlib.sha256(t.encode()).digest())[:N_SENTENCES]
    lines = [tokens for tokens in (without_hedges(text.split()) for text in drawn) if tokens]
    teacher = spacy.load(TEACHER, disable=["ner", "lemmatizer"])
    joined = [" ".join(tokens) for tokens in lines]
    for tokens, parsed in zip(lines, teacher.pipe(joined, batch_size=128), strict=True):
        ends = np.cumsum([len(token) + 1 for token in tokens])
        parts: list[list[Any]] = [[] for _ in tokens]
        for part in parsed:
            parts[int(np.searchsorted(ends, part.idx, side="right"))].append(part)
        spans = find_spans(tokens)
        forms = [_form([p for group in parts[a:b] for p in group]) for a, b in spans.tolist()]
        kinds = [_kind([p for p in group if any(map(str.isalnum, p.text))]) for group in parts]
        yield ParsedSentence(
            tuple(tokens), tuple(kinds), spans, np.array(list(map(FORMS.index, forms)), np.int64)
        )


def _kind(parts: Sequence[Any]) -> int:
    """Of a token, which may be several of the teacher's."""
    if not parts:
        return KINDS.index("other")
    shortened = any("'" in part.text or "’" in part.text for part in parts[1:])
    # "Can't" is what "can" is, "co-workers" what "workers" is.
    part = parts[0] if shortened else parts[-1]
    if part.tag_.startswith("NNP"):
        kind = "name"
    elif part.tag_.startswith("NN"):
        kind = "noun"
    elif part.pos_ == "AUX":
        kind = "auxiliary"
    elif part.pos_ == "SCONJ":
        kind = "linker"
    elif part.pos_ == "PRON" and part.tag_ in ("DT", "PRP"):
        kind = "pronoun"
    else:
        kind = _TAG_KINDS.get(part.tag_, "other")
    return KINDS.index(kind)


def _form(parts: Sequence[Any]) -> str:
    """Of a stretch, by its dependencies."""
    inside = {part.i for part in parts}
    said = [part for part in parts if not part.is_punct]
    roots = [p for p in said if p.head.i not in inside or p.head.i == p.i]
    if len(roots) != 1 or any(_points_away(part) for part in said):
        return "cut"
    root = roots[0]
    for part in said:
        for child in part.children:
            if child.i not in inside and (child.dep_ in _WHOLE_RIGHT or child.dep_ == "neg"):
                return "cut"
            if part is not root and child.i not in inside and child.dep_ not in _LOOSE:
                return "cut"
    if root.pos_ in ("NOUN", "PROPN"):
        return _noun_form(root, said, inside)
    return _verb_form(root, said, inside) if root.pos_ in ("VERB", "AUX") else "cut"


def _points_away(part: Any) -> bool:
    lowered = part.text.lower()
    if lowered in ("this", "these", "those"):
        return True
    if lowered == "that":
        return bool(part.pos_ == "DET" or part.tag_ == "DT")
    return bool(part.pos_ in ("PRON", "ADV") and lowered in _POINTING and part.dep_ != "expl")


def _noun_form(root: Any, said: Sequence[Any], inside: set[int]) -> str:
    parted = any(
        c.i not in inside and (c.dep_ in _WHOLE_LEFT or c.lower_ == "no") for c in root.lefts
    )
    first, last = said[0], said[-1]
    is_bare = first.dep_ not in ("det", "poss", "predet", "cc", "punct", "mark", "case")
    dangling = last.pos_ in ("DET", "ADP", "CCONJ", "SCONJ", "PART", "AUX")
    return "cut" if parted or dangling or not is_bare or first.pos_ in ("ADP", "CCONJ") else "noun"


def _verb_form(root: Any, said: Sequence[Any], inside: set[int]) -> str:
    subjects = [c for c in root.children if c.dep_ in _SUBJECTS]
    subject = next((c for c in subjects if c.i in inside), None)
    helping = [c for c in root.children if c.dep_ in ("aux", "auxpass")]
    first, last = said[0], said[-1]
    if last.pos_ in ("DET", "ADP", "CCONJ", "SCONJ", "AUX") or last.tag_ == "TO":
        return "cut"
    if any(c.i not in inside for c in helping if c.dep_ == "auxpass"):
        return "cut"
    asks = first.lower_ in _ASKING and first.tag_.startswith("W")
    if subject is None:
        if asks and "to" in (c.lower_ for c in helping if c.i in inside):
            return "how"
        begins = first is root or (first.dep_ in ("neg", "advmod") and first.head is root)
        full = any(c.i in inside and c.i > root.i for c in root.children if c.dep_ != "punct")
        bare = root.tag_ == "VBG" or (root.tag_ == "VB" and root.pos_ == "VERB")
        in_continuous = root.tag_ == "VBG" and any(c.lower_ == "to" for c in helping)
        return "action" if begins and full and bare and not in_continuous else "cut"
    if any(c.i not in inside for c in helping):
        return "cut"
    if asks and not any(c.i < subject.i for c in helping):
        return "how"
    is_finite = root.tag_ in ("VBZ", "VBD", "VBP") or any(
        c.tag_ in ("MD", "VBZ", "VBD", "VBP") for c in helping
    )
    named = subject.pos_ in ("NOUN", "PROPN") or subject.dep_ == "csubj" or subject.tag_ == "VBG"
    begins = first.i in {t.i for t in subject.subtree} and first.pos_ not in ("CCONJ", "SCONJ")
    inverted = any(c.i < subject.i for c in helping) or root.i < subject.i
    return "claim" if is_finite and named and begins and not inverted and not asks else "cut"


def fit_syntax_heads(sentences: Sequence[ParsedSentence], n_documents: int) -> list[TrainedHead]:
    """The ``syntax`` and ``span`` heads.

    :param sentences: What the teacher says.
    :param n_documents: How many documents they are from, for the record.
    """
    draw = random.Random(SEED)
    # A tagger is surer of what it learned from: the span head learns from other sentences.
    n_spanned = int(SPANNED_SHARE * len(sentences))
    spanned, tagged = sentences[:n_spanned], sentences[n_spanned:]
    shown = [*tagged, *(s.plain for s in tagged if draw.random() < PLAIN_SHARE)]
    features = [tag_features(sentence.tokens) for sentence in shown]
    labels = np.array([kind for sentence in shown for kind in sentence.kinds])
    syntax = fit_hashed_linear("syntax", features, labels, len(KINDS), n_documents)
    return [syntax, _fit_span_head(spanned, syntax, draw, n_documents)]


def _fit_span_head(
    sentences: Sequence[ParsedSentence], syntax: TrainedHead, draw: random.Random, n_documents: int
) -> TrainedHead:
    rows, labels, names = [], [], tuple[str, ...]()
    shown = [*sentences, *(s.plain for s in sentences if draw.random() < PLAIN_SHARE)]
    kinds = word_kinds([sentence.tokens for sentence in shown], syntax)
    for sentence, of_words in zip(shown, kinds, strict=True):
        kept = [k for k, form in enumerate(sentence.forms) if form or draw.random() < SPAN_SHARE]
        if not kept:
            continue
        features = span_features(sentence.tokens, of_words, sentence.spans[kept])
        names = tuple(features)
        rows.append(feature_matrix(features, names))
        labels.append(sentence.forms[kept])
    # A row of each form that weighs next to nothing: a small text may lack one.
    rows.append(np.zeros((len(FORMS), rows[0].shape[1]), np.float32))
    labels.append(np.arange(len(FORMS)))
    matrix, targets = well_apart(np.concatenate(rows)), np.concatenate(labels)
    weights = np.where(targets == 0, 1.0 / SPAN_SHARE, 1.0)
    weights[-len(FORMS) :] = 1e-6
    model = boosted_trees("binary", 30, 0.25, 24).fit(matrix, targets, sample_weight=weights)
    return TrainedHead.of("span", names, model, matrix, n_documents)
