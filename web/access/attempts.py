"""Slow down the guessing of passwords: a number of failed attempts per window, counted in this process's
memory.

Each web process counts for itself and forgets at a restart, which is enough to slow guessing down.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

WINDOW_SECONDS = 300
PER_PERSON_AND_ADDRESS = 10
PER_ADDRESS = 50


class Attempts:
    """Failed attempts by key in the current fixed window; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._window = -1
        self._failed: Counter[str] = Counter()

    def wait_for(self, email: str, address: str) -> int:
        """Seconds until another attempt is accepted; 0 when one is accepted now."""
        with self._lock:
            now = self._roll()
            over = (
                self._failed[_pair(email, address)] >= PER_PERSON_AND_ADDRESS
                or self._failed[address] >= PER_ADDRESS
            )
            return int(WINDOW_SECONDS - now % WINDOW_SECONDS) + 1 if over else 0

    def failed(self, email: str, address: str) -> None:
        with self._lock:
            self._roll()
            self._failed[_pair(email, address)] += 1
            self._failed[address] += 1

    def _roll(self) -> float:
        now = self._clock()
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window = window
            self._failed.clear()
        return now


def _pair(email: str, address: str) -> str:
    return f"{address} {email.strip().lower()[:200]}"
