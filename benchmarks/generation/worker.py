"""One run of our side: ``python -m benchmarks.generation.worker BUNDLE TASK.json``."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.processes import STARTED
from edge.bundles.manifest import read_bundle
from edge.generation.generator import Generator
from edge.generation.loop import decode_beams, decode_tokens
from edge.generation.sampling import ControlTokens, GenerationSettings


def main() -> None:
    """Read and write once cold and once warm; print the times."""
    task = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    generator = Generator(read_bundle(Path(sys.argv[1])), task["threads"])
    write(generator, task["prompts"][:1], task, 1)
    cold_s = time.time() - float(os.environ[STARTED])
    groups = [[prompt] for prompt in task["prompts"]]
    if task["together"]:
        groups = [task["prompts"]]
    read_s = write_s = 0.0
    for group in groups:
        spent = write(generator, group, task, task["new_tokens"])
        read_s, write_s = read_s + spent[0], write_s + spent[1]
    print(json.dumps({"cold_first_token_s": cold_s, "read_s": read_s, "write_s": write_s}))


def write(
    generator: Generator, prompts: list[list[int]], task: dict[str, Any], n_new: int
) -> tuple[float, float]:
    """Seconds to the first token, and from there to the last.

    :param generator: The model.
    :param prompts: Tokens of each prompt.
    :param task: Gives ``n_beams``.
    :param n_new: Tokens to write; an end is not allowed before.
    """
    settings = GenerationSettings(
        max_new_tokens=n_new, min_new_tokens=n_new, n_beams=task["n_beams"]
    )
    control = ControlTokens(generator.spec.end_token_ids)
    started = time.perf_counter()
    state = generator.model.prefill(prompts, n_new, settings.n_beams)
    first = time.perf_counter()
    if settings.n_beams > 1:
        decode_beams(state, prompts, settings, control)
    else:
        for _ in decode_tokens(state, prompts, settings, control):
            pass
    return first - started, time.perf_counter() - first


if __name__ == "__main__":
    main()
