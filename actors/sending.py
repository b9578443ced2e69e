"""Send from Postgres to Redis: new outbox rows, and due opportunities whose message was lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

import dramatiq

from actors.waking import WakingBroker
from adapters.postgres.sending import PostgresSending
from oppsync.domain.work.states import State
from oppsync.kernel.crash_points import crash_point
from oppsync.pipeline.table import stage_for

BATCH = 50
# A queue of Redis is filled up to this number and one batch more, so that a new message waits behind few
# others. The rest waits in Postgres, where it is safe and visible, and is sent in fair shares.
LONGEST_QUEUE = 50


class Sender:
    def __init__(
        self, store: PostgresSending, broker: WakingBroker, actors: Mapping[str, dramatiq.Actor[[str], None]]
    ) -> None:
        self._store = store
        self._broker = broker
        self._actors = actors
        # Whether the last look found a queue too full to be fed: its rows wait, and nobody wakes us for them.
        self.holds_back = False

    def relay(self) -> int:
        """Send and delete a batch of outbox rows. Returns how many."""
        full = self._full_queues()
        self.holds_back = bool(full)
        with self._store.outbox(BATCH, full) as rows:
            known = [row for row in rows if row.stage in self._actors]
            for row in known:  # other releases have other stages: the sweep covers these
                crash_point("relay.taken", row.stage)
                self._send(row.stage, row.opportunity_id, row.traceparent)
                crash_point("relay.sent", row.stage)
            self._wake(row.stage for row in known)
        if rows:
            crash_point("relay.committed")
        return len(rows)

    def sweep(self) -> int:
        """Send due opportunities that no worker holds and whose last message is old enough. Returns how
        many."""
        full = self._full_queues()
        waiting = [state for state in State if stage_for(state).name in full]
        with self._store.due(BATCH, without=waiting) as due:
            stages = [stage_for(State(row.state)).name for row in due]
            for stage, row in zip(stages, due, strict=True):
                self._send(stage, row.id, row.traceparent)
            self._wake(stages)
            if due:
                crash_point("sweep.sent")
        if due:
            crash_point("sweep.committed")
        return len(due)

    def _send(self, stage: str, opportunity_id: UUID, traceparent: str) -> None:
        self._actors[stage].send_with_options(args=(str(opportunity_id),), traceparent=traceparent)

    def _wake(self, stages: Iterable[str]) -> None:
        self._broker.wake({self._actors[stage].queue_name for stage in stages})

    def _full_queues(self) -> set[str]:
        namespace = self._broker.namespace
        pipe = self._broker.client.pipeline(transaction=False)
        stages = list(self._actors)
        for stage in stages:
            pipe.llen(f"{namespace}:{stage}")
        return {stage for stage, length in zip(stages, pipe.execute(), strict=True) if length > LONGEST_QUEUE}
