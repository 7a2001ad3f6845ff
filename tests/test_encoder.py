from __future__ import annotations

import numpy as np
import pytest

from edge.runtime.encoder import Encoder


def test_rows_are_unit_vectors_in_the_order_given(encoder: Encoder) -> None:
    texts = ["A much longer sentence about quantized neural networks on small boards.", "Hi.", ""]
    vectors = encoder.encode(texts)
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    alone = encoder.encode(texts[:1])
    # INT8 activations share one scale a batch, so company changes a vector a little.
    assert float(vectors[0] @ alone[0]) > 0.97


def test_meaning_is_near_meaning(encoder: Encoder) -> None:
    a, b, c = encoder.encode(
        ["The model is too slow.", "Inference takes too long.", "My cat likes fish."]
    )
    assert a @ b > a @ c


def test_a_text_beyond_the_model_is_read_to_its_end(encoder: Encoder) -> None:
    start = "We talk about cooking pasta with tomatoes. " * 40
    end = "Quantum computers need error correction. " * 40
    whole, head, tail = encoder.encode([start + end, start, end])
    assert whole @ tail > head @ tail + 0.2


def test_same_input_same_bytes(encoder: Encoder) -> None:
    texts = [f"Sentence number {k} about something." for k in range(50)]
    assert encoder.encode(texts).tobytes() == encoder.encode(texts).tobytes()


def test_progress_ends_at_the_total(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.runtime.encoder.PROGRESS_INTERVAL_S", 0.001)
    seen: list[tuple[int, int]] = []
    encoder.encode(["Some words here."] * 300, lambda done, total: seen.append((done, total)))
    assert len(seen) > 1
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_no_texts(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
