"""The loops that write: one token after the other, or with beams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from edge.arrays import Float32Array
from edge.generation.beam_search import BeamSearch, Hypothesis
from edge.generation.kv_cache import DecodeState
from edge.generation.sampling import GenerationSettings, TokenRules, constrain, drawer, log_softmax

IsFinished = Callable[[int, list[int]], bool]
"""From a prompt's place and its new tokens to whether its text ends here."""


def write_tokens(
    writing: DecodeState,
    histories: Sequence[Sequence[int]],
    settings: GenerationSettings,
    rules: TokenRules,
    is_finished: IsFinished = lambda place, token_ids: False,
    first_place: int = 0,
) -> Iterator[tuple[int, int]]:
    """Write until every text ended; all of them grow together, a token at a time.

    :param writing: One row a prompt.
    :param histories: What each text repeats if it says it again: the prompts' own tokens.
    :param settings: Of the generation, with one beam.
    :param rules: Of the model.
    :param is_finished: Asked after each token, besides the model's own end.
    :param first_place: Place of the first prompt among all, where these are some of them.
    :return: (place of the prompt, token), in the order they are written; ends included.
    """
    draws = [drawer(settings, first_place + place) for place in range(len(histories))]
    texts = [list(history) for history in histories]
    rows = list(range(len(histories)))
    for n_new in range(settings.max_new_tokens):
        tokens, going_on = [], []
        for row, place in enumerate(rows):
            scores = constrain(writing.logits[row], texts[place], n_new, settings, rules)
            token = draws[place](scores)
            texts[place].append(token)
            yield place, token
            new = texts[place][len(histories[place]) :]
            if token not in rules.end_ids and not is_finished(place, new):
                tokens.append(token)
                going_on.append(row)
        if not going_on or n_new + 1 == settings.max_new_tokens:
            return
        writing.keep(going_on)
        rows = [rows[row] for row in going_on]
        writing.advance(tokens)


def search_beams(
    writing: DecodeState,
    histories: Sequence[Sequence[int]],
    settings: GenerationSettings,
    rules: TokenRules,
) -> list[Hypothesis]:
    """The best text of each prompt by beam search.

    :param writing: ``n_beams`` rows a prompt, one after the other.
    :param histories: As in ``write_tokens``.
    :param settings: Of the generation.
    :param rules: Of the model.
    :return: One a prompt.
    """
    n_beams = settings.n_beams
    searches = [BeamSearch(settings, rules) for _ in histories]
    going_on = list(range(len(searches)))
    while True:
        rows, tokens = [], []
        for i, place in enumerate(going_on):
            search = searches[place]
            first = i * n_beams
            log_probabilities = log_softmax(writing.logits[first : first + n_beams])
            history = histories[place]

            def allowed(
                scores: Float32Array, new: list[int], history: Sequence[int] = history
            ) -> Float32Array:
                return constrain(scores, [*history, *new], len(new), settings, rules)

            sources = search.advance(log_probabilities, allowed)
            if not search.is_done:
                rows += [first + source for source in sources]
                tokens += [beam[-1] for beam in search.beams]
        staying = [i for i, place in enumerate(going_on) if not searches[place].is_done]
        if not staying:
            return [search.best for search in searches]
        writing.keep([i * n_beams + k for i in staying for k in range(n_beams)])
        moved = {i: new for new, i in enumerate(staying)}
        writing.reorder([moved[row // n_beams] * n_beams + row % n_beams for row in rows])
        going_on = [going_on[i] for i in staying]
        writing.advance(tokens)
