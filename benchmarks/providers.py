"""Execution providers and precisions side by side, with the parity of what comes out.

``python -m benchmarks.providers BUNDLE@PROVIDER...`` loads all of them into one process, runs them
in turns after a warm-up, and prints rates with n and spread, ratios to the first within a round,
and how far each one's output is from the first one's. All must be encoders, or all writers.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import spread
from edge.arrays import Float32Array
from edge.bench.episode import episode_path
from edge.bundles.manifest import Bundle, read_bundle
from edge.device.kernel import cpu_model
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.loop import decode_tokens
from edge.generation.sampling import ControlTokens, GenerationSettings, log_softmax
from edge.runtime.encoder import Encoder
from edge.runtime.providers import Execution
from edge.runtime.session import runtime_version
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences

N_SENTENCES = 4096
N_READ, N_WRITTEN = 1024, 64
BATCHES = (1, 8)
NEAREST = 10

Rates = Callable[[], Mapping[str, float]]
"""Takes one sample: name -> rate."""


def sentences() -> list[str]:
    """Sentences of the sample episode, again and again, each time told apart by a word."""
    texts = [s.text for s in rebuild_sentences(read_transcript(episode_path()))]
    return [f"{texts[i % len(texts)]} {i // len(texts)}" for i in range(N_SENTENCES)]


def encoder_rates(encoder: Encoder, token_ids: Sequence[Sequence[int]]) -> Rates:
    """Sentences and tokens a second of a whole batch.

    :param encoder: The model.
    :param token_ids: Of each sentence.
    """

    def sample() -> Mapping[str, float]:
        started = time.perf_counter()
        encoder.encode_tokens(token_ids)
        spent = time.perf_counter() - started
        return {"tokens/s": sum(map(len, token_ids)) / spent}

    return sample


def encoder_parity(reference: Float32Array, vectors: Float32Array) -> dict[str, float]:
    """How near vectors are to others of the same sentences.

    :param reference: Shape (sentences, dimension), unit rows.
    :param vectors: The same.
    """
    cosines = (reference * vectors).sum(axis=1)
    both = (reference[:1024], vectors[:1024])
    near = [np.argsort(-(v @ v.T), axis=1)[:, :NEAREST] for v in both]
    shared = [len(set(a) & set(b)) / NEAREST for a, b in zip(*near, strict=True)]
    return {
        "cosine, mean": float(cosines.mean()),
        "cosine, least": float(cosines.min()),
        f"{NEAREST} nearest shared": float(np.mean(shared)),
    }


def generator_rates(generator: Generator, token_ids: Sequence[int]) -> Rates:
    """Tokens read and written a second, one text and several at a time.

    :param generator: The model.
    :param token_ids: A text to take prompts from.
    """
    limit = generator.spec.context_tokens - (
        N_WRITTEN if generator.spec.pad_token_id is None else 0
    )
    n_read = min(N_READ, limit)
    n_written = min(N_WRITTEN, generator.spec.max_new_tokens)
    settings = GenerationSettings(max_new_tokens=n_written, min_new_tokens=n_written)
    control = ControlTokens(generator.spec.end_token_ids)

    def sample() -> Mapping[str, float]:
        rates = {}
        for rows in BATCHES:
            prompts = [list(token_ids[i : i + n_read]) for i in range(rows)]
            started = time.perf_counter()
            state = generator.model.prefill(prompts, n_written)
            read = time.perf_counter()
            for _ in decode_tokens(state, prompts, settings, control):
                pass
            wrote = time.perf_counter()
            rates[f"read/s, {rows} at once"] = rows * n_read / (read - started)
            # The first token comes of what was read.
            rates[f"written/s, {rows} at once"] = rows * (n_written - 1) / (wrote - read)
        return rates

    return sample


def generator_parity(
    reference: Float32Array, scores: Float32Array, targets: Any
) -> dict[str, float]:
    """How near scores of a text's tokens are to others.

    :param reference: Shape (tokens, vocabulary).
    :param scores: The same.
    :param targets: The text's tokens.
    """
    nats = [-log_softmax(s)[np.arange(len(targets)), targets].mean() for s in (reference, scores)]
    return {
        "likeliest token the same": float((reference.argmax(1) == scores.argmax(1)).mean()),
        "largest difference of scores": float(np.abs(reference - scores).max()),
        "nats a token, difference": float(nats[1] - nats[0]),
    }


def load(bundles: Mapping[str, tuple[Bundle, str]], threads: int | None) -> dict[str, Any]:
    """All contenders, each on its provider and on no other.

    :param bundles: Name -> bundle and provider.
    :param threads: Of those on the CPU.
    """
    loaded: dict[str, Any] = {}
    for name, (bundle, provider) in bundles.items():
        kind = Encoder if bundle.manifest.encoder else Generator
        loaded[name] = kind(bundle, threads, Execution(provider, strict=True))
    return loaded


def prepare(models: Mapping[str, Any]) -> tuple[dict[str, Rates], dict[str, dict[str, float]]]:
    """What takes each one's samples, and each one's parity with the first.

    :param models: Encoders or generators.
    """
    first = next(iter(models.values()))
    if isinstance(first, Encoder):
        texts = sentences()
        token_ids = first.tokens(texts)
        rates = {name: encoder_rates(model, token_ids) for name, model in models.items()}
        vectors = {name: model.encode_tokens(token_ids) for name, model in models.items()}
        reference = next(iter(vectors.values()))
        return rates, {name: encoder_parity(reference, each) for name, each in vectors.items()}
    token_ids = first.tokens(Prompt(" ".join(sentences())))
    rates = {name: generator_rates(model, token_ids) for name, model in models.items()}
    n = min(256, first.spec.context_tokens, first.spec.max_new_tokens)
    scored = {name: model.text_logits(token_ids[:n]) for name, model in models.items()}
    reference, targets = next(iter(scored.values()))
    return rates, {
        name: generator_parity(reference, scores, targets) for name, (scores, _) in scored.items()
    }


def devices() -> dict[str, str]:
    """What this machine computes with."""
    try:
        asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        gpu = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        gpu = "none"
    return {
        "cpu": cpu_model(),
        "gpu": gpu,
        "onnxruntime": runtime_version(),
        "python": platform.python_version(),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("contenders", nargs="+", metavar="BUNDLE@PROVIDER")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--record", type=Path, help="all samples, as JSON")
    arguments = parser.parse_args()
    bundles = {}
    for contender in arguments.contenders:
        folder, _, provider = contender.rpartition("@")
        bundle = read_bundle(Path(folder))
        bundles[f"{bundle.id} on {provider}"] = (bundle, provider)
    models = load(bundles, arguments.threads)
    rates, parity = prepare(models)
    samples: dict[str, list[Mapping[str, float]]] = {name: [] for name in models}
    for run in range(arguments.runs + 1):
        for name, sample in rates.items():
            taken = sample()
            if run:  # the first is a warm-up
                samples[name].append(taken)
    record = {"devices": devices(), "samples": samples, "parity": parity}
    print(", ".join(f"{key} {value}" for key, value in devices().items()))
    print(table(samples, arguments.runs))
    for name, values in parity.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.5f}" for key, value in values.items()))
    if arguments.record:
        arguments.record.write_text(json.dumps(record, indent=1), encoding="utf-8")


def table(samples: Mapping[str, Sequence[Mapping[str, float]]], n: int) -> str:
    """Markdown: medians with least and most, and ratios to the first within a round.

    :param samples: Name -> a mapping of rates a round.
    :param n: Rounds.
    """
    first = next(iter(samples.values()))
    lines = [f"| n={n} | rate | median (least - most) | times the first |", "|---|---|---|---|"]
    for name, rounds in samples.items():
        for rate in rounds[0]:
            values = spread([rates[rate] for rates in rounds])
            ratios = [a[rate] / b[rate] for a, b in zip(rounds, first, strict=True)]
            lines.append(
                f"| {name} | {rate} | {values['median']:,.0f} ({values['min']:,.0f} - "
                f"{values['max']:,.0f}) | {statistics.median(ratios):.2f} "
                f"({min(ratios):.2f} - {max(ratios):.2f}) |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
