"""What an answer costs a model: only its tokens count, the request's do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge_export.training.token_examples import TokenExample, iter_batches

IGNORED = -100
"""Label of a token that is read, not learned."""


def mean_loss(
    model: Any, examples: Sequence[TokenExample], batch_tokens: int, device: Any
) -> float:
    """Nats an answer's token costs the model, on average.

    :param model: The model.
    :param examples: Requests and answers.
    :param batch_tokens: Most tokens at once.
    :param device: Where it computes.
    """
    import torch

    model.eval()
    with torch.no_grad():
        batches = iter_batches(examples, batch_tokens)
        losses = [float(answer_loss(model, batch, device)) for batch in batches]
    model.train()
    return sum(losses) / max(1, sum(len(example.answer) for example in examples))


def answer_loss(model: Any, batch: Sequence[TokenExample], device: Any) -> Any:
    """Summed nats of the answers' tokens; the rest of the vocabulary's work is never done.

    :param model: The model, adapted by peft.
    :param batch: Requests and answers, padded to the longest.
    :param device: Where it computes.
    """
    import torch

    longest = max(map(len, batch))
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    labels = torch.full((len(batch), longest), IGNORED)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, example in enumerate(batch):
        n_request, n = len(example.request), len(example)
        ids[row, :n] = torch.tensor([*example.request, *example.answer])
        labels[row, n_request - 1 : n - 1] = torch.tensor(example.answer)  # of the token before
        mask[row, :n] = 1
    ids, labels, mask = ids.to(device), labels.to(device), mask.to(device)
    base = model.get_base_model()
    with torch.autocast(device.type, torch.bfloat16, enabled=_has_fast_halves(device)):
        hidden = base.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        wanted = labels != IGNORED
        logits = base.lm_head(hidden[wanted])
    return torch.nn.functional.cross_entropy(logits.float(), labels[wanted], reduction="sum")


def _has_fast_halves(device: Any) -> bool:
    """Whether the device multiplies matrices of bfloat16 faster: elsewhere it is far slower."""
    import torch

    return bool(device.type == "cuda" or torch.cpu._is_amx_tile_supported())
