"""Teach a decoder-only checkpoint to answer requests: a low-rank adapter, on a CPU or a GPU.

The checkpoint's weights stay; two thin matrices beside each of its own are learned (LoRA, Hu et
al. 2021), so what is kept is a few megabytes. Only the answers' tokens count in the loss. A run
that was stopped goes on where it was: order, optimizer and learning rate follow from the step.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_export.log import Log
from edge_export.recipe import FinetuneSettings

LINEAR_LAYERS = (
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
)  # fmt: skip
STATE_FILE, HISTORY_FILE = "state.pt", "history.json"
SMOOTHED = 10
IGNORED = -100
"""Label of a token that is read, not learned."""


@dataclass(frozen=True)
class TokenExample:
    """A request and its answer as tokens."""

    id: str
    source: str
    request: Sequence[int]
    answer: Sequence[int]
    """The model's end included."""

    def __len__(self) -> int:
        return len(self.request) + len(self.answer)


def choose_examples(
    examples: Sequence[TokenExample], settings: FinetuneSettings
) -> list[TokenExample]:
    """The examples of a stage, in their order.

    :param examples: All there are.
    :param settings: Of the stage.
    """
    kept: list[TokenExample] = []
    seen: set[str] = set()
    for example in examples:
        is_wanted = (
            (not settings.sources or example.source in settings.sources)
            and len(example.answer) >= settings.min_answer_tokens
            and len(example) <= settings.max_tokens
            and not (settings.once and example.id in seen)
        )
        if is_wanted:
            kept.append(example)
            seen.add(example.id)
    return kept


def finetune(
    checkpoint: Path,
    examples: Sequence[TokenExample],
    dev: Sequence[TokenExample],
    settings: FinetuneSettings,
    output: Path,
    log: Log,
    start: Path | None = None,
) -> Path:
    """Train an adapter and write it, with the losses, into a folder.

    :param checkpoint: Folder of the base model.
    :param examples: What to learn.
    :param dev: What the loss is measured on after each epoch, never learned.
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
    kept = choose_examples(examples, settings)
    updates = list(_updates(kept, settings))
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        learned, settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _share_of_rate(step, len(updates), settings.warmup_share)
    )
    output.mkdir(parents=True, exist_ok=True)
    done, history = _resume(output, settings, learned, optimizer, schedule, device)
    log(
        f"{len(kept)} of {len(examples)} examples, {len(updates)} updates, from {done}, "
        f"on {device.type}"
    )
    per_epoch = len(updates) // settings.epochs
    model.train()
    for step in range(done, len(updates)):
        torch.manual_seed(settings.seed + step)  # dropout, the same when resumed
        n_answer = sum(len(example.answer) for example in updates[step])
        total = 0.0
        for batch in _batches(updates[step], settings.batch_tokens):
            loss = _answer_loss(model, batch, device) / n_answer
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(learned, settings.max_gradient)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        history["train"].append([step + 1, round(total, 4)])
        if (step + 1) % per_epoch == 0 or step + 1 == len(updates):
            measured = mean_loss(model, dev, settings.batch_tokens, device)
            history["dev"].append([step + 1, round(measured, 4)])
            log(f"update {step + 1}: dev loss {measured:.4f} nats a token")
        if (step + 1) % settings.save_every == 0 or step + 1 == len(updates):
            _save_state(output, settings, learned, optimizer, schedule, step + 1, history)
            recent = [value for _, value in history["train"][-settings.save_every :]]
            log(f"update {step + 1} of {len(updates)}: loss {sum(recent) / len(recent):.4f}")
    folder = output / "adapter"
    _save_adapter(model, folder)
    return folder


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
        losses = [
            float(_answer_loss(model, batch, device)) for batch in _batches(examples, batch_tokens)
        ]
    model.train()
    return sum(losses) / max(1, sum(len(example.answer) for example in examples))


def plot_losses(history: Mapping[str, Sequence[tuple[int, float]]], path: Path) -> None:
    """A picture of the losses of a training.

    :param history: ``train`` and ``dev``, each (update, nats a token of the answers).
    :param path: PNG file to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    steps, losses = zip(*history["train"], strict=True)
    recent = [losses[max(0, i - SMOOTHED + 1) : i + 1] for i in range(len(losses))]
    smooth = [sum(part) / len(part) for part in recent]
    axes.plot(steps, losses, color="0.8", linewidth=0.8, label="training, each update")
    axes.plot(steps, smooth, color="tab:blue", label=f"training, mean of {SMOOTHED} updates")
    if history["dev"]:
        axes.plot(*zip(*history["dev"], strict=True), "o-", color="tab:orange", label="dev")
    axes.set(xlabel="update", ylabel="nats per answer token", ylim=(0, max(smooth) * 1.15))
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


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


