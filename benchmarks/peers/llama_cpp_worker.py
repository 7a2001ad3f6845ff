"""One run of llama.cpp: ``llama_cpp_worker.py FILE.gguf [ADAPTER.gguf] TASK.json``."""

import json
import os
import sys
import time
from pathlib import Path

from llama_cpp import Llama


def main() -> None:
    """Read and write once cold and once warm; print the times."""
    file, *adapter, task_file = sys.argv[1:]
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    n_context = max(map(len, task["prompts"])) + task["new_tokens"] + 8
    threads = {"n_threads": task["threads"], "n_threads_batch": task["threads"]}
    if adapter:
        threads["lora_path"] = adapter[0]
    model = Llama(file, n_ctx=n_context, verbose=False, **threads)
    model.eval(task["prompts"][0])
    model.sample(temp=0)
    cold_s = time.time() - float(os.environ["BENCHMARK_STARTED"])
    read_s = write_s = 0.0
    for prompt in task["prompts"]:
        model.reset()
        started = time.perf_counter()
        model.eval(prompt)
        token = model.sample(temp=0)
        first = time.perf_counter()
        for _ in range(task["new_tokens"] - 1):
            model.eval([token])
            token = model.sample(temp=0)
        read_s, write_s = read_s + first - started, write_s + time.perf_counter() - first
    print(json.dumps({"cold_first_token_s": cold_s, "read_s": read_s, "write_s": write_s}))


if __name__ == "__main__":
    main()
