"""Whether a model does on this device what it did where it was built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.bundles.manifest import Bundle, read_bundle
from edge.errors import BundleError
from edge.runtime.providers import CPU, ON_CPU, Execution, Placement

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
    golden = _golden_text if bundle.manifest.generator else _golden_vectors
    found, placement = golden(bundle, threads, execution)
    where = "" if placement.ran == CPU else f" on {placement.ran}"
    if placement.fell_back:
        where = f" on {placement.ran}, not on {placement.asked}: {placement.reason}"
    return f"files unchanged, {found}{where}"


def _golden_vectors(
    bundle: Bundle, threads: int | None, execution: Execution
) -> tuple[str, Placement]:
    from edge.runtime.encoder import Encoder, golden_cosine

    encoder = Encoder(bundle, threads, execution)
    golden = bundle.manifest.golden
    assert golden is not None
    cosine, least = golden_cosine(encoder), golden.min_cosine
    if cosine < least:
        raise BundleError(
            f"the golden sample of {bundle.id} agrees only {cosine:.4f}, least is {least}",
            _OTHER_RUNTIME,
        )
    return f"golden sample agrees {cosine:.4f} (least {least})", encoder.placement


def _golden_text(
    bundle: Bundle, threads: int | None, execution: Execution
) -> tuple[str, Placement]:
    from edge.generation.generator import Generator

    generator = Generator(bundle, threads, execution)
    golden = generator.spec.golden
    difference = abs(generator.mean_nll(golden.text) - golden.nats_per_token)
    if not difference <= golden.max_difference:
        raise BundleError(
            f"{bundle.id} finds its golden sample {difference:.4f} nats a token off, "
            f"most is {golden.max_difference}",
            _OTHER_RUNTIME,
        )
    most = golden.max_difference
    return f"golden sample agrees to {difference:.4f} nats a token (most {most})", (
        generator.placement
    )


def answer(
    bundle: Bundle,
    text: str,
    system: str | None,
    max_new_tokens: int,
    threads: int | None,
    execution: Execution = ON_CPU,
) -> Iterator[str]:
    """What a model that writes makes of a request, piece by piece; the likeliest tokens.

    :param bundle: The model.
    :param text: The request.
    :param system: How it is to answer; None for what the model does without.
    :param max_new_tokens: Most tokens of the answer.
    :param threads: Threads for onnxruntime; None for the cores at hand, at most 4.
    :param execution: The provider that is to run it.
    :raises BundleError: If the model writes no texts.
    :raises InferenceError: If the request does not fit the model.
    """
    from edge.generation.chat_format import Prompt
    from edge.generation.generator import Generator
    from edge.generation.sampling import GenerationSettings

    generator = Generator(bundle, threads, execution)
    settings = GenerationSettings(max_new_tokens=max_new_tokens)
    yield from generator.stream(Prompt(text, system), settings)
