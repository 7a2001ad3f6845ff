"""One run of llama.cpp.

``python -m benchmarks.peers.llama_cpp_worker FILE.gguf [ADAPTER.gguf] TASK.json``.
"""

import sys
import time
from typing import Any

from llama_cpp import Llama

from benchmarks.generation.task import load_task, run_task


def main() -> None:
    """Do the task."""
    file, *adapter, task_file = sys.argv[1:]
    task = load_task(task_file)
    n_context = max(map(len, task.prompts)) + task.new_tokens + 8
    options: dict[str, Any] = {"n_threads": task.threads, "n_threads_batch": task.threads}
    if adapter:
        options["lora_path"] = adapter[0]
    model = Llama(file, n_ctx=n_context, verbose=False, **options)

    def write(prompts: list[list[int]], n_new: int) -> tuple[float, float]:
        (prompt,) = prompts
        model.reset()
        started_s = time.perf_counter()
        model.eval(prompt)
        token = model.sample(temp=0)
        first_s = time.perf_counter()
        for _ in range(n_new - 1):
            model.eval([token])
            token = model.sample(temp=0)
        return first_s - started_s, time.perf_counter() - first_s

    run_task(task, write)


if __name__ == "__main__":
    main()
