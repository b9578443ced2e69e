"""`python -m actors.relay`: send the messages that Postgres holds. Any number may run; they share the rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from actors.broker import make_broker
from actors.dead_letters import mirror_dead_letters
from actors.polling import crm_poller, mirror_reader
from actors.sending import Sender
from actors.stages import declare_actors
from actors.stopping import stop_event, stop_listening
from adapters.bootstrap import build
from adapters.postgres.retention import prune
from adapters.postgres.sending import PostgresSending
from adapters.runtime.connection_budget import RELAY_POOL
from adapters.runtime.environment import read_settings
from adapters.runtime.logs import log
from oppsync.kernel.errors import StoreUnavailable

POLL_SECONDS = 0.05
SWEEP_SECONDS = 1.0
MIRROR_SECONDS = 10.0
PRUNE_SECONDS = 60.0
AWAY_SECONDS = 1.0


@dataclass
class Chore:
    """Something done at intervals. An `eager` chore runs again at once while there is more to do. `run` returns
    how much it did."""

    name: str
    every: float
    run: Callable[[], int]
    eager: bool = False
    next_at: float = 0.0

    def run_if_due(self, now: float) -> None:
        """Run the chore if it is due. A failure (Postgres or Redis is away, say) is logged and costs one
        pause."""
        if now < self.next_at:
            return
        self.next_at = now + self.every
        try:
            done = self.run()
        except (StoreUnavailable, redis.RedisError) as error:
            log.warning("relay_waits", chore=self.name, reason=type(error).__name__)
            self.next_at = now + max(self.every, AWAY_SECONDS)
            return
        if done and self.eager:
            self.next_at = now
        if done and self.name != "relay":
            log.info("relay_did", chore=self.name, count=done)


def main() -> None:
    settings = read_settings()
    application = build(settings, pool_size=RELAY_POOL)
    broker = make_broker(settings.redis_address)
    sender = Sender(PostgresSending(application.engine), broker, declare_actors(broker, application))
    chores = (
        Chore("relay", POLL_SECONDS, sender.relay),
        Chore("sweep", SWEEP_SECONDS, sender.sweep, eager=True),
        Chore("retention", PRUNE_SECONDS, lambda: prune(application.engine, settings)),
        Chore("dead_letters", MIRROR_SECONDS, lambda: mirror_dead_letters(application, broker)),
    )
    threads = (crm_poller(application), mirror_reader(application))
    stop = stop_event()
    for each in threads:
        each.start()
    log.info("relay_started")
    while not stop.wait(POLL_SECONDS):
        for chore in chores:
            chore.run_if_due(time.monotonic())
    for each in threads:
        each.stop()
    broker.close()
    stop_listening()
    log.info("relay_stopped")


if __name__ == "__main__":
    main()
