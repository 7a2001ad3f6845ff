"""One run of our side: ``python -m benchmarks.generation.worker BUNDLE TASK.json``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.generation.task import Prompt, load_task, run_task
from edge.bundles.manifest import read_bundle
from edge.generation.generator import Generator
from edge.generation.loop import decode_beams, decode_tokens
from edge.generation.sampling import ControlTokens, GenerationSettings


def main() -> None:
    """Do the task."""
    folder, task_file = sys.argv[1:]
    task = load_task(task_file)
    generator = Generator(read_bundle(Path(folder)), task.threads)
    control = ControlTokens(generator.spec.end_token_ids)

    def write(prompts: list[Prompt], n_new: int) -> tuple[float, float]:
        settings = GenerationSettings(
            max_new_tokens=n_new, min_new_tokens=n_new, n_beams=task.n_beams
        )
        started_s = time.perf_counter()
        state = generator.model.prefill(prompts, n_new, settings.n_beams)
        first_s = time.perf_counter()
        if settings.n_beams > 1:
            decode_beams(state, prompts, settings, control)
        else:
            for _ in decode_tokens(state, prompts, settings, control):
                pass
        return first_s - started_s, time.perf_counter() - first_s

    run_task(task, write, task.together)


if __name__ == "__main__":
    main()
