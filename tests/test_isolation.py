"""The device side loads nothing of the workstation side and opens no socket."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import CHIP, ROOT

FORBIDDEN = ("torch", "transformers", "optimum", "onnx", "edge_export", "benchmarks")

# An audit hook cannot be taken off again, so this runs in a process of its own.
WATCHED_DIGEST = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(event) if event.startswith("socket.") else None)
from click.testing import CliRunner
from edge.__main__ import main
result = CliRunner().invoke(main, ["summarize", sys.argv[1], "--format", "json"])
assert result.exit_code == 0 and '"key_points"' in result.stdout, result.output
loaded = sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[2].split(",")))
print("loaded", loaded, "opened", [e for e in opened if e != "socket.gethostname"])
"""

WATCHED_ANSWER = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(event) if event.startswith("socket.") else None)
from click.testing import CliRunner
from edge.__main__ import main
result = CliRunner().invoke(main, ["models", "try", sys.argv[1], "Hello", "--max-new-tokens", "5"])
assert result.exit_code == 0 or "needs onnxruntime" in result.output, result.output
loaded = sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[2].split(",")))
print("loaded", loaded, "opened", [e for e in opened if e != "socket.gethostname"])
"""

IMPORT_ALL = """
import importlib, pkgutil, sys, edge
for module in pkgutil.walk_packages(edge.__path__, "edge."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[1].split(","))))
"""

HEAVY_AFTER_HELP = """
import sys
from click.testing import CliRunner
from edge.__main__ import main
help = CliRunner().invoke(main, ["--help"])
assert help.exit_code == 0 and "bench " in help.stdout, help.output
print(sorted(set(sys.modules) & {"numpy", "onnxruntime", "tokenizers"}))
"""


def python(code: str, *arguments: str, cwd: Path = ROOT) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_a_whole_digest_loads_no_forbidden_module_and_opens_no_socket() -> None:
    assert python(WATCHED_DIGEST, str(CHIP), ",".join(FORBIDDEN)) == "loaded [] opened []"


def test_writing_loads_no_forbidden_module_and_opens_no_socket() -> None:
    bundle = ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32"
    forbidden = ",".join((*FORBIDDEN, "jinja2"))
    assert python(WATCHED_ANSWER, str(bundle), forbidden) == "loaded [] opened []"


def test_no_module_of_edge_imports_a_forbidden_one() -> None:
    assert python(IMPORT_ALL, ",".join(FORBIDDEN)) == "[]"


def test_the_audit_hook_would_see_a_socket() -> None:
    code = WATCHED_DIGEST.replace("result =", "import socket; socket.socket(); result =", 1)
    assert "socket.__new__" in python(code, str(CHIP), ",".join(FORBIDDEN))


def test_help_starts_without_the_heavy_libraries() -> None:
    assert python(HEAVY_AFTER_HELP) == "[]"


def test_a_command_that_is_not_asked_for_is_not_loaded() -> None:
    code = (
        "import sys, edge.__main__\nprint([n for n in sys.modules if n.startswith('edge.bench')])"
    )
    assert python(code) == "[]"
