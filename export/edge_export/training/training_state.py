"""Everything a stopped training goes on from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge_export.recipe import FinetuneSettings

STATE_FILE, HISTORY_FILE = "state.pt", "history.json"
History = dict[str, list[Any]]
"""``train`` and ``dev``, each (update, nats a token of the answers)."""


@dataclass
class TrainingState:
    """What changes from update to update."""

    settings: FinetuneSettings
    learned: list[Any]
    """The adapter's parameters, of PyTorch."""
    optimizer: Any
    schedule: Any
    """Of the learning rate."""
    n_updates: int = 0
    """Updates already made."""
    history: History = field(default_factory=lambda: {"train": [], "dev": []})

    def save(self, folder: Path) -> None:
        """Write the state, and the losses alone as JSON.

        :param folder: Of the stage.
        """
        import torch

        state = {
            "settings": asdict(self.settings),
            "step": self.n_updates,
            "learned": [parameter.detach().cpu() for parameter in self.learned],
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history,
        }
        temporary = folder / f"{STATE_FILE}.new"
        torch.save(state, temporary)
        temporary.replace(folder / STATE_FILE)
        (folder / HISTORY_FILE).write_text(json.dumps(self.history) + "\n", encoding="utf-8")

    def resume(self, folder: Path, device: Any) -> None:
        """Go on from a saved state, if there is one of the same settings.

        :param folder: Of the stage.
        :param device: Where the model computes.
        """
        import torch

        if not (folder / STATE_FILE).exists():
            return
        state = torch.load(folder / STATE_FILE, map_location=device, weights_only=True)
        if state["settings"] != asdict(self.settings):
            return
        with torch.no_grad():
            for parameter, value in zip(self.learned, state["learned"], strict=True):
                parameter.copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.n_updates, self.history = int(state["step"]), state["history"]
