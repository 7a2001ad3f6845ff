"""How fast memory can be read: what bounds a model that reads all its weights for each token."""

from __future__ import annotations

import threading
import time

import numpy as np

N_BYTES = 1 << 28
"""Far more than any cache of a small computer holds."""
REPEATS = 7


def read_bytes_per_s(threads: int) -> float:
    """The best of some readings of 256 MiB, each thread its own part.

    :param threads: Threads that read at once.
    """
    parts = np.array_split(np.ones(N_BYTES // 4, np.float32), threads)
    best = 0.0
    for _ in range(REPEATS):
        workers = [threading.Thread(target=np.max, args=(part,)) for part in parts]
        started = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = max(best, N_BYTES / (time.perf_counter() - started))
    return best
