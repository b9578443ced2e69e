"""No vendor takes all threads of a worker: one is always left for the others.

Where a vendor answers fast, whoever finds its places taken waits a moment for one; where it does not, nobody
waits.
"""

from __future__ import annotations

import threading
import time

# Seconds: whoever has been there for longer may be there for long.
SLOW = 0.25


class Bulkhead:
    """`threads` of this process; 0 or 1 is no bulkhead. One for each connection."""

    def __init__(self, threads: int) -> None:
        self._places = threads - 1
        self._since: dict[str, float] = {}
        self._changed = threading.Condition()

    def enter(self, holder: str) -> bool:
        """False when all places are taken by what may be slow."""
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
