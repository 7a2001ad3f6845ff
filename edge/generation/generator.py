"""Texts from a generative model: prompts in, answers out, whole or as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.arrays import Float32Array
from edge.bundles.files import model_path, verify_files
from edge.bundles.manifest import TASK_TEXT_GENERATION, Bundle
from edge.errors import BundleError
from edge.generation.chat_format import Prompt, render_prompt
from edge.generation.decoder import Decoder
from edge.generation.loop import StopCondition, decode_beams, decode_tokens
from edge.generation.sampling import ControlTokens, GenerationSettings, log_softmax
from edge.generation.seq2seq import EncoderDecoder
from edge.generation.stop_texts import cut_at_stop, n_final
from edge.runtime.providers import ON_CPU, Execution
from edge.runtime.session import Session, default_threads, release, runtime_version
from edge.runtime.tokenizer import load_tokenizer, special_tokens
from edge.stages import stage

BATCH_ROWS = 8
"""Most texts decoded at once: the weights are read once for all of them, the memory grows."""


@dataclass(frozen=True)
class Completion:
    """A generated text."""

    text: str
    token_ids: tuple[int, ...]
    """The model's own end included."""
    n_prompt_tokens: int
    finish_reason: str
    """``end`` by the model, ``stop`` by a stop text, ``length`` by the most tokens allowed."""


class Generator:
    """A generation bundle, verified and loaded.

    :param bundle: The bundle; its files are hashed before anything is loaded.
    :param threads: Threads for onnxruntime; None for the cores at hand, at most 4.
    :param execution: The provider that is to run it.
    :raises BundleError: If it is of another task, a file was changed or refers outside.
    :raises InferenceError: If onnxruntime cannot load the model, or ``execution`` forbids how it
        would run.
    """

    @stage("load")
    def __init__(
        self, bundle: Bundle, threads: int | None = None, execution: Execution = ON_CPU
    ) -> None:
        if bundle.manifest.generator is None:
            raise BundleError(
                f"model {bundle.id} writes no text: its task is {bundle.manifest.task}",
                "Choose a bundle made for generation; 'edge models list' shows what is here.",
            )
        self.bundle = bundle
        self.spec = bundle.manifest.generator
        _check_runtime(bundle.id, self.spec.least_onnxruntime)
        verify_files(bundle)
        self.defaults = _settings(bundle.id, self.spec.defaults)
        self._control = ControlTokens(
            self.spec.end_token_ids, self.spec.first_token_id, self.spec.last_token_id
        )
        self._tokenizer = load_tokenizer(bundle)
        self._special_tokens = special_tokens(bundle)
        self.model = _load_model(bundle, threads or default_threads(), execution)
        self.placement = self.model.placement

    def tokens(self, prompt: Prompt) -> list[int]:
        """A request as the model reads it.

        :param prompt: The request.
        """
        prompt_format = self.spec.prompt
        text = render_prompt(prompt, prompt_format, self._special_tokens)
        return self._encode(text, prompt_format.adds_special_tokens)

    def generate(
        self, prompts: Sequence[Prompt], settings: GenerationSettings | None = None
    ) -> list[Completion]:
        """The answers to several requests, some at a time.

        :param prompts: The requests.
        :param settings: None for ``defaults``.
        :return: In the order of the requests.
        :raises InferenceError: If a request is too long for the model; nothing is generated then.
        """
        settings = settings or self.defaults
        token_ids = [self.tokens(prompt) for prompt in prompts]
        for ids in token_ids:
            self.model.check_length(len(ids), settings.max_new_tokens)
        n_together = max(1, BATCH_ROWS // settings.n_beams)
        completions: list[Completion] = []
        for start in range(0, len(token_ids), n_together):
            batch = token_ids[start : start + n_together]
            answers = self.generate_ids(batch, settings, start)
            completions += [
                self._completion(answer, len(ids), settings)
                for answer, ids in zip(answers, batch, strict=True)
            ]
        return completions

    def stream(self, prompt: Prompt, settings: GenerationSettings | None = None) -> Iterator[str]:
        """The answer to a request, piece by piece as it comes.

        :param prompt: The request.
        :param settings: None for ``defaults``; with one beam.
        :return: Pieces whose sum is the text ``generate`` gives.
        :raises InferenceError: If the request is too long for the model.
        """
        settings = settings or self.defaults
        if settings.n_beams > 1:
            raise ValueError("beam search knows its text only at the end: it cannot be streamed")
        token_ids = self.tokens(prompt)
        state = self.model.prefill([token_ids], settings.max_new_tokens)
        histories, is_stopped = [self._history(token_ids)], self._stop_condition(settings.stop)
        new_ids: list[int] = []
        text, n_yielded = "", 0
        for _, token in decode_tokens(state, histories, settings, self._control, is_stopped):
            new_ids.append(token)
            text = cut_at_stop(self._decode(new_ids), settings.stop)
            n_ready = n_final(text, settings.stop)
            if n_ready > n_yielded:
                yield text[n_yielded:n_ready]
                n_yielded = n_ready
        if len(text) > n_yielded:
            yield text[n_yielded:]

    def mean_nll(self, text: str) -> float:
        """How unlikely the model finds a text: mean negative log likelihood of a token, in nats.

        :param text: At least two tokens; an encoder-decoder model encodes it and decodes it again.
        :raises InferenceError: If it is too long for the model.
        """
        logits, targets = self.text_logits(self._encode(text, True))
        chosen = log_softmax(logits)[np.arange(len(targets)), targets]
        return float(-chosen.mean())

    def text_logits(self, token_ids: Sequence[int]) -> tuple[Float32Array, Sequence[int]]:
        """What the model expects at each token of a text.

        :param token_ids: At least two; as in ``mean_nll``.
        :return: Logits, shape (n, vocabulary), and the n tokens they are for.
        :raises InferenceError: If they are too many for the model.
        """
        return self.model.text_logits(token_ids)

    def generate_ids(
        self,
        prompts: Sequence[Sequence[int]],
        settings: GenerationSettings,
        first_prompt_index: int = 0,
    ) -> list[list[int]]:
        """Go on from tokens, all prompts at once.

        :param prompts: Tokens of each prompt.
        :param settings: Of the generation.
        :param first_prompt_index: Of the first prompt among all, where these are some of them.
        :return: New tokens of each; an end is one of them.
        :raises InferenceError: If a prompt is too long for the model.
        """
        histories = [self._history(ids) for ids in prompts]
        state = self.model.prefill(prompts, settings.max_new_tokens, settings.n_beams)
        if settings.n_beams > 1:
            best = decode_beams(state, histories, settings, self._control)
            return [hypothesis.token_ids for hypothesis in best]
        is_stopped = self._stop_condition(settings.stop)
        new_ids: list[list[int]] = [[] for _ in prompts]
        for i, token in decode_tokens(
            state, histories, settings, self._control, is_stopped, first_prompt_index
        ):
            new_ids[i].append(token)
        return new_ids

    def _history(self, prompt: Sequence[int]) -> Sequence[int]:
        """What an answer must not repeat: a decoder-only model's prompt is its own text."""
        if self.spec.start_token_id is None:
            return prompt
        return [self.spec.start_token_id]

    def _stop_condition(self, stop: Sequence[str]) -> StopCondition:
        def is_stopped(new_ids: list[int]) -> bool:
            text = self._decode(new_ids) if stop else ""
            return any(stop_text in text for stop_text in stop)

        return is_stopped

    def _completion(
        self, token_ids: list[int], n_prompt_tokens: int, settings: GenerationSettings
    ) -> Completion:
        text = self._decode(token_ids)
        kept = cut_at_stop(text, settings.stop)
        if kept != text:
            reason = "stop"
        else:
            reason = "end" if token_ids[-1] in self.spec.end_token_ids else "length"
        return Completion(kept, tuple(token_ids), n_prompt_tokens, reason)

    def _encode(self, text: str, adds_special_tokens: bool) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=adds_special_tokens).ids
        return ids

    def _decode(self, token_ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(token_ids), skip_special_tokens=True)
        return text


