"""Told to stop: the first signal counts, the others change nothing."""

from __future__ import annotations

import signal
import threading

STOPPING = (signal.SIGTERM, signal.SIGINT)


def told_to_stop() -> threading.Event:
    """Set by the first signal that asks this process to end. Call it on the main thread."""
    stop = threading.Event()
    for number in STOPPING:
        signal.signal(number, lambda *_: stop.set())
    return stop


def stop_listening() -> None:
    """Call it last: as Python ends, signals get their deadly meaning back, and platforms send SIGTERM twice."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
