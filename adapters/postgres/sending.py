"""What the relay and the sweeper send: new outbox rows, and due deals whose message was lost.

Each batch is one transaction that stays open while its messages are sent. A crash between sending and
committing sends twice, which is harmless; the other order would lose messages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, tuple_, update

from adapters.postgres.clock import clock
from adapters.postgres.engine import store_errors
from adapters.postgres.fair_shares import due_rows, interleaved, taken_rows
from adapters.postgres.repositories.opportunities import EMIT_AGAIN
from adapters.postgres.tables import opportunities
from oppsync.domain.work.states import State


class PostgresSending:
    """Any number of processes may send at once: each skips the rows of the others."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def outbox(self, room: int, full: Collection[str]) -> Iterator[Sequence[Any]]:
        """Rows of the outbox, except those of the stages `full`; deleted when the block ends without an
        error."""
        with store_errors(), self._engine.begin() as connection:
            taken = connection.execute(taken_rows(room, full)).all()
            yield interleaved(sorted(taken, key=lambda row: row.id))

    @contextmanager
    def due(self, room: int, without: Collection[State]) -> Iterator[Sequence[Any]]:
        """Deals that are due, not leased, and whose last message is old enough; none in the states `without`.
        When the block ends without an error they count as sent."""
        with store_errors(), self._engine.begin() as connection:
            due = connection.execute(due_rows(room, without=without)).all()
            yield interleaved(due)
            if due:
                key = tuple_(opportunities.c.tenant_id, opportunities.c.id)
                sent = key.in_([(row.tenant_id, row.id) for row in due])
                connection.execute(update(opportunities).where(sent).values(emit_at=clock() + EMIT_AGAIN))
