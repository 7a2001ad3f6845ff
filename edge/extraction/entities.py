"""Named entities: the people, companies, products, books that listeners look up, each of a kind."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from edge.arrays import Float32Array, Float64Array
from edge.english.words import stem
from edge.extraction.features import unit, word_offsets
from edge.extraction.lexicon import Lexicon
from edge.extraction.names import Name, Names, longer_names
from edge.extraction.phrases import Key, amounts
from edge.records import ENTITY_KINDS, Mention, NamedEntity, Sentence
from edge.runtime.encoder import Encoder

N_NAMES = 250
"""Most names that the head is asked about, the most often said."""
MAX_ENTITIES = 30
LEAST_CHANCE = 0.3
"""A name is listed that a reader would list with such a chance."""
LEAST_WHOLE_CHANCE = 0.1
"""The whole name of a person, said once, stands for the short one that is listed."""
LEADS = (
    "", "the", "a", "and", "of", "to", "in", "on", "at", "by", "for", "from", "with", "called",
    "like", "use", "using", "is", "i'm", "my", "our", "about", "book", "hi", "thanks",
)  # fmt: skip
"""Words before a name that tell of what kind it is."""


def list_entities(
    names: Names, sentences: Sequence[Sentence], encoder: Encoder
) -> tuple[NamedEntity, ...]:
    """The names worth listing, the most often said first.

    :param names: As ``edge.extraction.names.find_names`` gives them.
    :param sentences: The whole episode.
    :param encoder: The model, with its ``entity`` head.
    :raises InferenceError: If onnxruntime fails.
    """
    pool = most_said(names)
    if not pool:
        return ()
    lexicon = Lexicon(encoder.heads["background"], encoder.rarity)
    embedded = encoder.encode([name.text for name in pool])
    features = entity_features(pool, names, sentences, embedded, lexicon)
    chances = encoder.heads["entity"].predict_classes(features)
    return _listed(pool, chances, sentences)


def _listed(
    pool: Sequence[Name], chances: Float64Array, sentences: Sequence[Sentence]
) -> tuple[NamedEntity, ...]:
    """The likeliest names; how one person is called in short counts for the whole name."""
    chance = 1.0 - chances[:, 0]
    likely = np.argsort(-chance, kind="stable")[:MAX_ENTITIES]
    chosen = [int(k) for k in likely if chance[k] >= LEAST_CHANCE]
    kinds = [ENTITY_KINDS[k] for k in chances[:, 1:].argmax(axis=1)]
    whole = {
        word: k
        for k in np.argsort(chance, kind="stable").tolist()
        if kinds[k] == "person" and len(pool[k].key) > 1 and chance[k] >= LEAST_WHOLE_CHANCE
        for word in (pool[k].key[0], pool[k].key[-1])
    }
    called = {k: whole.get(name.key[0], k) for k, name in enumerate(pool) if len(name.key) == 1}
    # "Ford" may be a company beside a person of that name whom nobody would list.
    called = {
        k: person if chance[person] >= LEAST_CHANCE or kinds[k] == "person" else k
        for k, person in called.items()
    }
    shown = {called.get(k, k) for k in chosen}
    places: dict[int, list[Mention]] = {k: pool[k].mentions(sentences) for k in sorted(shown)}
    for k, person in called.items():
        if person in shown and person != k:
            places[person] += pool[k].mentions(sentences)
    entities = [
        NamedEntity(pool[k].text, kinds[k], tuple(sorted(found, key=_place)))
        for k, found in places.items()
    ]
    return tuple(sorted(entities, key=lambda entity: (-entity.count, entity.text)))


def _place(mention: Mention) -> tuple[int, float]:
    return mention.segment_index, mention.start_s or 0.0


def most_said(names: Names) -> list[Name]:
    """The names most often said, those the head is asked about.

    :param names: Of the episode.
    """
    barred = amounts(names.found)
    kept = [name for key, name in names.found.items() if key not in barred]
    return sorted(kept, key=lambda name: (-name.count, name.key))[:N_NAMES]


def entity_features(
    pool: Sequence[Name],
    names: Names,
    sentences: Sequence[Sentence],
    embedded: Float32Array,
    lexicon: Lexicon,
) -> dict[str, Float64Array]:
    """What the ``entity`` head looks at, one row a name.

    :param pool: The names asked about.
    :param names: All names of the episode.
    :param sentences: The whole episode.
    :param embedded: Vectors of the pool's texts, shape (pool, dimension).
    :param lexicon: What is known of words.
    :return: Feature name -> shape (pool,), or a matrix, shape (pool, columns).
    """
    offsets = word_offsets(sentences)
    n_words = max(float(offsets[-1]), 1.0)
    first = np.array([offsets[name.sentences[0]] for name in pool], float)
    last = np.array([offsets[name.sentences[-1]] for name in pool], float)
    count = np.array([name.count for name in pool], float)
    return {
        "log_count": np.log1p(count),
        "per_1000_words": np.minimum(1000.0 * count / n_words, 10.0),
        "log_words_said": np.full(len(pool), math.log(n_words)),
        "first": first / n_words,
        "extent": (last - first) / n_words,
        "n_words": np.array([len(name.key) for name in pool], float),
        "characters": np.array([len(name.text) for name in pool], float) / 10.0,
        "first_share": np.array([name.n_first for name in pool]) / count,
        "alone_share": np.array([name.n_alone for name in pool]) / count,
        "joined_share": np.array([name.n_joined for name in pool]) / count,
        "tagged": np.array([name.tag_sum for name in pool]) / count,
        "small_share": _small_shares(pool, names.small),
        **_wording(pool),
        **_knowledge(pool, lexicon),
        **_among_names(pool, names, sentences),
        "lead": np.stack([_lead_shares(name) for name in pool]),
        "vector": embedded.astype(np.float64),
        "context": unit(np.stack([name.context for name in pool])),
    }


def _small_shares(pool: Sequence[Name], small: Counter[str]) -> Float64Array:
    """How often the word of a name that is used most so stands in small letters."""
    shares = [
        max((small[word] / (small[word] + name.count) for word in name.key), default=0.0)
        for name in pool
    ]
    return np.array(shares)


def _wording(pool: Sequence[Name]) -> dict[str, Float64Array]:
    texts = [name.text for name in pool]
    return {
        "has_digit": np.array([any(map(str.isdigit, text)) for text in texts], float),
        "all_capitals": np.array([text.isupper() for text in texts], float),
        "inner_capital": np.array([_has_inner_capital(text) for text in texts], float),
        "has_dot": np.array(["." in text for text in texts], float),
        "small_words": np.array([sum(w.islower() for w in text.split()) for text in texts], float),
    }


def _has_inner_capital(text: str) -> bool:
    return any(word[1:] != word[1:].lower() and not word.isupper() for word in text.split())


def _knowledge(pool: Sequence[Name], lexicon: Lexicon) -> dict[str, Float64Array]:
    lexicon.learn(word for name in pool for word in name.key)
    uses = [lexicon.uses(name.key) for name in pool]
    return {
        "most_unusual": np.array([max(use.rarity for use in of) for of in uses]),
        "least_unusual": np.array([min(use.rarity for use in of) for of in uses]),
        "name_elsewhere": np.array([np.mean([use.capitalised for use in of]) for of in uses]),
        "rarest": np.array([max(map(lexicon.rarity, name.key)) for name in pool]),
    }


def _among_names(
    pool: Sequence[Name], names: Names, sentences: Sequence[Sentence]
) -> dict[str, Float64Array]:
    """Whether it is a part of longer names, and of those of the speakers."""
    longer = longer_names(names.found)
    of_longer = [longer.get(name.key[0]) if len(name.key) == 1 else None for name in pool]
    speakers = {sentence.speaker for sentence in sentences if sentence.speaker}
    called = {stem(word) for speaker in speakers for word in speaker.split()}
    return {
        "in_longer": np.array([other is not None for other in of_longer], float),
        "longer_count": np.log1p([other.count if other else 0 for other in of_longer]),
        "speaker": np.array([called.issuperset(name.key) for name in pool], float),
    }


def _lead_shares(name: Name) -> Float64Array:
    """Share of its mentions after each of ``LEADS``."""
    n_before = sum(name.before.values())
    shares = [name.before[word] / name.count for word in LEADS]
    shares[0] = 1.0 - n_before / name.count
    return np.array(shares)


def short_names(entities: Sequence[NamedEntity], speakers: Iterable[str]) -> frozenset[Key]:
    """How people are called that are known by a longer name or as speakers, as keys of phrases.

    :param entities: Of the episode.
    :param speakers: As the transcript names them.
    """
    called = [entity.text for entity in entities if entity.kind == "person" and " " in entity.text]
    return frozenset((stem(word),) for name in [*called, *speakers] for word in name.split())
