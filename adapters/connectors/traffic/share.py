"""What one process allows itself while Redis is away: a tenth of each limit, starting from an empty bucket."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from adapters.connectors.traffic.limits import Limits

PROCESSES = 10
# Unused for this long, a bucket belongs to an earlier absence of Redis: it starts empty again.
FORGOTTEN_SECONDS = 10.0


@dataclass
class _Own:
    at: float
    tokens: float = 0.0
    holders: set[str] = field(default_factory=set)


class Share:
    """Thread-safe. Moments are monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, _Own] = {}

    def turn(self, connection: str, holder: str, limits: Limits, now: float) -> float:
        """Seconds to wait; 0 when the call may begin."""
        with self._lock:
            own = self._of.get(connection)
            if own is None or now - own.at > FORGOTTEN_SECONDS:
                own = self._of[connection] = _Own(now, holders=own.holders if own else set())
            places = max(1, (limits.concurrent or 0) // PROCESSES)
            if limits.concurrent and holder not in own.holders and len(own.holders) >= places:
                return 1.0
            rate = limits.rate / PROCESSES
            if rate:
                own.tokens = min(1.0, own.tokens + (now - own.at) * rate)
                own.at = now
                if own.tokens < 1:
                    return (1 - own.tokens) / rate
                own.tokens -= 1
            own.holders.add(holder)
            return 0.0

    def leave(self, connection: str, holder: str) -> None:
        with self._lock:
            if own := self._of.get(connection):
                own.holders.discard(holder)
