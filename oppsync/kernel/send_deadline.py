"""A deadline for the write of an effect: it begins soon after the effect was marked as sent, or not at all.

Other workers count the quarantine from the mark. A worker that was paused since, or waited long for its turn,
could otherwise write after they have looked the effect up and sent it themselves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

# In seconds of the monotonic clock, which goes on while a process is stopped.
_deadline: ContextVar[float | None] = ContextVar("send_deadline", default=None)


@contextmanager
def send_deadline(after: timedelta) -> Iterator[None]:
    """Inside this block a write may begin until `after` has passed."""
    token = _deadline.set(time.monotonic() + after.total_seconds())
    try:
        yield
    finally:
        _deadline.reset(token)


def may_still_send() -> bool:
    """Whether a write may begin now; always, where no deadline was set. Ask right before the send."""
    deadline = _deadline.get()
    return deadline is None or time.monotonic() < deadline
