"""Adverts and what a show says of itself: stretches that the reader takes for them, and breaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import BoolArray, Float64Array
from edge.english.breaks import find_breaks
from edge.records import Sentence

LIKELY = 0.1
"""Chance from which on a sentence speaks for a stretch; one sentence in sixty is an advert."""
SWITCH = 1.0
"""What a stretch has to be surer by than the sum of its sentences, in log odds."""
MAX_DOUBT = 3.0
"""Most that one sentence can speak against a stretch, in log odds."""


def find_adverts(sentences: Sequence[Sentence], probability: Float64Array) -> BoolArray:
    """Stretches of adverts, and breaks that are announced.

    Of all ways to mark stretches, the one whose sentences' log odds against ``LIKELY`` sum up
    highest, less what beginning a stretch costs: a doubtful sentence inside an advert is of it, and
    one that only sounds like one, among others, is not. A show does not always sound like itself
    where it speaks for others, so an announced break counts whatever is said in it.

    :param sentences: An episode's, or those of a part of it.
    :param probability: Of each to be an advert, shape (sentences,).
    :return: Shape (sentences,).
    """
    odds = np.log(np.clip(probability, 1e-9, 1 - 1e-9) / np.clip(1 - probability, 1e-9, 1))
    gain = np.maximum(odds - np.log(LIKELY / (1 - LIKELY)), -MAX_DOUBT)
    announced = np.array(find_breaks([sentence.text for sentence in sentences]), bool)
    adverts: BoolArray = _best_stretches(gain) | announced
    return adverts


def _best_stretches(gain: Float64Array) -> BoolArray:
    """Sentences of the stretches whose gains, less ``SWITCH`` each, sum up highest (Viterbi)."""
    stays = np.zeros((len(gain), 2), bool)  # whether the best ways out- and inside came from inside
    outside, inside = 0.0, -SWITCH
    for i, value in enumerate(gain.tolist()):
        stays[i] = inside > outside, inside >= outside - SWITCH
        outside, inside = max(outside, inside), max(inside, outside - SWITCH) + value
    marks = np.zeros(len(gain), bool)
    is_inside = inside > outside
    for i in range(len(gain) - 1, -1, -1):
        marks[i] = is_inside
        is_inside = bool(stays[i, int(is_inside)])
    return marks
