"""One fresh process of a case: ``python -m edge.bench.worker JOB.json``.

Prints events: first what is loaded, then each sample as it is taken. A cold command imports
nothing here but its own code and the protocol; what it prints goes to a file.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.bench.protocol import (
    STARTED,
    End,
    Event,
    Job,
    Loaded,
    Sample,
    Warm,
    event_to_json,
    job_from_json,
)
from edge.bench.scenarios import BATCH, COLD, ENCODER, STREAM, TOKENS
from edge.cli.startup import begin, end
from edge.errors import EdgeError
from edge.runtime.memory import peak_bytes
from edge.runtime.providers import ON_CPU, Execution
from edge.stages import stage, stopwatch

if TYPE_CHECKING:
    from edge.abstractive.drafts import Summarizer
    from edge.bundles.manifest import Bundle
    from edge.generation.generator import Generator
    from edge.records import Digest
    from edge.runtime.encoder import Encoder


def main() -> None:
    """Run the job, or the cold command that it describes."""
    begun_ns = time.time_ns()
    begin()
    job = job_from_json(Path(sys.argv[1]).read_bytes())
    try:
        if job.scenario == COLD:
            _run_cold(job, begun_ns)
        else:
            _run_warm(job)
    except EdgeError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _run_cold(job: Job, begun_ns: int) -> None:
    """What a user types, with stages timed; the start of the process is one of them."""
    with stopwatch() as watch:
        watch.nanoseconds["start"] = begun_ns - int(os.environ[STARTED])
        with stage("start"):
            from edge.cli.main import main as edge
        with Path(job.output).open("w", encoding="utf-8") as file, redirect_stdout(file):
            edge(job.command, standalone_mode=False)
    _say(Sample(watch.nanoseconds))
    _say(End(peak_bytes()))
    end(0)


def _run_warm(job: Job) -> None:
    """As many samples as are asked for, of a model that stays loaded."""
    take_sample = _prepare(job)
    take_sample()  # warm-up
    _say(Warm())
    stop_ns = time.perf_counter_ns() + int(job.seconds * 1e9)
    n_taken = 0
    while n_taken < job.samples or time.perf_counter_ns() < stop_ns:
        with stopwatch() as watch:
            started_ns = time.perf_counter_ns()
            amounts = take_sample()
            spent_ns = time.perf_counter_ns() - started_ns
        _say(Sample(watch.nanoseconds, spent_ns, **amounts))
        n_taken += 1
    _say(End(peak_bytes()))


def _say(event: Event) -> None:
    sys.stdout.write(event_to_json(event) + "\n")
    sys.stdout.flush()


TakeSample = Callable[[], dict[str, Any]]
"""Takes one sample; returns the amounts that ``Sample`` has fields for."""


def _prepare(job: Job) -> TakeSample:
    """Load what the case needs, say so, and return what takes a sample."""
    from edge.bundles.store import find_bundle
    from edge.device.golden import encoder_agreement, generator_agreement
    from edge.device.memory_limit import MemoryLimit

    bundle = find_bundle(job.bundle)
    memory_limit = MemoryLimit(job.max_rss_bytes) if job.max_rss_bytes else None
    if memory_limit:
        memory_limit.check_load(bundle)
    started_ns = time.perf_counter_ns()
    if job.scenario == TOKENS:
        from edge.generation.generator import Generator

        generator = Generator(bundle, job.threads, Execution(job.provider))
        take_sample = _tokens(generator, job)
        placement, golden = generator.placement, generator_agreement(generator)
    else:
        encoder, writer = load_digest(bundle, job.threads, Execution(job.provider))
        if memory_limit:
            plan = memory_limit.plan(job.words, job.threads)
            encoder.limit(plan.threads, plan.batch_tokens)
        prepare = {STREAM: _stream, BATCH: _batch, ENCODER: _encoder}[job.scenario]
        take_sample = prepare(encoder, writer, job)
        placement, golden = encoder.placement, encoder_agreement(encoder)
    load_ms = (time.perf_counter_ns() - started_ns) / 1e6
    quality = {"metric": golden.metric, "value": golden.value, "baseline": golden.limit}
    _say(Loaded(load_ms, placement.execution_provider, quality))
    return take_sample


def load_digest(
    bundle: Bundle, threads: int, execution: Execution = ON_CPU
) -> tuple[Encoder, Summarizer | None]:
    """What makes digests: a bundle that writes comes with the default encoder.

    :param bundle: An encoder, or a model taught to sum up.
    :param threads: Threads.
    :param execution: The provider that is to run it; the default encoder beside it is CPUs'.
    """
    from edge.bundles.store import find_bundle
    from edge.runtime.encoder import Encoder

    if bundle.manifest.generator is None:
        return Encoder(bundle, threads, execution), None
    from edge.abstractive.drafts import Summarizer

    encoder = Encoder(find_bundle(), threads)
    return encoder, Summarizer(bundle, encoder, threads, execution)


def _digest_json(source: str, encoder: Encoder, writer: Summarizer | None) -> tuple[Digest, str]:
    from edge.pipeline import digest_transcript
    from edge.render import to_json
    from edge.transcript import read_transcript

    digest = digest_transcript(read_transcript(Path(source)), encoder, summarizer=writer)
    return digest, to_json(digest)


def _stream(encoder: Encoder, writer: Summarizer | None, job: Job) -> TakeSample:
    def sample() -> dict[str, Any]:
        digest, _ = _digest_json(job.transcripts[0], encoder, writer)
        return {"episodes": 1, "audio_s": digest.transcript.duration_s}

    return sample


def _batch(encoder: Encoder, writer: Summarizer | None, job: Job) -> TakeSample:
    from edge.jobs.batch import run_batch

    def sample() -> dict[str, Any]:
        outcomes = run_batch(
            job.transcripts,
            Path(job.output),
            ".json",
            lambda source: _digest_json(source, encoder, writer)[1],
            force=True,
            report=lambda outcome: None,
        )
        failed = [outcome.detail for outcome in outcomes if outcome.status != "done"]
        if failed:
            raise SystemExit(failed[0])
        return {"episodes": len(outcomes)}

    return sample


def _encoder(encoder: Encoder, writer: Summarizer | None, job: Job) -> TakeSample:
    texts = job.texts
    n_tokens = encoder.count_tokens(texts)

    def sample() -> dict[str, Any]:
        encoder.encode(texts)
        return {"tokens_in": n_tokens}

    return sample


def _tokens(generator: Generator, job: Job) -> TakeSample:
    from edge.generation.chat_format import Prompt
    from edge.generation.sampling import GenerationSettings

    n_out = job.decode_tokens
    n_in = min(job.prefill_tokens, generator.spec.context_tokens - n_out)
    prompt = generator.tokens(Prompt(" ".join(job.texts)))[:n_in]
    settings = GenerationSettings(max_new_tokens=n_out, min_new_tokens=n_out)

    def sample() -> dict[str, Any]:
        generator.generate_ids([prompt], settings)
        return {"tokens_in": len(prompt), "tokens_out": n_out}

    return sample


if __name__ == "__main__":
    main()
