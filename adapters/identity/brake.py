"""Counts for the brake, in Redis. While it is away each process counts for itself, in memory."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from functools import cached_property
from math import ceil
from typing import TypeVar

import redis
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from oppsync.ports.brake import Limit

PREFIX = "oppsync:brake"
# Seconds.
ASK_AGAIN = 2.0
Answer = TypeVar("Answer")


class SharedBrake:
    """Implements `oppsync.ports.brake.Brake`. One per process; thread-safe."""

    def __init__(self, redis_url: str, pool: redis.BlockingConnectionPool) -> None:
        self._pool = pool
        self._url = redis_url
        self._away_until = 0.0
        self._lock = threading.Lock()

    def count(self, limit: Limit, *of: str) -> int:
        item, who = _item(limit), _who(of)
        return self._ask(lambda storage: storage.incr(item.key_for(who), item.get_expiry()))

    def counted(self, limit: Limit, *of: str) -> int:
        item, who = _item(limit), _who(of)
        return self._ask(lambda storage: storage.get(item.key_for(who)))

    def wait_seconds(self, limit: Limit, *of: str) -> int:
        item, who = _item(limit), _who(of)
        resets_at = self._ask(
            lambda storage: FixedWindowRateLimiter(storage).get_window_stats(item, who).reset_time
        )
        return max(1, min(limit.seconds, ceil(resets_at - time.time())))

    def forget(self, limit: Limit, *of: str) -> None:
        item, who = _item(limit), _who(of)
        self._ask(lambda storage: storage.clear(item.key_for(who)))

    def _ask(self, question: Callable[[Storage], Answer]) -> Answer:
        with self._lock:
            is_away = time.monotonic() < self._away_until
        if not is_away:
            try:
                return question(self._shared)
            except redis.RedisError:
                with self._lock:
                    self._away_until = time.monotonic() + ASK_AGAIN
        return question(self._own)

    @cached_property
    def _shared(self) -> Storage:
        return RedisStorage(self._url, connection_pool=self._pool, key_prefix=PREFIX)

    @cached_property
    def _own(self) -> Storage:
        """Made when it is needed: it starts a thread, which no fork would inherit."""
        return MemoryStorage()


def _item(limit: Limit) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(limit.most, limit.seconds, namespace=limit.name)


def _who(of: tuple[str, ...]) -> str:
    """A digest: Redis carries no names, and no address is too long or has a separator in it."""
    return hashlib.sha256("\x00".join(of).encode("utf-8", "backslashreplace")).hexdigest()
