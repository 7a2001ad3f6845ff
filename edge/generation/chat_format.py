"""Requests as a model was trained to read them, without a template language on the device.

The export renders a checkpoint's chat template once with marks in the place of the texts; what
stands between them is all the device needs. docs/adr/0012-prompts.md says why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.bundles.specs import PromptFormat
from edge.errors import InferenceError

_SLOTS = re.compile(r"\{(user|system|answer)\}")


@dataclass(frozen=True)
class Prompt:
    """A request to a generative model."""

    user: str
    system: str | None = None
    """How it is to answer; None for what the model does without."""
    turns: Sequence[tuple[str, str]] = ()
    """Earlier requests and their answers, oldest first: examples, or a conversation."""


def render_prompt(
    prompt: Prompt, prompt_format: PromptFormat, special_tokens: Sequence[str] = ()
) -> str:
    """The text a model reads.

    :param prompt: The request.
    :param prompt_format: The model's.
    :param special_tokens: The model's markers: in the request they are broken up with a space,
        so that a transcript that says one cannot end the turn it stands in.
    :raises InferenceError: If the model knows no instructions, or no turns.
    """
    requests = [request for request, _ in prompt.turns] + [prompt.user]
    first = {"user": requests[0], "system": prompt.system or ""}
    if prompt.system is None:
        text = _fill(prompt_format.user, first, special_tokens)
    elif prompt_format.system_and_user is None:
        raise InferenceError(
            "this model knows no instruction of the system", "Put it before the request instead."
        )
    else:
        text = _fill(prompt_format.system_and_user, first, special_tokens)
    for (_, answer), request in zip(prompt.turns, requests[1:], strict=True):
        if prompt_format.following is None:
            raise InferenceError(
                "this model answers single requests only", "Leave earlier turns out."
            )
        turn = {"answer": answer, "user": request}
        text += _fill(prompt_format.following, turn, special_tokens)
    return text


def _fill(pattern: str, values: Mapping[str, str], special_tokens: Sequence[str]) -> str:
    return _SLOTS.sub(lambda slot: _broken_up(values[slot[1]], special_tokens), pattern)


def _broken_up(text: str, special_tokens: Sequence[str]) -> str:
    for token in special_tokens:
        text = text.replace(token, f"{token[0]} {token[1:]}")
    return text
