"""The broker: Redis carries wake-ups only. No retries, delays or results: Postgres decides all that."""

from __future__ import annotations

import dramatiq
import redis
from dramatiq.middleware import Retries

from actors.waking import WakingBroker
from adapters.runtime.connection_budget import BROKER_POOL

NAMESPACE = "oppsync"


def make_broker(redis_url: str) -> WakingBroker:
    """A broker on a small pool of its own. `max_retries=0`: what fails is dead-lettered at once."""
    pool = redis.BlockingConnectionPool.from_url(
        redis_url, max_connections=BROKER_POOL, timeout=20, socket_timeout=10, socket_connect_timeout=5
    )
    broker = WakingBroker(
        client=redis.Redis(connection_pool=pool),
        middleware=[Retries(max_retries=0)],
        namespace=NAMESPACE,
        # Postgres re-sends after 10 s anyway; this only keeps Redis tidy after a worker died.
        heartbeat_timeout=15_000,
        maintenance_chance=50_000,
    )
    dramatiq.set_broker(broker)
    return broker
