"""One run of CTranslate2: ``ctranslate2_worker.py FOLDER TASK.json``."""

import json
import os
import sys
import time
from pathlib import Path

import ctranslate2


def main() -> None:
    """Read and write once cold and once warm; print the times."""
    task = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    translator = ctranslate2.Translator(
        sys.argv[1],
        device="cpu",
        compute_type="int8",
        intra_threads=task["threads"],
        inter_threads=1,
    )
    tokens = json.loads((Path(sys.argv[1]) / "shared_vocabulary.json").read_bytes())

    def write(prompt: list[int], n_new: int) -> float:
        started = time.perf_counter()
        translator.translate_batch(
            [[tokens[i] for i in prompt]], beam_size=task["n_beams"], max_decoding_length=n_new,
            min_decoding_length=n_new, max_input_length=0,
        )  # fmt: skip
        return time.perf_counter() - started

    write(task["prompts"][0], 1)
    cold_s = time.time() - float(os.environ["BENCHMARK_STARTED"])
    read_s = sum(write(prompt, 1) for prompt in task["prompts"])
    whole_s = sum(write(prompt, task["new_tokens"]) for prompt in task["prompts"])
    times = {"cold_first_token_s": cold_s, "read_s": read_s, "write_s": whole_s - read_s}
    print(json.dumps(times))


if __name__ == "__main__":
    main()
