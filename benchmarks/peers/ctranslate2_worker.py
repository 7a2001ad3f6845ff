"""One run of CTranslate2: ``python -m benchmarks.peers.ctranslate2_worker FOLDER TASK.json``."""

import json
import sys
from pathlib import Path

import ctranslate2

from benchmarks.generation.task import by_difference, load_task, run_task


def main() -> None:
    """Do the task."""
    folder, task_file = sys.argv[1:]
    task = load_task(task_file)
    translator = ctranslate2.Translator(
        folder,
        device="cpu",
        compute_type="int8",
        intra_threads=task.threads,
        inter_threads=1,
    )
    tokens = json.loads((Path(folder) / "shared_vocabulary.json").read_bytes())

    def generate(prompt: list[int], n_new: int) -> None:
        translator.translate_batch(
            [[tokens[i] for i in prompt]], beam_size=task.n_beams, max_decoding_length=n_new,
            min_decoding_length=n_new, max_input_length=0,
        )  # fmt: skip

    run_task(task, by_difference(generate))


if __name__ == "__main__":
    main()
