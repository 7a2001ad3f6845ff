"""The decode loops: one token after the other, sampled or with beams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from edge.generation.beam_search import BeamSearch, Hypothesis
from edge.generation.decode_state import DecodeState
from edge.generation.logits_processors import process_logits
from edge.generation.sampling import ControlTokens, GenerationSettings, log_softmax, make_sampler

StopCondition = Callable[[list[int]], bool]
"""From a text's new tokens to whether it ends here."""


def _never(new_ids: list[int]) -> bool:
    return False


def decode_tokens(
    state: DecodeState,
    histories: Sequence[Sequence[int]],
    settings: GenerationSettings,
    control: ControlTokens,
    is_stopped: StopCondition = _never,
    first_prompt_index: int = 0,
) -> Iterator[tuple[int, int]]:
    """Sample tokens until every text ended; all of them grow together, a token at a time.

    :param state: One row a prompt.
    :param histories: What each text repeats if it says it again: the prompts' own tokens.
    :param settings: Of the generation, with one beam.
    :param control: Of the model.
    :param is_stopped: Asked after each token, besides the model's own end.
    :param first_prompt_index: Of the first prompt among all, where these are some of them.
    :return: (index of the prompt among these, token), in the order they are sampled; ends included.
    """
    n_prompts = len(histories)
    samplers = [make_sampler(settings, first_prompt_index + i) for i in range(n_prompts)]
    seen_ids = [list(history) for history in histories]
    new_ids: list[list[int]] = [[] for _ in histories]
    prompts = list(range(n_prompts))  # of each row of the state
    for n_new in range(settings.max_new_tokens):
        tokens, rows = [], []  # of the texts that go on
        for row, i in enumerate(prompts):
            logits = process_logits(state.logits[row], seen_ids[i], n_new, settings, control)
            token = samplers[i](logits)
            seen_ids[i].append(token)
            new_ids[i].append(token)
            yield i, token
            if token not in control.end_ids and not is_stopped(new_ids[i]):
                tokens.append(token)
                rows.append(row)
        if not rows or n_new + 1 == settings.max_new_tokens:
            return
        state.select_rows(rows)
        prompts = [prompts[row] for row in rows]
        state.decode_step(tokens)


def decode_beams(
    state: DecodeState,
    histories: Sequence[Sequence[int]],
    settings: GenerationSettings,
    control: ControlTokens,
) -> list[Hypothesis]:
    """The best text of each prompt by beam search.

    :param state: ``n_beams`` rows a prompt, one after the other.
    :param histories: As in ``decode_tokens``.
    :param settings: Of the generation.
    :param control: Of the model.
    :return: One a prompt.
    """
    n_beams = settings.n_beams
    searches = [BeamSearch(settings, control, history) for history in histories]
    running = searches
    while True:
        going_on: list[int] = []  # places in ``running``
        sources: list[int] = []  # row that each of their rows continues, once the others are gone
        tokens: list[int] = []
        for i, search in enumerate(running):
            logits = state.logits[i * n_beams : (i + 1) * n_beams]
            beam_sources = search.advance(log_softmax(logits))
            if not search.is_done:
                sources += [len(going_on) * n_beams + beam for beam in beam_sources]
                tokens += [beam[-1] for beam in search.beams]
                going_on.append(i)
        if not going_on:
            return [search.best for search in searches]
        state.select_rows([i * n_beams + beam for i in going_on for beam in range(n_beams)])
        state.reorder_rows(sources)
        state.decode_step(tokens)
        running = [running[i] for i in going_on]
