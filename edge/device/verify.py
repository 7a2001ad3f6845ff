"""Whether a model does on this device what it did where it was built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.bundles.manifest import Bundle, read_bundle
from edge.device.golden import (
    GOLDEN_COSINE,
    GOLDEN_NLL_ERROR,
    GoldenAgreement,
    encoder_agreement,
    generator_agreement,
)
from edge.errors import BundleError
from edge.generation.chat_format import Prompt
from edge.generation.generator import Generator
from edge.generation.sampling import GenerationSettings
from edge.runtime.encoder import Encoder
from edge.runtime.providers import CPU, ON_CPU, Execution, Placement

_RIGHT = {
    GOLDEN_COSINE: "golden sample agrees {value:.4f} (least {limit})",
    GOLDEN_NLL_ERROR: "golden sample agrees to {value:.4f} nats a token (most {limit})",
}
_WRONG = {
    GOLDEN_COSINE: "the golden sample of {id} agrees only {value:.4f}, least is {limit}",
    GOLDEN_NLL_ERROR: (
        "{id} finds its golden sample {value:.4f} nats a token off, most is {limit}"
    ),
}
_OTHER_RUNTIME = (
    "This onnxruntime does not run the model right on this processor; try another version."
)


def verify_bundle(folder: Path, threads: int | None = None, execution: Execution = ON_CPU) -> str:
    """Check a bundle's hashes, and rerun what it gave where it was built.

    :param folder: The bundle folder.
    :param threads: Threads for onnxruntime; None for the cores at hand, at most 4.
    :param execution: The provider that is to run it.
    :return: What was found, for a person.
    :raises BundleError: If a file was changed, or the model answers otherwise.
    :raises InferenceError: If onnxruntime cannot run it, or ``execution`` forbids it.
    """
    bundle = read_bundle(folder)
    agreement, placement = _rerun(bundle, threads, execution)
    if not agreement.is_right:
        wrong = _WRONG[agreement.metric]
        raise BundleError(
            wrong.format(id=bundle.id, value=agreement.value, limit=agreement.limit),
            _OTHER_RUNTIME,
        )
    right = _RIGHT[agreement.metric].format(value=agreement.value, limit=agreement.limit)
    where = "" if placement.ran == CPU else f" on {placement.ran}"
    if placement.fell_back:
        where = f" on {placement.ran}, not on {placement.asked}: {placement.reason}"
    return f"files unchanged, {right}{where}"


def _rerun(
    bundle: Bundle, threads: int | None, execution: Execution
) -> tuple[GoldenAgreement, Placement]:
    """Load a bundle, which checks its files, and run its golden sample."""
    if bundle.manifest.generator:
        generator = Generator(bundle, threads, execution)
        return generator_agreement(generator), generator.placement
    encoder = Encoder(bundle, threads, execution)
    return encoder_agreement(encoder), encoder.placement


def answer(
    bundle: Bundle,
    text: str,
    system: str | None,
    max_new_tokens: int,
    threads: int | None,
    execution: Execution = ON_CPU,
) -> Iterator[str]:
    """What a generative model makes of a request, piece by piece; the likeliest tokens.

    :param bundle: The model.
    :param text: The request.
    :param system: How it is to answer; None for what the model does without.
    :param max_new_tokens: Most tokens of the answer.
    :param threads: Threads for onnxruntime; None for the cores at hand, at most 4.
    :param execution: The provider that is to run it.
    :raises BundleError: If the model is not generative.
    :raises InferenceError: If the request does not fit the model.
    """
    generator = Generator(bundle, threads, execution)
    settings = GenerationSettings(max_new_tokens=max_new_tokens)
    yield from generator.stream(Prompt(text, system), settings)
