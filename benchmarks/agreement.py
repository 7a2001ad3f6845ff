"""Agreement of the digests of two transcriptions of one episode.

``python -m benchmarks.agreement A B`` digests both and prints the share of keyphrases in common
and, for each key point of one, the cosine to the nearest of the other; beside it, the same for
sentences drawn at random, which is what agreement by chance looks like.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from edge.digest import Digest, digest_transcript
from edge.encoder import Encoder
from edge.lexicon import stem
from edge.sentences import rebuild_sentences
from edge.store import find_bundle
from edge.transcript import read_transcript

N_DRAWS = 20


def nearest_cosine(encoder: Encoder, left: Sequence[str], right: Sequence[str]) -> float:
    """Mean over both sides of the cosine to the nearest text of the other side.

    :param encoder: The sentence encoder.
    :param left: Texts.
    :param right: Texts.
    """
    similarity = encoder.encode(left) @ encoder.encode(right).T
    return float((similarity.max(axis=1).mean() + similarity.max(axis=0).mean()) / 2)


def phrase_keys(digest: Digest) -> set[str]:
    """Keyphrases as stems, so that plurals agree.

    :param digest: A digest.
    """
    return {" ".join(stem(word) for word in p.text.split()) for p in digest.keyphrases}


def main() -> None:
    """Print the agreement of two transcripts' digests."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("transcripts", type=Path, nargs=2)
    arguments = parser.parse_args()
    encoder = Encoder(find_bundle())
    transcripts = [read_transcript(path) for path in arguments.transcripts]
    digests = [
        digest_transcript(transcript, encoder, source_path="", fallback_title="")
        for transcript in transcripts
    ]
    ours, theirs = map(phrase_keys, digests)
    print(f"keyphrases in common: {len(ours & theirs)} of {len(ours)} and {len(theirs)}")
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
