"""What the sides of a comparison took: as lines of text, and for the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.generation.bandwidth import read_bytes_per_s
from benchmarks.generation.task import Task
from benchmarks.processes import Sample, spread
from edge.bundles.files import external_data_bytes

Measure = tuple[str, Callable[[Sample, Task], float], str]
"""Name, value of a sample, and its unit."""
MEASURES: dict[str, Measure] = {
    "read": ("read", lambda s, t: t.n_read / s.reported["read_s"], "tokens/s"),
    "write": ("write", lambda s, t: t.n_written / s.reported["write_s"], "tokens/s"),
    "both": ("whole", lambda s, _: s.reported["read_s"] + s.reported["write_s"], "s"),
    "cold": ("cold to first token", lambda s, _: s.reported["cold_first_token_s"], "s"),
    "wall": ("whole command", lambda s, _: s.wall_s, "s"),
    "cpu": ("processor", lambda s, _: s.cpu_s, "s"),
    "rss": ("peak RSS", lambda s, _: s.peak_rss_bytes / 1e6, "MB"),
}


def report(
    title: str, samples: Mapping[str, Sequence[Sample]], task: Task, measures: Sequence[str]
) -> dict[str, Any]:
    """Print medians with their range, and the ratio to the first side in the same round.

    :param title: Of the comparison.
    :param samples: Side -> one a round.
    :param task: What they did.
    :param measures: Of ``MEASURES``.
    :return: The same for the record.
    """
    first = next(iter(samples))
    n = len(samples[first])
    amount = f"{task.n_read} tokens in, {task.new_tokens} out for each of {len(task.prompts)}; "
    print(
        f"\n{title}: {amount if task.prompts else ''}median (min-max), ratio to {first!r} in the "
        f"same round; n={n}"
    )
    medians: dict[str, Any] = {name: {} for name in samples}
    for measure in measures:
        label, value, unit = MEASURES[measure]
        base = [value(sample, task) for sample in samples[first]]
        for name, rounds in samples.items():
            values = [value(sample, task) for sample in rounds]
            numbers = spread(values)
            ratio = spread([a / b for a, b in zip(values, base, strict=True)])
            medians[name][measure] = {**numbers, "ratio": ratio}
            print(
                f"  {label:20} {name:18} {numbers['median']:8.2f} {unit:8} "
                f"({numbers['min']:.2f}-{numbers['max']:.2f})   {ratio['median']:.2f} "
                f"({ratio['min']:.2f}-{ratio['max']:.2f})"
            )
    return {
        "n": n,
        "measures": medians,
        "samples": {name: [asdict(each) for each in rounds] for name, rounds in samples.items()},
    }


def report_limits(
    measures: Mapping[str, Any],
    bundles: Mapping[str, Path],
    threads: int,
    rows: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Print what the memory allows at most beside what was written.

    Weights are read for each step. Beams and rows share a step; of beams only the text they end in
    counts.

    :param measures: As ``report`` gives them.
    :param bundles: Side -> its model.
    :param threads: Of every side.
    :param rows: Side -> texts that are written at once; one where it is not named.
    :return: The same for the record.
    """
    bandwidth = read_bytes_per_s(threads)
    print(f"  memory read by {threads} threads: {bandwidth / 1e9:.1f} GB/s; at most, then:")
    limits: dict[str, Any] = {"memory_bytes_per_s": bandwidth}
    for name, folder in bundles.items():
        n_bytes = external_data_bytes(folder / "model.onnx")
        most = bandwidth / n_bytes * (rows or {}).get(name, 1)
        got = measures[name]["write"]["median"]
        limits[name] = {"weight_bytes_per_step": n_bytes, "tokens_per_s": most}
        print(
            f"  {name:18} {n_bytes / 1e6:4.0f} MB of weights a step, {most:.0f} tokens/s; "
            f"written {got:.0f}, {got / most:.0%}"
        )
    return limits
