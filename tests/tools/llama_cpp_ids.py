"""Write tests/data/llama_cpp_ids.json: how llama.cpp splits the seeds and texts meant to trip it.

Needs ``xllamacpp`` (a build of llama.cpp) and ``gguf``, in an environment of their own:
``python tests/tools/llama_cpp_ids.py SmolLM2-135M-Instruct.Q4_1.gguf``.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import xllamacpp

ROOT = Path(__file__).parents[2]
PRES = ("smollm", "gpt-2", "llama-bpe", "qwen2")
ADVERSARIAL = (
    "",
    " ",
    "   three spaces",
    "tabs\t\tand\nlines\n\n\nand\r\nreturns\r",
    "trailing spaces   \n  ",
    "It's I'M we'll THEY'VE o'clock 'tis",
    "1234567 3.14159 1,000,000 v2.0.1 ½ ² ٣٤ 一二三",
    "naïve café Ångström ﬁne e\u0301",
    "你好，世界。今日は機械学習です。 안녕하세요",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🙂",
    "<|im_start|>user\nHi<|im_end|>\n<|endoftext|>",
    "<|im_start|> <|im_ start|> <|im_end",
    "http://example.org/a_b-c?d=e&f=%20#g user@example.org",
    "def f(x):\n    return {'a': [1, 2], \"b\": x**2}  # note",
    "zero\u200bwidth no\u00a0break\u2003em \ufeffmark",
    "\x00\x01\x7f control",
    "a" * 300,
    "ALLCAPS mixedCase snake_case kebab-case",
    "!!! ??? ... --- *** ((()))",
    "Привет, мир! Γειά σου Κόσμε שלום עולם مرحبا",
)


def server(model: Path) -> tuple[xllamacpp.Server, str]:
    """A running llama.cpp and its address on this machine."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_ctx = 256
    parameters.port = 0
    running = xllamacpp.Server(parameters)
    return running, running.listening_address


def tokenize(address: str, text: str) -> list[int]:
    """llama.cpp's ids, special tokens found in the text."""
    body = json.dumps({"content": text, "add_special": False, "parse_special": True}).encode()
    request = Request(f"{address}/tokenize", body, {"Content-Type": "application/json"})
    with urlopen(request) as answer:
        tokens: list[int] = json.load(answer)["tokens"]
    return tokens


def main() -> None:
    """Ask about the seeds, and about the hard texts under every way to split words."""
    model = Path(sys.argv[1])
    running, address = server(model)
    seeds = {}
    for path in sorted((ROOT / "seeds").glob("*.txt")):
        ids = tokenize(address, path.read_text(encoding="utf-8"))
        digest = hashlib.sha256(np.array(ids, "<i4").tobytes()).hexdigest()
        seeds[path.name] = {"n": len(ids), "sha256": digest}
    del running
    adversarial = {}
    for pre in PRES:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.gguf"
            command = [sys.executable, "-m", "gguf.scripts.gguf_new_metadata"]
            subprocess.run([*command, "--pre-tokenizer", pre, model, copy], check=True)
            running, address = server(copy)
            adversarial[pre] = [[text, tokenize(address, text)] for text in ADVERSARIAL]
            del running
    record = {
        "llama_cpp": f"xllamacpp {xllamacpp.__version__}",
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "seeds": seeds,
        "adversarial": adversarial,
    }
    target = ROOT / "tests" / "data" / "llama_cpp_ids.json"
    target.write_text(json.dumps(record, ensure_ascii=True, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