def _check_runtime(bundle_id: str, least: str) -> None:
    here = runtime_version()
    if release(here) < release(least):
        raise BundleError(
            f"model {bundle_id} needs onnxruntime {least} or newer; here is {here}",
            "Update it (pip install --upgrade onnxruntime), or export in fp32, which needs less.",
        )


def _load_model(bundle: Bundle, threads: int, execution: Execution) -> Decoder | EncoderDecoder:
    spec = bundle.manifest.generator
    assert spec is not None
    session = _load_session(bundle, "model.onnx", threads, execution)
    if bundle.manifest.task == TASK_TEXT_GENERATION:
        return Decoder(session, spec.context_tokens)
    if spec.start_token_id is None or spec.pad_token_id is None:
        raise BundleError(f"bundle {bundle.id} names no start or padding token", "Export it again.")
    encoder = _load_session(bundle, "encoder.onnx", threads, execution)
    return EncoderDecoder(
        encoder, session, spec.context_tokens, spec.max_new_tokens, spec.start_token_id
    )


def _load_session(bundle: Bundle, name: str, threads: int, execution: Execution) -> Session:
    return Session(
        model_path(bundle, name),
        threads,
        execution=execution,
        precision=bundle.manifest.precision,
        is_generator=True,
    )


def _settings(bundle_id: str, defaults: Any) -> GenerationSettings:
    try:
        return GenerationSettings(**defaults)
    except (TypeError, ValueError) as error:
        raise BundleError(
            f"bundle {bundle_id} recommends settings that are not known: {error}",
            "Update edge-insights on this device, or export the bundle again.",
        ) from error
