"""The house keeps to its own measures: short modules and functions, a map that is true."""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tools.file_map import PAGE, page

MODULES = sorted((ROOT / "edge").rglob("*.py"))
MAX_MODULE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 300, 40, 6
NO_CODE = frozenset({
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
})  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[tuple[Function, list[str]]]:
    """Each function of a module, with the module's lines."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield node, source.splitlines()


def code_lines(function: Function, lines: list[str]) -> int:
    """Lines of code: no docstring, no blank line, no comment."""
    source = textwrap.dedent("\n".join(lines[function.lineno - 1 : function.end_lineno])) + "\n"
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        above = function.lineno - 1
        code -= set(range(first.lineno - above, (first.end_lineno or 0) - above + 1))
    return len(code)


def parameters(function: Function) -> int:
    """Without ``self`` and ``cls``."""
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [a.arg for a in (arguments.vararg, arguments.kwarg) if a]
    return len([name for name in names if name not in ("self", "cls")])


def reason(function: Function, lines: list[str], mark: str) -> bool:
    """Whether a comment above a function says why it is as it is."""
    top = min([function.lineno, *(d.lineno for d in function.decorator_list)]) - 2
    while top >= 0 and lines[top].strip().startswith("#"):
        if lines[top].strip().startswith(f"# {mark}:"):
            return True
        top -= 1
    return False


def test_no_module_is_too_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    long = {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > MAX_MODULE_LINES}
    assert not long


def test_no_function_is_too_long_or_says_why() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": code_lines(function, lines)
        for path in MODULES
        for function, lines in functions(path)
        if code_lines(function, lines) > MAX_FUNCTION_LINES and not reason(function, lines, "Long")
    }
    assert not long


def test_no_function_has_too_many_parameters_or_says_why() -> None:
    many = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": parameters(function)
        for path in MODULES
        for function, lines in functions(path)
        if parameters(function) > MAX_PARAMETERS and not reason(function, lines, "Many parameters")
    }
    assert not many


@pytest.mark.parametrize(
    ("source", "n_lines", "n_parameters"),
    [
        ("def f(self, a, *, b, **c):\n  '''Do\n  c.'''\n\n  # why\n  return [\n    a\n  ]\n", 4, 3),
        ("class A:\n    def f(cls):\n        x = 1  # why\n        return x\n", 3, 0),
    ],
)  # fmt: skip
def test_the_measures(source: str, n_lines: int, n_parameters: int, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(source)
    ((function, lines),) = functions(module)
    assert code_lines(function, lines) == n_lines
    assert parameters(function) == n_parameters
    assert not reason(function, lines, "Long")


def test_the_map_of_files_is_true() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.tools.file_map"
