"""Connections to Redis for what asks it between two steps and does not wait for one that is away."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Seconds. A write begins within two seconds of its mark, and the book of limits is asked in between.
PATIENCE = 0.5


def impatient_pool(redis_url: str, connections: int) -> redis.BlockingConnectionPool:
    """Opens no connection before its first use."""
    return redis.BlockingConnectionPool.from_url(
        redis_url,
        max_connections=connections,
        timeout=PATIENCE,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
