"""What a process remembers of the book: that a connection was calm a moment ago. Its calls then go on without
asking."""

from __future__ import annotations

import threading
import time


class Calm:
    """One for each connection of a process; thread-safe."""

    def __init__(self) -> None:
        self._until = 0.0
        self._ends = 0
        self._lock = threading.Lock()

    def lasts(self) -> bool:
        return time.monotonic() < self._until

    @property
    def ends(self) -> int:
        """How often it ended. Whoever asks the book reads this first and gives it back with the answer."""
        return self._ends

    def begin(self, seconds: float, ends: int) -> None:
        """Calm for so long, unless it ended after the book was asked: the answer is older than that trouble."""
        with self._lock:
            if ends == self._ends:
                self._until = time.monotonic() + seconds

    def end(self) -> None:
        with self._lock:
            self._until = 0.0
            self._ends += 1
