"""Make the peers' environments: ``python benchmarks/peers/setup.py [NAME...]``, all by default.

Each has an environment of its own, ``.venv-peers/NAME``, made from ``environments/NAME.txt``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = Path(__file__).parent / "environments"
NAMES = sorted(path.stem for path in ENVIRONMENTS.glob("*.txt"))
TORCH = "torch==2.13.0"


def make(name: str) -> Path:
    """The Python of a peer's environment, made unless it is complete already.

    :param name: One of ``NAMES``.
    """
    requirements = ENVIRONMENTS / f"{name}.txt"
    folder = ROOT / ".venv-peers" / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists() and ready.read_bytes() == requirements.read_bytes():
        return python
    print(f"making {folder.relative_to(ROOT)}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if TORCH in requirements.read_text(encoding="utf-8"):
        # First and alone: other packages would ask for its CUDA build.
        subprocess.run([*pip, TORCH], check=True)
    subprocess.run([*pip, "-r", str(requirements)], check=True)
    ready.write_bytes(requirements.read_bytes())
    return python


def main() -> None:
    """Make what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    for name in names:
        if name not in NAMES:
            raise SystemExit(f"{name!r} is no peer; there are {', '.join(NAMES)}")
        make(name)


if __name__ == "__main__":
    main()
