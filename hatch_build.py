"""What the wheel holds besides code: every model that ``models/`` has, and an episode to time.

Adding a model is adding a folder. Its recipe travels, and each bundle built in it (a folder with a
manifest); what it was trained from stays in the checkout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EPISODE = "seeds/gradient-dissent_johannes-otterbach_whisper-timed.txt"


class ModelsHook(BuildHookInterface):
    """Adds these to the wheel; an editable installation finds them in the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files.

        :param version: ``standard`` or ``editable``.
        :param build_data: What is to be built; changed in place.
        """
        if version == "editable":
            return
        root = Path(self.root)
        models = root / "models"
        shipped = [
            *models.glob("*/recipe.toml"),
            *(p.parent for p in models.glob("*/*/manifest.json")),
        ]
        targets = {str(path): f"edge/models/{path.relative_to(models)}" for path in sorted(shipped)}
        targets[str(root / EPISODE)] = "edge/bench/episode.txt"  # where edge.bench.episode looks
        build_data["force_include"].update(targets)
