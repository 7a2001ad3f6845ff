"""A checkpoint's chat template as plain patterns, rendered once with marks for the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge.bundles.specs import PromptFormat
from edge.generation.chat_format import Prompt, render_prompt
from edge_export.errors import ExportError

SYSTEM, USER, ANSWER, NEXT = "%SYSTEM%", "%USER%", "%ANSWER%", "%NEXT%"
TRIALS = (
    Prompt("What is this episode about?"),
    Prompt(
        "Sum it up:\n\nAlex: so, what is \u201cdrift\u201d? {user} 100 %.",
        "Answer in one sentence.",
    ),
    Prompt("And then?", "Be brief.", (("Who speaks?", "Alex."), ("About what?", "Drift:\n- data"))),
)
"""Conversations on which the patterns have to give what the template gives."""


def prompt_format(tokenizer: Any, pattern: str | None) -> PromptFormat:
    """How requests are put before a model.

    :param tokenizer: The checkpoint's, of transformers.
    :param pattern: The recipe's own; None for the tokenizer's chat template.
    :raises ExportError: If the template does more than put texts into places.
    """
    if pattern is not None:
        return PromptFormat(pattern, adds_special_tokens=True)
    if not tokenizer.chat_template:
        return PromptFormat("{user}", adds_special_tokens=True)
    if "strftime_now" in tokenizer.chat_template:
        raise ExportError(
            "the chat template writes today's date, which an export would freeze",
            "Give the recipe a prompt of its own, with {user} where the request goes.",
        )
    alone = _rendered(tokenizer, [("user", USER)])
    under_system = _rendered(tokenizer, [("system", SYSTEM), ("user", USER)])
    turns = _rendered(tokenizer, [("user", USER), ("assistant", ANSWER), ("user", NEXT)])
    if alone is None:
        raise ExportError("the chat template refuses a request", "Give the recipe a prompt.")
    following = None
    if turns is not None and turns.startswith(alone):
        following = turns[len(alone) :].replace(ANSWER, "{answer}").replace(NEXT, "{user}")
    if under_system is not None:
        under_system = under_system.replace(SYSTEM, "{system}").replace(USER, "{user}")
    form = PromptFormat(alone.replace(USER, "{user}"), under_system, following)
    for trial in TRIALS:
        _compare(tokenizer, form, trial)
    return form


def _messages(prompt: Prompt) -> list[tuple[str, str]]:
    """A request as roles and texts."""
    result = [] if prompt.system is None else [("system", prompt.system)]
    for request, answer in prompt.turns:
        result += [("user", request), ("assistant", answer)]
    return [*result, ("user", prompt.user)]


def _rendered(tokenizer: Any, conversation: Sequence[tuple[str, str]]) -> str | None:
    """What the template makes of a conversation; None if it refuses."""
    from jinja2 import TemplateError

    try:
        text: str = tokenizer.apply_chat_template(
            [{"role": role, "content": content} for role, content in conversation],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,  # of templates that know it: the answer only
        )
    except TemplateError:
        return None
    return text


def _compare(tokenizer: Any, form: PromptFormat, trial: Prompt) -> None:
    if trial.system is not None and form.system_and_user is None:
        return
    if trial.turns and form.following is None:
        return
    expected, got = _rendered(tokenizer, _messages(trial)), render_prompt(trial, form)
    if got != expected:
        raise ExportError(
            f"the chat template does more than put texts into places: {expected!r} is not {got!r}",
            "Give the recipe a prompt of its own, with {user} where the request goes.",
        )
