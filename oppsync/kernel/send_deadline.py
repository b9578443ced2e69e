"""A write of an effect begins soon after it was marked as sent, or not at all.

Others count the quarantine from the mark. A worker that was frozen since, or waited long for its turn, would
otherwise write after they looked it up and sent it themselves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

# The moment (monotonic: it goes on while a process is stopped) from which on nothing may begin.
_closes_at: ContextVar[float | None] = ContextVar("send_window_closes_at", default=None)


@contextmanager
def send_window(length: timedelta) -> Iterator[None]:
    token = _closes_at.set(time.monotonic() + length.total_seconds())
    try:
        yield
    finally:
        _closes_at.reset(token)


def window_is_open() -> bool:
    """Whether a write may begin now; always, where no window was set. Ask right before the send."""
    closes_at = _closes_at.get()
    return closes_at is None or time.monotonic() < closes_at