def _updates(
    examples: Sequence[TokenExample], settings: FinetuneSettings
) -> Iterator[list[TokenExample]]:
    """The examples of each update, every epoch in another order."""
    for epoch in range(settings.epochs):
        order = list(range(len(examples)))
        random.Random(settings.seed * 1000 + epoch).shuffle(order)
        for start in range(0, len(order), settings.batch_examples):
            yield [examples[i] for i in order[start : start + settings.batch_examples]]


def _batches(examples: Sequence[TokenExample], batch_tokens: int) -> Iterator[list[TokenExample]]:
    """Examples of like length together, so that little is padded."""
    batch: list[TokenExample] = []
    for example in sorted(examples, key=len):
        if batch and len(example) * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(example)
    if batch:
        yield batch


def _answer_loss(model: Any, batch: Sequence[TokenExample], device: Any) -> Any:
    """Summed nats of the answers' tokens; the rest of the vocabulary's work is never done."""
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
    whole = model.get_base_model()
    with torch.autocast(device.type, torch.bfloat16, enabled=_has_fast_halves(device)):
        hidden = whole.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        wanted = labels != IGNORED
        logits = whole.lm_head(hidden[wanted])
    return torch.nn.functional.cross_entropy(logits.float(), labels[wanted], reduction="sum")


def _has_fast_halves(device: Any) -> bool:
    """Whether the device multiplies matrices of bfloat16 faster: elsewhere it is far slower."""
    import torch

    return bool(device.type == "cuda" or torch.cpu._is_amx_tile_supported())


def _share_of_rate(step: int, n_updates: int, warmup_share: float) -> float:
    warmup = max(1, round(n_updates * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, n_updates - warmup)))


def _save_state(
    output: Path, settings: FinetuneSettings, learned: Any, optimizer: Any, schedule: Any,
    step: int, history: Any,
) -> None:  # fmt: skip
    import torch

    state = {
        "settings": asdict(settings),
        "step": step,
        "learned": [p.detach().cpu() for p in learned],
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "history": history,
    }
    temporary = output / f"{STATE_FILE}.new"
    torch.save(state, temporary)
    temporary.replace(output / STATE_FILE)
    (output / HISTORY_FILE).write_text(json.dumps(history) + "\n", encoding="utf-8")


def _resume(
    output: Path, settings: FinetuneSettings, learned: Any, optimizer: Any, schedule: Any,
    device: Any,
) -> tuple[int, dict[str, list[Any]]]:  # fmt: skip
    """Updates already made and their losses; (0, none) for a training that begins."""
    import torch

    fresh: tuple[int, dict[str, list[Any]]] = (0, {"train": [], "dev": []})
    if not (output / STATE_FILE).exists():
        return fresh
    state = torch.load(output / STATE_FILE, map_location=device, weights_only=True)
    if state["settings"] != asdict(settings):
        return fresh
    with torch.no_grad():
        for parameter, value in zip(learned, state["learned"], strict=True):
            parameter.copy_(value)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"]), state["history"]


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
