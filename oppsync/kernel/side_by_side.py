"""Calls side by side, each in a thread of its own with the context of whoever asks: send deadline and stage
scope hold there too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Protocol, TypeVar

Result = TypeVar("Result")
Batch = Sequence[tuple[int, Result | Exception]]

# Seconds for which an answer waits for those of slower neighbours.
NEIGHBOURS = 0.25


class SideBySide(Protocol):
    def __call__(self, calls: Sequence[Callable[[], Result]]) -> Iterator[Batch[Result]]:
        """Make the calls at once. Yields, batch by batch, the place of each call with what it returned or
        raised."""


class Threads:
    """Makes `SideBySide` calls in threads that are kept. One per process; they are started with the first
    calls, so after any fork."""

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="call")

    def __call__(self, calls: Sequence[Callable[[], Result]]) -> Iterator[Batch[Result]]:
        if len(calls) == 1:
            yield [(0, _tried(calls[0]))]
            return
        places: dict[Future[Result | Exception], int] = {
            self._pool.submit(copy_context().run, _tried, call): place for place, call in enumerate(calls)
        }
        while places:
            wait(places, return_when=FIRST_COMPLETED)
            done = wait(places, NEIGHBOURS, ALL_COMPLETED).done
            yield [(places.pop(each), each.result()) for each in done]


def _tried(call: Callable[[], Result]) -> Result | Exception:
    try:
        return call()
    except Exception as error:
        return error
