"""Whether two builds make the same digests, byte for byte.

``python -m benchmarks.same_digests PYTHON_BEFORE PYTHON_AFTER --data FOLDER`` digests the seeds and
twenty evaluation documents with the ``edge`` that is installed beside each interpreter, in every
format, and compares the files. Timings, version and time of creation are apart: they differ from
run to run. Exit code 1 if anything else does.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SETS = ("qmsum_train", "podcast_chapters_train", "episodes_train", "episodes_unlabelled")
FORMS = ("labelled", "json", "unlabelled", "unpunctuated", "srt")
"""How a document is written as a file; with twenty documents each set meets each form once."""
COMMANDS = (
    ("summarize", "json"),
    ("summarize", "text"),
    ("summarize", "md"),
    ("keywords", "json"),
    ("chapters", "json"),
)
_CHANGING = re.compile(r'"timings": \{[^}]*\}|"tool_version": "[^"]*"|"created_utc": "[^"]*"', re.S)


def write_documents(data: Path, folder: Path) -> None:
    """Write twenty evaluation documents as transcripts: five of each set, in five forms.

    :param data: Where the evaluation files are.
    :param folder: Where the transcripts go.
    """
    for name in SETS:
        rows = _every_fifth(data / f"{name}.jsonl.gz")
        for k, (row, form) in enumerate(zip(rows, FORMS, strict=True)):
            path = folder / f"{name}-{k}.{'json' if form == 'json' else 'txt'}"
            path.write_text(_transcript(row["turns"], form), encoding="utf-8")


def _every_fifth(path: Path) -> list[Mapping[str, Any]]:
    """Five documents, evenly from the file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = list(file)
    return [json.loads(lines[k * len(lines) // len(FORMS)]) for k in range(len(FORMS))]


def _transcript(turns: Sequence[Mapping[str, str]], form: str) -> str:
    """Turns as the text of a transcript file; times are made up, four seconds a turn."""
    texts = [" ".join(turn["content"].split()) for turn in turns]
    if form == "labelled":
        names = [turn.get("speaker") or "Speaker" for turn in turns]
        return "\n\n".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
    if form == "json":
        segments = [
            {"startTime": 4 * i, "endTime": 4 * i + 4, "speaker": turn.get("speaker"), "body": text}
            for i, (turn, text) in enumerate(zip(turns, texts, strict=True))
        ]
        return json.dumps({"version": "1.0.0", "segments": segments})
    if form == "unpunctuated":
        return "\n".join(re.sub(r"[^\w\s'’]", "", text).lower() for text in texts)
    if form == "srt":
        times = [
            f"{i // 900:02}:{i // 15 % 60:02}:{i * 4 % 60:02},000" for i in range(len(texts) + 1)
        ]
        return "\n".join(
            f"{i + 1}\n{times[i]} --> {times[i + 1]}\n{text}\n" for i, text in enumerate(texts)
        )
    return " ".join(texts)


def write_digests(
    python: str, transcripts: Path, folder: Path, options: Sequence[str]
) -> dict[str, bytes]:
    """Digests of a folder of transcripts by one build, in every format.

    :param python: The interpreter that the build is installed beside.
    :param transcripts: The folder.
    :param folder: Where the digests go.
    :param options: More options of ``summarize``.
    :return: File name -> content, without what changes from run to run.
    """
    found = {}
    for command, form in COMMANDS:
        output = folder / f"{command}-{form}"
        own = options if command == "summarize" else ()
        program = [str(Path(python).absolute()), "-m", "edge", command]
        arguments = [*program, str(transcripts), "--format", form, *own]
        # Python looks for modules where it stands first, which may be a checkout.
        subprocess.run([*arguments, "--output", str(output), "--quiet"], cwd=folder, check=True)
        for path in sorted(output.iterdir()):
            content = _CHANGING.sub("", path.read_text(encoding="utf-8"))
            found[f"{output.name}/{path.name}"] = content.encode()
    return found


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    """Names of files that differ, or that only one build made.

    :param before: As ``write_digests`` gives it.
    :param after: The same of the other build.
    """
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name


def main() -> None:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", help="Python beside which the one build is installed")
    parser.add_argument("after", help="Python beside which the other build is installed")
    parser.add_argument(
        "--data", type=Path, help="folder of evaluation files; the seeds alone without"
    )
    parser.add_argument("options", nargs="*", help="after --: more options of 'edge summarize'")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        transcripts = folder / "transcripts"
        transcripts.mkdir()
        for seed in (ROOT / "seeds").glob("*.txt"):
            (transcripts / seed.name).write_bytes(seed.read_bytes())
        if arguments.data:
            write_documents(arguments.data, transcripts)
        made = []
        for build, python in enumerate((arguments.before, arguments.after)):
            (folder / str(build)).mkdir()
            made.append(write_digests(python, transcripts, folder / str(build), arguments.options))
    differing = list(differences(*made))
    print(f"{len(made[0])} digests, {len(differing)} differ", *differing, sep="\n")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
