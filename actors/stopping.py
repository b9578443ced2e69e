"""Shut down on the first signal; further signals change nothing."""

from __future__ import annotations

import signal
import threading

STOPPING = (signal.SIGTERM, signal.SIGINT)


def stop_event() -> threading.Event:
    """Set by the first signal that asks this process to end. Call it on the main thread."""
    stop = threading.Event()
    for number in STOPPING:
        signal.signal(number, lambda *_: stop.set())
    return stop


def stop_listening() -> None:
    """Ignore further signals; call this last. As Python ends, signals get their deadly meaning back, and
    platforms send SIGTERM twice."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
