"""Many episodes: find them, go on past a bad one, write atomically, skip what is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EdgeError, OutputError, TranscriptError
from edge.files import make_folder, write_atomically

TRANSCRIPT_SUFFIXES = frozenset(
    {".txt", ".srt", ".vtt", ".json", ".jsonl", ".csv", ".tsv", ".lrc", ".html", ".htm"}
)
STDIN = "-"


@dataclass(frozen=True)
class Outcome:
    """What became of one episode."""

    source: str
    status: str
    """``done``, ``skipped`` or ``failed``."""
    detail: str
    """Output path, or the error."""


def expand_sources(arguments: Sequence[str]) -> list[str]:
    """Files of the arguments: a folder stands for the transcripts directly in it.

    :param arguments: Files, folders or ``-``.
    :raises TranscriptError: If a folder has no transcript.
    """
    sources: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STDIN or not path.is_dir():
            sources.append(argument)
            continue
        transcripts = sorted(
            child
            for child in path.iterdir()
            if child.is_file()
            and child.suffix.lower() in TRANSCRIPT_SUFFIXES
            and not child.name.startswith((".", "README"))
        )
        if not transcripts:
            raise TranscriptError(
                f"folder {path} has no transcript",
                f"Known endings: {' '.join(sorted(TRANSCRIPT_SUFFIXES))}. "
                "A file of another name can be given by itself.",
            )
        sources += map(str, transcripts)
    return list(dict.fromkeys(sources))


def output_names(sources: Sequence[str], suffix: str) -> list[str]:
    """A distinct output file name for each source: its stem, longer where two would clash.

    :param sources: Files or ``-``.
    :param suffix: Ending of every output.
    """
    paths = [Path("stdin" if source == STDIN else source) for source in sources]
    forms: tuple[Callable[[Path], str], ...] = (
        lambda path: path.stem,
        lambda path: path.name,
        lambda path: "_".join(part for part in path.parts if part not in (os.sep, "..", ".")),
    )
    names = [""] * len(paths)
    for k, path in enumerate(paths):
        for form in forms:
            names[k] = form(path)
            if sum(form(other) == names[k] for other in paths) == 1:
                break
        else:
            names[k] = f"{names[k]}_{k + 1}"
    return [name + suffix for name in names]


def run_batch(
    sources: Sequence[str],
    output: Path,
    suffix: str,
    render: Callable[[str], str],
    *,
    force: bool,
    report: Callable[[Outcome], None],
) -> list[Outcome]:
    """Render each source into the output folder; a failure is recorded, and work goes on.

    :param sources: Files or ``-``.
    :param output: Folder, made if missing.
    :param suffix: Ending of every output.
    :param render: Source -> text of its output.
    :param force: Whether to redo what is newer than its source.
    :param report: Told of each outcome as it comes.
    :raises OutputError: If the folder cannot be made, or an output would replace a source.
    """
    targets = [output / name for name in output_names(sources, suffix)]
    read = {Path(source).resolve() for source in sources if source != STDIN}
    for target in targets:
        if target.resolve() in read:
            raise OutputError(
                f"{target} is a transcript, and its digest would replace it",
                "Give another folder with --output, or another --format; nothing was written.",
            )
    make_folder(output)
    outcomes = []
    for source, target in zip(sources, targets, strict=True):
        if not force and _is_newer(target, source):
            outcome = Outcome(source, "skipped", str(target))
        else:
            try:
                write_atomically(target, render(source))
                outcome = Outcome(source, "done", str(target))
            except EdgeError as error:
                outcome = Outcome(source, "failed", str(error))
        outcomes.append(outcome)
        report(outcome)
    return outcomes


def _is_newer(target: Path, source: str) -> bool:
    try:
        return source != STDIN and target.stat().st_mtime >= Path(source).stat().st_mtime
    except OSError:
        return False
