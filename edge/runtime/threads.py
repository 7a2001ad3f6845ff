"""Work in threads: onnxruntime, hashing and tokenizing leave Python free meanwhile.

The standard library's ``concurrent.futures`` does the same and takes 15 ms to import, more than
a hundredth of a cold command.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Background(Generic[Result]):
    """Something that is done beside other work.

    :param function: What to do.
    """

    def __init__(self, function: Callable[[], Result]) -> None:
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(function,), daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, or only so long.

        :param seconds: None for as long as it takes.
        :return: Whether it has ended.
        """
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> Result:
        """What came of it, once it is done; raises what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self, function: Callable[[], Result]) -> None:
        try:
            self._results.append(function())
        except BaseException as error:  # whoever waits for the result is told
            self._error = error


class Parallel(Generic[Item, Result]):
    """A function of many items, computed by several threads that take one item after another.

    :param function: Of one item; called in any thread.
    :param items: What it is called with.
    :param n_threads: With one, nothing runs beside other work: it begins when it is waited for.
    """

    def __init__(
        self, function: Callable[[Item], Result], items: Sequence[Item], n_threads: int
    ) -> None:
        self._function = function
        self._items = items
        self._done: dict[int, Result] = {}
        self._next = itertools.count()  # one C call: no two threads get the same number
        self._n_threads = max(1, min(n_threads, len(items)))
        self._threads: list[Background[None]] = []
        if n_threads > 1:
            self._start()

    @property
    def n_done(self) -> int:
        """Items that are computed."""
        return len(self._done)

    def wait(self, seconds: float) -> bool:
        """Wait for all items, or only so long.

        :param seconds: How long.
        :return: Whether all are computed.
        """
        self._start()
        return all(thread.wait(seconds) for thread in self._threads)

    def results(self) -> list[Result]:
        """All results, in the order of the items; raises what the function raised."""
        self._start()
        for thread in self._threads:
            thread.result()
        return [self._done[k] for k in range(len(self._items))]

    def _start(self) -> None:
        if not self._threads:
            self._threads = [Background(self._work) for _ in range(self._n_threads)]

    def _work(self) -> None:
        for k in self._next:
            if k >= len(self._items):
                return
            self._done[k] = self._function(self._items[k])


class _Unheard(Exception):
    """Nobody listens any more."""


def iterate_thread(work: Callable[[Callable[[Item], None]], None], name: str) -> Iterator[Item]:
    """What a thread puts, as it comes; its error is raised here.

    :param work: Puts items, one at a time. It is ended at the next one if nobody listens any more.
    :param name: Of the thread.
    """
    from queue import SimpleQueue  # three milliseconds that no command needs

    items: SimpleQueue[Item | _End] = SimpleQueue()
    is_unheard = threading.Event()

    def put(item: Item) -> None:
        if is_unheard.is_set():
            raise _Unheard
        items.put(item)

    def run() -> None:
        error: BaseException | None = None
        try:
            work(put)
        except _Unheard:
            return
        except BaseException as raised:
            error = raised
        items.put(_End(error))

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        while not isinstance(item := items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        is_unheard.set()


class _End:
    """The end of what a thread puts.

    :param error: What ended it; None where it was done.
    """

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
