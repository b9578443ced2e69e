"""From Postgres to Redis: outbox rows as they come, and due opportunities whose message was lost."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine, delete, select, tuple_, update

from adapters.postgres.engine import store_errors
from adapters.postgres.opportunities import EMIT_AGAIN, clock, due_rows
from adapters.postgres.tables import opportunities, outbox
from oppsync.crash_points import crash_point
from oppsync.domain.states import State
from oppsync.pipeline.table import stage_for

BATCH = 200
# What Redis holds of one stage at most; the rest waits in Postgres, where it is safe and can be seen.
LONGEST_QUEUE = 1_000


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
        batch = (
            select(outbox.c.tenant_id, outbox.c.id)
            .order_by(outbox.c.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        taken = (
            delete(outbox)
            .where(tuple_(outbox.c.tenant_id, outbox.c.id).in_(batch))
            .returning(outbox.c.opportunity_id, outbox.c.stage, outbox.c.traceparent)
        )
        with store_errors(), self._engine.begin() as connection:
            rows = connection.execute(taken).all()
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
            for row in due:
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
