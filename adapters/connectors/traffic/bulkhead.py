"""Keep one vendor from taking all threads of a worker: one is always left for the others.

While the vendor answers fast, a step that finds no place free waits a moment for one; when it is slow, the step
does not wait.
"""

from __future__ import annotations

import threading
import time

# Seconds: a step that has held its place for longer is taken to be slow.
SLOW = 0.25


class Bulkhead:
    """One for each connection. `threads` of this process; 0 or 1 switches it off."""

    def __init__(self, threads: int) -> None:
        self._places = threads - 1
        self._since: dict[str, float] = {}
        self._changed = threading.Condition()

    def enter(self, holder: str) -> bool:
        """Take a place. False when all places are taken and their holders are slow."""
        if self._places < 1:
            return True
        with self._changed:
            while len(self._since) >= self._places:
                left = min(self._since.values()) + SLOW - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return False
            self._since[holder] = time.monotonic()
        return True

    def leave(self, holder: str) -> None:
        with self._changed:
            if self._since.pop(holder, None) is not None:
                self._changed.notify()
