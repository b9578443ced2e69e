"""Shut down on the first signal; further signals change nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

STOPPING = (signal.SIGTERM, signal.SIGINT)


def stop_event(then: Callable[[], None] = lambda: None) -> threading.Event:
    """Set by the first signal that asks this process to end; `then` is called after it, in the signal's
    handler. Call it on the main thread."""
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()
        then()

    for number in STOPPING:
        signal.signal(number, end)
    return stop


def stop_listening() -> None:
    """Ignore further signals; call this last. As Python ends, signals get their deadly meaning back, and
    platforms send SIGTERM twice."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
