"""The file map of docs/architecture.md: ``python -m tests.tools.file_map`` writes it anew.

One line a module, with the first sentence of its docstring; tests/test_house.py compares.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("edge", "export/edge_export", "benchmarks")
BEGIN, END = "<!-- file map: python -m tests.tools.file_map -->", "<!-- end of the file map -->"


def first_sentence(module: Path) -> str:
    """What a module is for, in one line.

    :param module: A Python file with a docstring.
    """
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z])", paragraph)[0]
    return sentence.replace("``", "`").rstrip(".")


def file_map() -> str:
    """The section, a table a package."""
    lines = [BEGIN]
    for package in PACKAGES:
        lines += ["", f"| `{package}/` | |", "|---|---|"]
        modules = sorted(
            (ROOT / package).rglob("*.py"), key=lambda path: (path.parts[:-1], path.name)
        )
        lines += [
            f"| `{module.relative_to(ROOT / package).as_posix()}` | {first_sentence(module)} |"
            for module in modules
            if module.name != "__init__.py" or len(module.read_text().splitlines()) > 3
        ]
    return "\n".join([*lines, "", END])


def page() -> str:
    """The whole page with the map as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + file_map() + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
