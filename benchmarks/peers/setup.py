"""Make the peer's environment once: ``python benchmarks/peers/setup.py``."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv-peers"
REQUIREMENTS = Path(__file__).parent / "sentence-transformers.txt"


def main() -> None:
    """Create ``.venv-peers`` unless it is complete already."""
    ready = VENV / "ready"
    if ready.exists() and ready.stat().st_mtime >= REQUIREMENTS.stat().st_mtime:
        return
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    # torch first and alone: other packages would ask for its CUDA build.
    subprocess.run([*pip, "torch==2.13.0"], check=True)
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    ready.touch()


if __name__ == "__main__":
    main()
