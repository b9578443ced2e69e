"""New rows of the outbox wake the relay: the commit that adds them carries a notice, and the relay listens.

Notices only save time. They are lost while nobody listens, and behind a pooler that lends connections for a
transaction they vanish silently, so the relay looks each second as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from sqlalchemy import Engine

from oppsync.kernel.errors import StoreUnavailable

CHANNEL = "oppsync_outbox"
# Seconds between two notices of a process. Postgres commits the transactions that carry one after the other,
# each with its write to disk. A relay that is woken stays awake for longer than this (`actors/relay.py`), so
# that a busy process needs no more. One whose transaction is rolled back loses its notice: that costs a second.
NOTICE_SECONDS = 0.5
LISTEN_SECONDS = 1.0
# A firewall forgets a connection that rests for minutes, and no notice comes through it any more: this keeps it
# in use, and finds out within a minute when it is gone.
_KEPT_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


class Notices:
    """When a process gives notice. One per process; two threads at once may both do so, which harms nothing."""

    def __init__(self) -> None:
        self._due_at = 0.0

    def is_due(self) -> bool:
        """Whether the rows that are about to be added carry a notice. Then none is due for a moment."""
        now = time.monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + NOTICE_SECONDS
        return True


class Listener:
    """Calls `heard` for each notice, on a connection of its own. Used by one thread."""

    def __init__(self, engine: Engine, heard: Callable[[], None]) -> None:
        self._engine = engine
        self._heard = heard
        self._connection: psycopg.Connection | None = None

    def step(self) -> bool:
        """Listen for a second at most. A connection that died is made anew by the next step. Raises
        StoreUnavailable."""
        try:
            if self._connection is None:
                self._connection = self._connected()
                self._heard()  # for the rows of the time when nobody listened
            for _ in self._connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                self._heard()
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailable(f"Postgres cannot be heard: {type(error).__name__}") from error
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        arguments, named = self._engine.dialect.create_connect_args(self._engine.url)
        wanted = {**named, **_KEPT_ALIVE, "connect_timeout": 5, "application_name": "oppsync"}
        connection: psycopg.Connection = psycopg.connect(*arguments, autocommit=True, **wanted)
        try:
            connection.execute(f"listen {CHANNEL}")
        except psycopg.Error:
            connection.close()
            raise
        return connection
