"""What every side of a comparison does, and what its process tells of it.

Each side's process imports this, and pays for it: it imports nothing large.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.bench.protocol import STARTED

Prompt = list[int]
"""Token ids."""
Write = Callable[[list[Prompt], int], tuple[float, float]]
"""Reads prompts and writes so many tokens about each; seconds to the first token, and from there
to the last."""


@dataclass(frozen=True)
class Task:
    """What every side does."""

    prompts: list[Prompt]
    new_tokens: int
    """To write about each."""
    threads: int
    n_beams: int = 1
    together: bool = False
    """Whether our side writes all prompts at once."""

    @property
    def n_read(self) -> int:
        """Tokens of all prompts."""
        return sum(map(len, self.prompts))

    @property
    def n_written(self) -> int:
        """Tokens of all answers; the first of each belongs to the reading."""
        return (self.new_tokens - 1) * len(self.prompts)


def save_task(task: Task, path: Path) -> str:
    """Write a task where a side finds it.

    :param task: The task.
    :param path: The file.
    :return: The file, as an argument of a command.
    """
    path.write_text(json.dumps(asdict(task)), encoding="utf-8")
    return str(path)


def load_task(path: str) -> Task:
    """Read a task.

    :param path: As ``save_task`` gives it.
    """
    return Task(**json.loads(Path(path).read_text(encoding="utf-8")))


def run_task(task: Task, write: Write, together: bool = False) -> None:
    """Read and write once cold and once warm; print the times.

    :param task: What to do.
    :param write: What this side does it with.
    :param together: Whether it takes all prompts at once.
    """
    write(task.prompts[:1], 1)
    cold_s = time.time() - int(os.environ[STARTED]) / 1e9
    groups = [task.prompts] if together else [[prompt] for prompt in task.prompts]
    times_s = [write(group, task.new_tokens) for group in groups]
    read_s, write_s = map(sum, zip(*times_s, strict=True))
    print(json.dumps({"cold_first_token_s": cold_s, "read_s": read_s, "write_s": write_s}))


def by_difference(generate: Callable[[Prompt, int], object]) -> Write:
    """What a library does that tells nothing before its last token: one token, then all.

    :param generate: Writes so many tokens about one prompt.
    """

    def spent_s(prompt: Prompt, n_new: int) -> float:
        started_s = time.perf_counter()
        generate(prompt, n_new)
        return time.perf_counter() - started_s

    def write(prompts: list[Prompt], n_new: int) -> tuple[float, float]:
        (prompt,) = prompts
        read_s = spent_s(prompt, 1)
        return read_s, spent_s(prompt, n_new) - read_s if n_new > 1 else 0.0

    return write
