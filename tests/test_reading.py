"""Long episodes, read in parts: nothing lost between them, and memory that stays flat."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge import render
from edge.bench.episode import make_transcript
from edge.bundles.manifest import read_bundle
from edge.bundles.store import find_bundle
from edge.errors import BundleError
from edge.extraction import parts
from edge.extraction.episode import all_mentions, read_episode
from edge.extraction.parts import PART_WORDS, WHOLE_WORDS
from edge.extraction.phrases import find_phrases
from edge.extraction.tagger import tag_sentences
from edge.options import Observer
from edge.pipeline import digest_transcript
from edge.records import Digest
from edge.runtime.encoder import Encoder, LoadingEncoder
from edge.runtime.threads import Background, Parallel
from edge.transcript import parse_transcript, read_transcript
from edge.transcript.sentences import rebuild_sentences
from tests.conftest import CHIP, ROOT

N_WORDS = WHOLE_WORDS + 1000


@pytest.fixture(scope="module")
def long_digest(encoder: Encoder) -> Digest:
    transcript = parse_transcript(make_transcript(N_WORDS).encode())
    return digest_transcript(transcript, encoder)


def test_a_long_episode_is_read_in_parts_that_tile_it(encoder: Encoder) -> None:
    sentences = rebuild_sentences(parse_transcript(make_transcript(N_WORDS).encode()))
    is_candidate = [True] * len(sentences)
    found = read_episode(sentences, is_candidate, encoder)
    assert found.n_parts >= N_WORDS // PART_WORDS
    assert found.vectors is None and found.sentences is None
    assert found.spans[0][0] == 0 and found.spans[-1][1] == len(sentences)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(found.spans))
    assert found.judgements is not None and len(found.judgements.worth) == len(sentences)
    assert len(found.titles) == len(found.spans)
    kept = read_episode(sentences, is_candidate, encoder, keep_vectors=True)
    assert kept.vectors is not None and kept.vectors.shape == (len(sentences), 384)
    assert kept.sentences is not None
    assert [sentence.text for sentence in kept.sentences] == [s.text for s in sentences]
    assert kept.spans == found.spans


def test_an_episode_of_usual_length_is_one_part(encoder: Encoder) -> None:
    sentences = rebuild_sentences(read_transcript(CHIP))
    found = read_episode(sentences, [True] * len(sentences), encoder)
    assert found.n_parts == 1
    assert found.vectors is not None


def test_the_digest_of_a_long_episode_is_whole(long_digest: Digest) -> None:
    document = render.to_dict(long_digest)
    assert document["coverage"]["words_read"] == document["coverage"]["words_total"] == N_WORDS
    assert len(long_digest.key_points) >= 5 and long_digest.summary
    starts = [point.first_segment for point in long_digest.key_points]
    assert starts == sorted(starts)
    half = len(long_digest.transcript.segments) // 2
    assert starts[0] < half < starts[-1]
    titles = [chapter.title for chapter in long_digest.chapters]
    assert len(set(titles)) == len(titles)


def test_every_mention_is_found_over_all_parts(encoder: Encoder) -> None:
    sentences = rebuild_sentences(parse_transcript(make_transcript(N_WORDS).encode()))
    is_candidate = [i % 7 != 0 for i in range(len(sentences))]
    tags = tag_sentences(sentences, encoder.heads["tagger"])
    whole = find_phrases(sentences, is_candidate, tags)
    keys = sorted(whole, key=lambda key: -whole[key].count)[:20]
    found = all_mentions(keys, sentences, is_candidate, encoder)
    for key in keys:
        assert found[key] == whole[key].mentions(sentences)


def test_progress_rises_to_all_words(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.runtime.encoder.PROGRESS_INTERVAL_S", 0.01)
    seen: list[tuple[int, int]] = []
    transcript = parse_transcript(make_transcript(N_WORDS).encode())
    digest_transcript(
        transcript, encoder, observer=Observer(lambda done, total: seen.append((done, total))),
    )  # fmt: skip
    assert seen[-1] == (N_WORDS, N_WORDS)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_the_digest_does_not_depend_on_the_threads(seed_digests: dict[str, Digest]) -> None:
    documents = []
    for threads in (1, 3):
        digest = digest_transcript(
            read_transcript(CHIP),
            LoadingEncoder(find_bundle(), threads),
        )
        documents.append(render.to_dict(digest))
    documents.append(render.to_dict(seed_digests[CHIP.name]))
    for document in documents:
        del document["created_utc"], document["timings"]
    assert json.dumps(documents[0]) == json.dumps(documents[1]) == json.dumps(documents[2])


def test_one_part_less_does_not_lose_the_last_words(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_WORDS", 700)
    monkeypatch.setattr(parts, "WHOLE_WORDS", 1000)
    transcript = read_transcript(CHIP)
    digest = digest_transcript(transcript, encoder)
    assert digest.chapters[0].first_segment == 0
    assert digest.chapters[-1].last_segment == len(transcript.segments) - 1
    assert digest.coverage.words_read == transcript.n_words


@pytest.mark.slow
def test_memory_stays_flat(tmp_path: Path) -> None:
    peaks = {}
    for n_words in (10_000, 60_000):
        path = tmp_path / f"{n_words}.txt"
        path.write_text(make_transcript(n_words), encoding="utf-8")
        command = [sys.executable, "-m", "edge", "summarize", str(path), "--quiet"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks[n_words] = usage.ru_maxrss
    assert peaks[60_000] < 1.3 * peaks[10_000]


# ---- work beside other work


def test_an_error_in_the_background_reaches_whoever_waits(tmp_path: Path) -> None:
    def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        Background(fail).result()
    with pytest.raises(KeyError):
        Parallel(lambda item: fail(), [1, 2, 3], 2).results()
    loading = LoadingEncoder(read_bundle(ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32"))
    with pytest.raises(BundleError, match="embeds no sentences"):
        loading.ready()


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_results_keep_their_order(n_threads: int) -> None:
    def square(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return number * number

    assert Parallel(square, range(20), n_threads).results() == [n * n for n in range(20)]
    assert Parallel(square, [], n_threads).results() == []


def test_one_thread_runs_nothing_beside_other_work() -> None:
    seen: list[str] = []
    running = Parallel(lambda item: seen.append(threading.current_thread().name), [1, 2], 1)
    time.sleep(0.05)
    assert seen == []
    running.results()
    assert len(set(seen)) == 1
