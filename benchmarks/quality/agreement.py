"""Agreement of the digests of two transcriptions of one episode.

``python -m benchmarks.quality.agreement A B`` digests both and prints the keyphrases and chapter
boundaries in common and, for each key point of one, the cosine to the nearest of the other; beside
it, the same for sentences drawn at random, which is what agreement by chance looks like.
"""

from __future__ import annotations

import argparse
import random
from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from statistics import mean

from edge.bundles.store import find_bundle
from edge.english.words import stem, words
from edge.pipeline import digest_transcript
from edge.records import Digest
from edge.runtime.encoder import Encoder
from edge.transcript import read_transcript
from edge.transcript.sentences import rebuild_sentences

N_DRAWS = 20


def nearest_cosine(encoder: Encoder, left: Sequence[str], right: Sequence[str]) -> float:
    """Mean over both sides of the cosine to the nearest text of the other side.

    :param encoder: The sentence encoder.
    :param left: Texts.
    :param right: Texts.
    """
    similarity = encoder.encode(left) @ encoder.encode(right).T
    return float((similarity.max(axis=1).mean() + similarity.max(axis=0).mean()) / 2)


def phrase_keys(digest: Digest, limit: int) -> set[str]:
    """The first keyphrases as stems, so that plurals agree.

    :param digest: A digest.
    :param limit: How many.
    """
    return {" ".join(stem(word) for word in p.text.split()) for p in digest.keyphrases[:limit]}


def boundaries_in_common(digests: Sequence[Digest]) -> tuple[int, int, int]:
    """Chapter boundaries of the first and of the second, and how many are the same.

    The two texts are aligned word by word; two are the same within two sentences of the first.

    :param digests: Two.
    """
    sentences = [rebuild_sentences(digest.transcript) for digest in digests]
    spoken = [[w.lower() for s in text for w in words(s.text)] for text in sentences]
    sentence_of = [[i for i, s in enumerate(text) for _ in words(s.text)] for text in sentences]
    blocks = SequenceMatcher(None, spoken[1], spoken[0], autojunk=False).get_matching_blocks()
    pairs = [
        (sentence_of[1][block.a + k], sentence_of[0][block.b + k])
        for block in blocks
        for k in range(block.size)
    ]
    aligned = dict(reversed(pairs))  # the first word of a sentence that both have decides
    starts = [
        [bisect_left([s.first_segment for s in text], c.first_segment) for c in digest.chapters[1:]]
        for text, digest in zip(sentences, digests, strict=True)
    ]
    free = list(starts[0])
    shared = 0
    for start in starts[1]:
        same = next((aligned[i] for i in range(start, start + 5) if i in aligned), None)
        near = [at for at in free if same is not None and abs(at - same) <= 2]
        if near:
            free.remove(near[0])
            shared += 1
    return len(starts[0]), len(starts[1]), shared


def main() -> None:
    """Print the agreement of two transcripts' digests."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("transcripts", type=Path, nargs=2)
    arguments = parser.parse_args()
    encoder = Encoder(find_bundle())
    transcripts = [read_transcript(path) for path in arguments.transcripts]
    digests = [digest_transcript(transcript, encoder) for transcript in transcripts]
    for limit in (10, 15):
        ours, theirs = (phrase_keys(digest, limit) for digest in digests)
        print(f"first {limit} keyphrases in common: {len(ours & theirs)}")
    n_ours, n_theirs, shared = boundaries_in_common(digests)
    print(f"chapter boundaries in common: {shared} of {n_ours} and {n_theirs}")
    points = [[point.text for point in digest.key_points] for digest in digests]
    print(f"key points, cosine to the nearest: {nearest_cosine(encoder, *points):.3f}")
    sentences = [
        [s.text for s in rebuild_sentences(transcript) if s.n_words >= 7]
        for transcript in transcripts
    ]
    draw = random.Random(0)
    chance = mean(
        nearest_cosine(
            encoder,
            draw.sample(sentences[0], len(points[0])),
            draw.sample(sentences[1], len(points[1])),
        )
        for _ in range(N_DRAWS)
    )
    print(f"as many sentences at random, {N_DRAWS} draws: {chance:.3f}")


if __name__ == "__main__":
    main()
