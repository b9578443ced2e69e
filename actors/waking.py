"""Whoever puts messages into a queue of Redis wakes the workers that rest beside it.

This only saves time: a worker that heard nothing looks each second as well.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import redis
from dramatiq import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer

from oppsync.kernel.errors import StoreUnavailable

REST_SECONDS = 1.0
# A consumer whose threads have all that it may hold for them looks this often whether one is free.
FULL_SECONDS = 0.05
LISTEN_SECONDS = 1.0
# A firewall forgets a connection that rests for minutes, and nothing is heard on it any more.
_KEPT_ALIVE_SECONDS = 30
# Dramatiq sleeps this long itself where it found nothing. What is above it is waited for here.
_DRAMATIQ_MILLISECONDS = 1


class Bells:
    """One for each queue. A ring that nobody waits for is heard by whoever waits next."""

    def __init__(self) -> None:
        self._bells: defaultdict[str, threading.Event] = defaultdict(threading.Event)

    def ring(self, queue: str) -> None:
        self._bells[queue].set()

    def wait(self, queue: str, seconds: float) -> None:
        bell = self._bells[queue]
        bell.wait(seconds)
        bell.clear()


class WakingConsumer(_RedisConsumer):
    """Used by one thread."""

    def __init__(self, broker: WakingBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, min(timeout, _DRAMATIQ_MILLISECONDS))  # type: ignore[no-untyped-call]
        self._bells = broker.bells

    def __next__(self) -> MessageProxy | None:
        found: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        if found is None:
            is_full = self.outstanding_message_count >= self.prefetch
            self._bells.wait(self.queue_name, FULL_SECONDS if is_full else REST_SECONDS)
        return found


class WakingBroker(RedisBroker):
    """A broker whose consumers rest until `bells` ring."""

    def __init__(self, client: redis.Redis, **options: Any) -> None:
        super().__init__(client=client, **options)  # type: ignore[no-untyped-call]
        self.bells = Bells()

    @property
    def consumer_class(self) -> type[WakingConsumer]:
        return WakingConsumer

    @property
    def channel(self) -> str:
        return f"{self.namespace}:sent"

    def wake(self, queues: Iterable[str]) -> None:
        """Ring the bells of these queues in all workers. Raises redis.RedisError."""
        pipe = self.client.pipeline(transaction=False)
        for queue in queues:
            pipe.publish(self.channel, queue)
        pipe.execute()


class Ears:
    """Ring the bells of a process for what is heard, on a connection of its own. Used by one thread."""

    def __init__(self, broker: WakingBroker, redis_url: str) -> None:
        self._broker = broker
        client = redis.Redis.from_url(
            redis_url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=_KEPT_ALIVE_SECONDS
        )
        self._heard = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]

    def step(self) -> bool:
        """Listen for a second at most. Raises StoreUnavailable; the next step connects anew."""
        try:
            if not self._heard.subscribed:
                self._heard.subscribe(self._broker.channel)
            message = self._heard.get_message(timeout=LISTEN_SECONDS)
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis cannot be heard: {type(error).__name__}") from error
        if message is not None:
            self._broker.bells.ring(message["data"].decode())
        return True
