"""A picture of the losses of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

SMOOTHED = 10
"""Updates that the line through the losses is a mean of."""


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
