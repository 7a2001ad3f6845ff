"""Teach a decoder-only checkpoint to answer requests: a low-rank adapter, on a CPU or a GPU.

The checkpoint's weights stay; two thin matrices beside each of its own are learned (LoRA, Hu et
al. 2021), so what is kept is a few megabytes. Only the answers' tokens count in the loss. A run
that was stopped goes on where it was: order, optimizer and learning rate follow from the update.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_export.log import Log
from edge_export.recipe import FinetuneSettings
from edge_export.training.answer_loss import answer_loss, mean_loss
from edge_export.training.token_examples import (
    TokenExample,
    TokenExamples,
    choose_examples,
    iter_batches,
    iter_updates,
)
from edge_export.training.training_state import TrainingState

LINEAR_LAYERS = (
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
)  # fmt: skip


def finetune(
    checkpoint: Path,
    examples: TokenExamples,
    settings: FinetuneSettings,
    output: Path,
    log: Log,
    start: Path | None = None,
) -> Path:
    """Train an adapter and write it, with the losses, into a folder.

    :param checkpoint: Folder of the base model.
    :param examples: What to learn, and what to measure the loss on.
    :param settings: Of the training.
    :param output: Folder for the adapter, the losses and, while it runs, the state to go on from.
    :param log: Told of the progress.
    :param start: Folder of an adapter to go on from; None for a new one.
    :return: The folder of the adapter.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    model = _model_with_adapter(checkpoint, settings, device, start)
    chosen = choose_examples(examples.train, settings)
    updates = list(iter_updates(chosen, settings))
    state = _initial_state(model, settings, len(updates))
    output.mkdir(parents=True, exist_ok=True)
    state.resume(output, device)
    log(
        f"{len(chosen)} of {len(examples.train)} examples, {len(updates)} updates, "
        f"from {state.n_updates}, on {device.type}"
    )
    per_epoch = len(updates) // settings.epochs
    model.train()
    for update in updates[state.n_updates :]:
        loss = _learn(model, update, state, device)
        n, is_last = state.n_updates, state.n_updates == len(updates)
        state.history["train"].append([n, round(loss, 4)])
        if n % per_epoch == 0 or is_last:
            dev_loss = mean_loss(model, examples.dev, settings.batch_tokens, device)
            state.history["dev"].append([n, round(dev_loss, 4)])
            log(f"update {n}: dev loss {dev_loss:.4f} nats a token")
        if n % settings.save_every == 0 or is_last:
            state.save(output)
            recent = [value for _, value in state.history["train"][-settings.save_every :]]
            log(f"update {n} of {len(updates)}: loss {sum(recent) / len(recent):.4f}")
    _save_adapter(model, output / "adapter")
    return output / "adapter"


def _initial_state(model: Any, settings: FinetuneSettings, n_updates: int) -> TrainingState:
    import torch

    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        learned, settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _share_of_rate(step, n_updates, settings.warmup_share)
    )
    return TrainingState(settings, learned, optimizer, schedule)


def _learn(model: Any, update: Sequence[TokenExample], state: TrainingState, device: Any) -> float:
    """Make one update: mean nats of its answers' tokens before it."""
    import torch

    settings = state.settings
    torch.manual_seed(settings.seed + state.n_updates)  # dropout, the same when resumed
    n_answer_tokens = sum(len(example.answer) for example in update)
    total = 0.0
    for batch in iter_batches(update, settings.batch_tokens):
        loss = answer_loss(model, batch, device) / n_answer_tokens
        loss.backward()
        total += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(state.learned, settings.max_gradient)
    state.optimizer.step()
    state.schedule.step()
    state.optimizer.zero_grad(set_to_none=True)
    state.n_updates += 1
    return total


def _model_with_adapter(
    checkpoint: Path, settings: FinetuneSettings, device: Any, start: Path | None
) -> Any:
    import torch
    from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    if start is not None:
        config = PeftConfig.from_pretrained(str(start))
        config.lora_dropout = settings.dropout  # each stage has its own
        adapted = PeftModel.from_pretrained(base, start, is_trainable=True, config=config)
        return adapted.float().to(device)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=round(settings.scale * settings.rank),
        lora_dropout=settings.dropout,
        target_modules=list(LINEAR_LAYERS),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base, config).to(device)


def _share_of_rate(step: int, n_updates: int, warmup_share: float) -> float:
    warmup = max(1, round(n_updates * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, n_updates - warmup)))


def _save_adapter(model: Any, folder: Path) -> None:
    """The adapter in FP16: its matrices are small sums, and halves keep them."""
    import torch

    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float16)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # a form to fill in
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = None  # a folder of this machine
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
