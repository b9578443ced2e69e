"""From Postgres to Redis: outbox rows as they come, and due opportunities whose message was lost."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine, tuple_, update

from adapters.postgres.engine import store_errors
from adapters.postgres.fair import due_rows, interleaved, taken_rows
from adapters.postgres.repositories.opportunities import EMIT_AGAIN, clock
from adapters.postgres.tables import opportunities
from oppsync.domain.work.states import State
from oppsync.kernel.crash_points import crash_point
from oppsync.pipeline.table import stage_for

BATCH = 50
# A queue of Redis is fed up to this and one batch more: whoever comes waits behind so many at most. The rest
# waits in Postgres, where it is safe, can be seen, and is sent in fair shares.
LONGEST_QUEUE = 50


class Sender:
    """A crash between sending and committing sends twice, which is harmless; the other order would lose."""

    def __init__(
        self, engine: Engine, broker: RedisBroker, actors: Mapping[str, dramatiq.Actor[[str], None]]
    ) -> None:
        self._engine = engine
        self._broker = broker
        self._actors = actors

    def relay(self) -> int:
        """Send and delete a batch of outbox rows. Rows of another relay are skipped."""
        statement = taken_rows(BATCH, self._full_queues())
        with store_errors(), self._engine.begin() as connection:
            taken = connection.execute(statement).all()
            rows = interleaved(sorted(taken, key=lambda row: row.id))
            for row in rows:
                if row.stage in self._actors:  # one of another release: the sweeper knows today's stage
                    crash_point("relay.taken", row.stage)
                    self._send(row.stage, row.opportunity_id, row.traceparent)
                    crash_point("relay.sent", row.stage)
        if rows:
            crash_point("relay.committed")
        return len(rows)

    def sweep(self) -> int:
        """Send due opportunities that nobody works and nobody was told of for a while."""
        full = self._full_queues()
        waiting = [state for state in State if stage_for(state).name in full]
        with store_errors(), self._engine.begin() as connection:
            due = connection.execute(due_rows(BATCH, without=waiting)).all()
            for row in interleaved(due):
                self._send(stage_for(State(row.state)).name, row.id, row.traceparent)
            if due:
                crash_point("sweep.sent")
                key = tuple_(opportunities.c.tenant_id, opportunities.c.id)
                sent = key.in_([(row.tenant_id, row.id) for row in due])
                connection.execute(update(opportunities).where(sent).values(emit_at=clock() + EMIT_AGAIN))
        if due:
            crash_point("sweep.committed")
        return len(due)

    def _send(self, stage: str, opportunity_id: UUID, traceparent: str) -> None:
        self._actors[stage].send_with_options(args=(str(opportunity_id),), traceparent=traceparent)

    def _full_queues(self) -> set[str]:
        namespace = self._broker.namespace
        pipe = self._broker.client.pipeline(transaction=False)
        stages = list(self._actors)
        for stage in stages:
            pipe.llen(f"{namespace}:{stage}")
        return {stage for stage, length in zip(stages, pipe.execute(), strict=True) if length > LONGEST_QUEUE}
