"""One run of ``generate``, by PyTorch or by optimum's onnxruntime classes on its plain export.

``python -m benchmarks.peers.transformers_worker KIND FOLDER TASK.json``; KIND is torch or onnx,
with -seq2seq or not.
"""

import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.generation.task import by_difference, load_task, run_task


def load(kind: str, folder: str, threads: int) -> Any:
    """The model, of the class that KIND names.

    :param kind: As on the command line.
    :param folder: Of the checkpoint, or of its export.
    :param threads: Threads.
    """
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
    """Do the task."""
    kind, folder, task_file = sys.argv[1:]
    task = load_task(task_file)
    model = load(kind, folder, task.threads)

    def generate(prompt: list[int], n_new: int) -> None:
        ids = torch.tensor([prompt])
        with torch.inference_mode():
            model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=n_new,
                min_new_tokens=n_new, num_beams=task.n_beams, do_sample=False, pad_token_id=0,
            )  # fmt: skip

    run_task(task, by_difference(generate))


if __name__ == "__main__":
    main()
