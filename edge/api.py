"""The door for Python programs: ``edge.digest("episode.srt")``; docs/python.md is its page.

The command line is written on the same ``Digester``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge import records, render
from edge.abstractive.drafts import Summarizer
from edge.abstractive.time_budget import LazySummarizer
from edge.bundles.store import find_bundle, find_summarizer
from edge.digester import Digester
from edge.errors import BundleError, TranscriptError
from edge.options import (
    ABSTRACTIVE,
    AUTO,
    DEFAULT_BUDGET_S,
    DEFAULT_SUMMARY_WORDS,
    EXTRACTIVE,
    DigestOptions,
    Observer,
)
from edge.records import ALL_PARTS, Chapter, Transcript
from edge.runtime.encoder import Encoder, LoadingEncoder
from edge.runtime.providers import AUTO as AUTO_PROVIDER
from edge.runtime.providers import Execution
from edge.runtime.threads import iterate_thread
from edge.stages import stopwatch
from edge.transcript import parse_transcript, read_transcript

Source = str | Path | bytes | Transcript
"""An episode: a file's path; a transcript's text, which a string is that has a line break inside;
its bytes; or a transcript that was read."""


@dataclass(frozen=True)
class Digest(records.Digest):
    """Everything found in one episode; it can write itself in every format."""

    def to_dict(self) -> dict[str, Any]:
        """As ``edge/digest.schema.json`` describes it."""
        return render.to_dict(self)

    def to_json(self, indent: int | None = 2) -> str:
        """``to_dict`` as text.

        :param indent: None puts the whole document on one line.
        """
        return render.to_json(self, indent)

    def to_text(self, show: Sequence[str] = ()) -> str:
        """For a terminal.

        :param show: Lists to add: ``quotes``, ``questions`` or both.
        """
        return render.to_text(self, show)

    def to_markdown(self, show: Sequence[str] = ()) -> str:
        """As Markdown.

        :param show: Lists to add: ``quotes``, ``questions`` or both.
        """
        return render.to_markdown(self, show)


@dataclass(frozen=True)
class ProgressEvent:
    """How far the episode is read."""

    words_read: int
    n_words: int
    """In all."""


@dataclass(frozen=True)
class ChapterEvent:
    """A chapter that a writer has told."""

    chapter: Chapter


@dataclass(frozen=True)
class DigestEvent:
    """The whole digest; the last event."""

    digest: Digest


Event = ProgressEvent | ChapterEvent | DigestEvent


def load_encoder(
    model: str | Path | None = None,
    *,
    threads: int | None = None,
    provider: str = AUTO_PROVIDER,
    provider_options: Mapping[str, str] | None = None,
) -> Encoder:
    """Load the sentence encoder, once for many digests.

    :param model: Bundle name or folder; None for the default model.
    :param threads: None for the cores at hand, at most 4.
    :param provider: ``auto``, ``cpu``, ``cuda``, ``tensorrt`` or ``xnnpack``.
    :param provider_options: For that provider, as onnxruntime names them.
    :raises OptionError: If there is no such provider.
    :raises BundleError: If the model is not here, damaged, or embeds no sentences.
    :raises InferenceError: If onnxruntime cannot run it.
    """
    return Encoder(find_bundle(model), threads, Execution(provider, provider_options or {}))


def load_writer(
    model: str | Path | None = None,
    *,
    encoder: Encoder | None = None,
    threads: int | None = None,
    provider: str = AUTO_PROVIDER,
    provider_options: Mapping[str, str] | None = None,
) -> Summarizer:
    """Load a model that writes summaries, once for many digests.

    :param model: Bundle name or folder; None for one fine-tuned for summarization.
    :param encoder: Whose vectors find evidence for what it writes; None loads the default model.
    :param threads: None for the cores at hand, at most 4.
    :param provider: As for ``load_encoder``.
    :param provider_options: As for ``load_encoder``.
    :raises OptionError: If there is no such provider.
    :raises BundleError: If the model is not here, damaged, or not fine-tuned for summarization.
    :raises InferenceError: If onnxruntime cannot run it.
    """
    bundle = find_summarizer(model)
    if bundle is None:
        raise BundleError(
            "no model here was taught to sum up speech",
            "On a workstation: 'edge-export build spoken-135m --precision int4'; copy the folder "
            "here and 'edge models add FOLDER'.",
        )
    execution = Execution(provider, provider_options or {})
    return Summarizer(bundle, encoder or load_encoder(), threads, execution)


# Many parameters: the options of a digest, by keyword, as a caller types them.
def digest(
    source: Source,
    *,
    title: str | None = None,
    words: int = DEFAULT_SUMMARY_WORDS,
    parts: Collection[str] = ALL_PARTS,
    encoder: Encoder | str | Path | None = None,
    writer: Summarizer | str | Path | None = None,
    budget_s: float | None = None,
    strict: bool = False,
) -> Digest:
    """Digest one episode. The same input and models give the same digest.

    :param source: A path, a transcript's text or bytes, or a transcript.
    :param title: Of the episode; None for what the transcript or its file name tells.
    :param words: Word budget of the summary.
    :param parts: Which of ``summary``, ``keyphrases`` and ``chapters`` to make.
    :param encoder: From ``load_encoder``, or its bundle's name or folder; None for the default.
    :param writer: From ``load_writer``, or its bundle's name or folder: summary and chapters
        are told in its own sentences, each checked. None for the transcript's own sentences.
    :param budget_s: Time that writing may take; where it would take longer, the summary is of the
        transcript's own sentences, and says why. None for as long as it takes.
    :param strict: Whether a repair, an unread word or no English speech is an error.
    :raises TranscriptError: If the source cannot be read as a transcript.
    :raises OptionError: If a value is not allowed.
    :raises BundleError: If a model is not here, or damaged.
    :raises InferenceError: If a model fails.
    :raises EdgeError: If ``strict`` and the transcript is not as it should be.
    """
    options = _options(words, parts, writer, budget_s, strict)
    return _run(source, title, _digester(options, encoder, writer, budget_s))


# Many parameters: those of digest.
def digest_stream(
    source: Source,
    *,
    title: str | None = None,
    words: int = DEFAULT_SUMMARY_WORDS,
    parts: Collection[str] = ALL_PARTS,
    encoder: Encoder | str | Path | None = None,
    writer: Summarizer | str | Path | None = None,
    budget_s: float | None = None,
    strict: bool = False,
) -> Iterator[Event]:
    """``digest`` that tells how far it is: progress, each chapter that is written, the digest.

    The work goes on in a thread while events are dealt with. Whoever stops listening stops it.

    :param source: As for ``digest``; so are all others.
    :param title: See there.
    :param words: See there.
    :param parts: See there.
    :param encoder: See there.
    :param writer: See there.
    :param budget_s: See there.
    :param strict: See there.
    :return: Events; the last is a ``DigestEvent``.
    :raises OptionError: If a value is not allowed; at once.
    :raises EdgeError: As ``digest`` does, while the events are asked for.
    """
    options = _options(words, parts, writer, budget_s, strict)

    def work(put: Callable[[Event], None]) -> None:
        digester = _digester(options, encoder, writer, budget_s)
        digester.observer = Observer(
            on_progress=lambda words_read, n_words: put(ProgressEvent(words_read, n_words)),
            on_chapter=lambda chapter: put(ChapterEvent(chapter)),
        )
        put(DigestEvent(_run(source, title, digester)))

    return iterate_thread(work, "edge-digest")


def _options(
    words: int,
    parts: Collection[str],
    writer: Summarizer | str | Path | None,
    budget_s: float | None,
    strict: bool,
) -> DigestOptions:
    kind = EXTRACTIVE if writer is None else ABSTRACTIVE if budget_s is None else AUTO
    names = {parts} if isinstance(parts, str) else parts
    budget = DEFAULT_BUDGET_S if budget_s is None else budget_s
    return DigestOptions(frozenset(names), words, kind, budget_s=budget, strict=strict)


def _digester(
    options: DigestOptions,
    encoder: Encoder | str | Path | None,
    writer: Summarizer | str | Path | None,
    budget_s: float | None,
) -> Digester:
    """A digester of models that are loaded, or that begin to load now."""
    reading: Encoder | LoadingEncoder
    if isinstance(encoder, Encoder):
        reading = encoder
    elif encoder is None and isinstance(writer, Summarizer):
        reading = writer.encoder
    else:
        reading = LoadingEncoder(find_bundle(encoder), None, Execution(AUTO_PROVIDER))
    if writer is None or "summary" not in options.parts:
        return Digester(options, reading)
    summarizer = (
        writer if isinstance(writer, Summarizer) else load_writer(writer, encoder=reading.ready())
    )
    return Digester(options, reading, LazySummarizer(lambda: summarizer, budget_s))


def _run(source: Source, title: str | None, digester: Digester) -> Digest:
    with stopwatch():
        transcript = _read(source)
        if title is not None:
            transcript = replace(transcript, title=" ".join(str(title).split()))
        return Digest(**vars(digester.digest(transcript)))


def _read(source: Source) -> Transcript:
    if isinstance(source, Transcript):
        return source
    if isinstance(source, bytes):
        return parse_transcript(source)
    if isinstance(source, str) and ("\n" in source.strip() or not source):
        return parse_transcript(source.encode())
    if isinstance(source, str | Path):
        return read_transcript(source)
    raise TranscriptError(
        f"no episode is read from an object of type {type(source).__name__}",
        "Give a path, a transcript's text or bytes, or a Transcript.",
    )
