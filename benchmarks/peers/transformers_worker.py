"""One run of ``generate``, by PyTorch or by optimum's onnxruntime classes on its plain export.

``transformers_worker.py KIND FOLDER TASK.json``; KIND is torch or onnx, with -seq2seq or not.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch


def load(kind: str, folder: str, threads: int) -> Any:
    """The model, of the class that KIND names."""
    is_seq2seq = kind.endswith("-seq2seq")
    if kind.startswith("torch"):
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        torch.set_num_threads(threads)
        model_class = AutoModelForSeq2SeqLM if is_seq2seq else AutoModelForCausalLM
        return model_class.from_pretrained(folder, dtype=torch.float32).eval()
    import onnxruntime
    from optimum.onnxruntime import ORTModelForCausalLM, ORTModelForSeq2SeqLM

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if not is_seq2seq:
        name = next(Path(folder).glob("*.onnx")).name
        return ORTModelForCausalLM.from_pretrained(
            folder, file_name=name, session_options=options, use_io_binding=True
        )
    names = {
        path.stem.removesuffix("_quantized"): path.name for path in Path(folder).glob("*.onnx")
    }
    return ORTModelForSeq2SeqLM.from_pretrained(
        folder,
        session_options=options,
        encoder_file_name=names["encoder_model"],
        decoder_file_name=names["decoder_model"],
        decoder_with_past_file_name=names["decoder_with_past_model"],
        use_merged=False,
    )


def main() -> None:
    """Read and write once cold and once warm; print the times."""
    kind, folder, task_file = sys.argv[1:]
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    model = load(kind, folder, task["threads"])

    def write(prompt: list[int], n_new: int) -> float:
        ids = torch.tensor([prompt])
        started = time.perf_counter()
        with torch.inference_mode():
            model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=n_new,
                min_new_tokens=n_new, num_beams=task["n_beams"], do_sample=False, pad_token_id=0,
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
