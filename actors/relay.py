"""`python -m actors.relay`: send the messages that Postgres holds. Any number may run; they share the rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import redis

from actors.broker import make_broker
from actors.dead_letters import mirror_dead_letters
from actors.polling import Poller, crm_poller, mirror_reader
from actors.sending import Sender
from actors.stages import declare_actors
from actors.stopping import stop_event, stop_listening
from adapters.bootstrap import build
from adapters.postgres.notices import Listener
from adapters.postgres.retention import prune
from adapters.postgres.sending import PostgresSending
from adapters.runtime.connection_budget import RELAY_POOL
from adapters.runtime.environment import read_settings
from adapters.runtime.logs import log
from oppsync.kernel.errors import StoreUnavailable

# New rows wake the relay. It then looks often for a while, since a busy process gives few notices
# (`adapters/postgres/notices.py`), and this often where none comes.
AWAKE_POLL_SECONDS = 0.05
AWAKE_SECONDS = 1.0
POLL_SECONDS = 1.0
SWEEP_SECONDS = 1.0
MIRROR_SECONDS = 10.0
PRUNE_SECONDS = 60.0
AWAY_SECONDS = 1.0


class Bell:
    """Wakes the main thread. A signal's handler may ring it too, which is why it is a SimpleQueue: a lock that
    the interrupted thread holds would never be free."""

    def __init__(self) -> None:
        self._rung: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        self._rung.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait until somebody rings, so long at most. Returns whether somebody did: once for all rings."""
        try:
            self._rung.get(timeout=max(0.0, seconds))
        except Empty:
            return False
        while not self._rung.empty():
            self._rung.get()
        return True


@dataclass
class Chore:
    """Something done at intervals. An `eager` chore runs again soon while there is more to do. `run` returns
    how much it did."""

    name: str
    every: Callable[[], float]
    run: Callable[[], int]
    eager: bool = False
    next_at: float = 0.0

    def run_if_due(self, now: float) -> None:
        """Run the chore if it is due. A failure (Postgres or Redis is away, say) is logged and costs one
        pause."""
        if now < self.next_at:
            return
        try:
            done = self.run()
        except (StoreUnavailable, redis.RedisError) as error:
            log.warning("relay_waits", chore=self.name, reason=type(error).__name__)
            self.next_at = now + max(self.every(), AWAY_SECONDS)
            return
        self.next_at = now + (AWAKE_POLL_SECONDS if done and self.eager else self.every())
        if done and self.name != "relay":
            log.info("relay_did", chore=self.name, count=done)


class Outbox:
    """Looks at the outbox, often while it is busy or rows wait for a full queue, seldom while it rests."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._awake_until = 0.0
        self.chore = Chore("relay", self.pause, self._look)

    def wake(self) -> None:
        """Look at once, and often for a while."""
        self._awake_until = time.monotonic() + AWAKE_SECONDS
        self.chore.next_at = 0.0

    def pause(self) -> float:
        return AWAKE_POLL_SECONDS if time.monotonic() < self._awake_until else POLL_SECONDS

    def _look(self) -> int:
        sent = self._sender.relay()
        if sent or self._sender.holds_back:
            self.wake()
        return sent


def keep_sending(outbox: Outbox, others: Sequence[Chore], bell: Bell, stop: threading.Event) -> None:
    chores = (outbox.chore, *others)
    while not stop.is_set():
        for chore in chores:
            chore.run_if_due(time.monotonic())
        if bell.wait(min(chore.next_at for chore in chores) - time.monotonic()):
            outbox.wake()


def main() -> None:
    settings = read_settings()
    application = build(settings, pool_size=RELAY_POOL)
    broker = make_broker(settings.redis_address)
    sender = Sender(PostgresSending(application.engine), broker, declare_actors(broker, application))
    others = (
        Chore("sweep", lambda: SWEEP_SECONDS, sender.sweep, eager=True),
        Chore("retention", lambda: PRUNE_SECONDS, lambda: prune(application.engine, settings)),
        Chore("dead_letters", lambda: MIRROR_SECONDS, lambda: mirror_dead_letters(application, broker)),
    )
    bell = Bell()
    listener = Poller("listen", Listener(application.engine, bell.ring).step)
    threads = (listener, crm_poller(application), mirror_reader(application))
    stop = stop_event(bell.ring)
    for each in threads:
        each.start()
    log.info("relay_started")
    keep_sending(Outbox(sender), others, bell, stop)
    for each in threads:
        each.stop()
    broker.close()
    stop_listening()
    log.info("relay_stopped")


if __name__ == "__main__":
    main()
