"""What makes digests: models that load once, and the way that digests are wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from edge.device.memory_limit import MIB, MemoryLimit
from edge.errors import EdgeError, MemoryLimitError
from edge.options import ABSTRACTIVE, AUTO, EXTRACTIVE, DigestOptions, ModelOptions, Observer
from edge.runtime.encoder import Encoder, LoadingEncoder
from edge.runtime.memory import peak_bytes
from edge.runtime.session import default_threads
from edge.stages import stage, stopwatch

if TYPE_CHECKING:
    from edge.abstractive.time_budget import LazySummarizer
    from edge.records import Digest, DomainWarning, Transcript
    from edge.runtime.providers import Placement


@dataclass
class Digester:
    """Makes digests with the same models, one after the other."""

    options: DigestOptions
    encoder: Encoder | LoadingEncoder
    """Waited for when it is needed."""
    summarizer: LazySummarizer | None = None
    """None for summaries of the transcript's own sentences."""
    memory_limit: MemoryLimit | None = None
    threads: int | None = None
    """Most threads below that limit; None for the cores at hand, at most 4."""
    observer: Observer = field(default_factory=Observer)

    def digest(self, transcript: Transcript) -> Digest:
        """Digest one episode.

        :param transcript: As ``edge.transcript`` reads it.
        :raises EdgeError: If the options are strict and the transcript is not as it should be.
        :raises BundleError: If a model is damaged.
        :raises InferenceError: If a model fails.
        :raises MemoryLimitError: If the episode does not fit below the limit.
        """
        with stopwatch():
            with stage("load"):
                from edge.pipeline import digest_transcript
                from edge.transcript.language import find_warnings
            with stage("check"):
                warnings = find_warnings(transcript)
            self._report_gaps(transcript, warnings)
            summarizer, reason = None, ""
            if self.summarizer:
                summarizer, reason = self.summarizer.choose(transcript.n_words)
            if reason:
                self.observer.on_note(f"extractive summary: {reason}")
            self._fit_memory(transcript.n_words)
            digest = digest_transcript(
                transcript,
                self.encoder,
                self.options,
                summarizer=summarizer,
                observer=self.observer,
                warnings=warnings,
            )
        stages = ", ".join(f"{name} {spent:.2f} s" for name, spent in digest.timings_s.items())
        self.observer.on_detail(stages)
        if self.memory_limit and self.memory_limit.is_broken:
            taken = f"took {peak_bytes() / MIB:.0f} MiB, more than --max-rss allows"
            self.observer.on_note(taken)
        return replace(digest, summary_reason=reason)

    def placements(self) -> dict[str, Placement]:
        """Bundle -> where it runs, of all models that are loaded."""
        encoder = self.encoder.ready()
        placements = {encoder.bundle.id: encoder.placement}
        return placements | (self.summarizer.placements if self.summarizer else {})

    def _report_gaps(self, transcript: Transcript, warnings: tuple[DomainWarning, ...]) -> None:
        """Tell what is not as it should be, or refuse it."""
        gaps = [f"repaired {repair.count} x {repair.detail}" for repair in transcript.repairs]
        gaps += [f"unlike English speech: {warning.detail}" for warning in warnings]
        if self.options.strict and gaps:
            name = transcript.source_path or "the transcript"
            raise EdgeError(
                f"{name} is not as it should be: {'; '.join(gaps)}",
                "Mend the file, or leave out --strict.",
            )
        for gap in gaps:
            self.observer.on_note(gap)

    def _fit_memory(self, n_words: int) -> None:
        """Give the encoder the threads and batches that fit below the limit."""
        if self.memory_limit:
            encoder = self.encoder.ready()  # its memory is to be counted
            plan = self.memory_limit.plan(n_words, self.threads or default_threads())
            encoder.limit(plan.threads, plan.batch_tokens)
            detail = f"{plan.threads} threads, {plan.batch_tokens} tokens a batch"
            self.observer.on_detail(detail)


def open_digester(
    options: DigestOptions, models: ModelOptions, observer: Observer | None = None
) -> Digester:
    """Begin to load the models that digests need.

    :param options: What a digest is to hold.
    :param models: Which models, and how they are to run.
    :param observer: Who is told how far it is; None for nobody.
    :raises EdgeError: If a model is to write, and none here was fine-tuned for it.
    :raises BundleError: If a model is not here.
    :raises InferenceError: If it must not run as it was asked to.
    :raises MemoryLimitError: If it cannot be loaded below the limit.
    """
    from edge.bundles.store import find_bundle

    memory_limit = MemoryLimit(models.max_rss_bytes) if models.max_rss_bytes else None
    bundle = find_bundle(models.model)
    if memory_limit:
        memory_limit.check_load(bundle)
    encoder = LoadingEncoder(bundle, models.threads, models.execution)
    summarizer = None
    if options.kind != EXTRACTIVE:
        summarizer = _find_summarizer(options, models, encoder.ready(), memory_limit)
    return Digester(
        options, encoder, summarizer, memory_limit, models.threads, observer or Observer()
    )


def _find_summarizer(
    options: DigestOptions,
    models: ModelOptions,
    encoder: Encoder,
    memory_limit: MemoryLimit | None,
) -> LazySummarizer:
    from edge.abstractive.drafts import Summarizer
    from edge.abstractive.time_budget import LazySummarizer
    from edge.bundles.store import find_summarizer

    bundle = find_summarizer(options.writer)
    if bundle is None and options.kind == ABSTRACTIVE:
        raise EdgeError(
            "no model here was taught to sum up speech",
            "On a workstation: 'edge-export build spoken-135m --precision int4'; copy the "
            "folder here and 'edge models add FOLDER'. Or use --kind extractive.",
        )
    if bundle and memory_limit:
        try:
            memory_limit.check_load(bundle)
        except MemoryLimitError as error:
            if options.kind == ABSTRACTIVE:
                raise
            return LazySummarizer(None, why_none=error.message)
    budget_s = options.budget_s if options.kind == AUTO else None
    if bundle is None:
        return LazySummarizer(None)
    load = partial(Summarizer, bundle, encoder, models.threads, models.execution)
    return LazySummarizer(load, budget_s)
