"""The storage of a simulation: in memory here, in a real Postgres in `postgres_world`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.plan.plan import Plan
from oppsync.domain.reference.book import ReferenceRow
from oppsync.domain.work.events import CompensationBegun, Event, Replayed, StateChanged
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.states import State
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from tests.stateful.memory import EMIT_AGAIN, MemoryStore, Row, Tables

Send = Callable[[UUID, str], None]


@dataclass(frozen=True)
class Move:
    """One recorded change of an opportunity's state or version."""

    opportunity_id: UUID
    before: State
    after: State
    version_before: int
    version_after: int


class World(Protocol):
    @property
    def uow(self) -> UnitOfWorkFactory: ...

    def set_time(self, now: datetime) -> None: ...

    def acting(self, name: str) -> None:
        """Set who writes from now on. Workers' writes are checked against the lease they should hold."""

    def relay(self, send: Send) -> int: ...

    def sweep(self, send: Send) -> int: ...

    def rows(self) -> Sequence[Row]: ...

    def tasks(self, opportunity_id: UUID) -> Sequence[ApprovalTask]: ...

    def items(self) -> Sequence[ExceptionItem]: ...

    def effects(self, opportunity_id: UUID) -> Sequence[LedgerRow]: ...

    def plan(self, opportunity_id: UUID, plan_hash: str) -> Plan: ...

    def waiting_messages(self) -> set[UUID]:
        """Opportunities with an outbox row."""

    def delivered(self) -> set[str]:
        """Delivery ids in the inbox."""

    def moves(self) -> Sequence[Move]:
        """The moves as the storage saw them, oldest first."""

    def audited_moves(self) -> Sequence[tuple[UUID, str, str]]:
        """Opportunity, state before and after, from the audit trail, oldest first."""

    def breaches(self) -> Sequence[str]:
        """Writes that a lease should have prevented."""


class MemoryWorld:
    def __init__(self, start: datetime, people: Sequence[Person], reference: Sequence[ReferenceRow]) -> None:
        self._now = start
        self._actor = ""
        self._moves: list[Move] = []
        self._breaches: list[str] = []
        self._store = MemoryStore(lambda: self._now, people, reference)
        self._store.committed = self._committed

    @property
    def uow(self) -> UnitOfWorkFactory:
        return self._store

    def set_time(self, now: datetime) -> None:
        self._now = now

    def acting(self, name: str) -> None:
        self._actor = name

    def _committed(self, before: Tables, after: Tables) -> None:
        for row in after.opportunities.values():
            old = before.opportunities.get(row.tracked.id)
            if old is None or old is row:
                continue
            self._watch_lease(old, row)
            moved = (old.tracked.state, row.tracked.state, old.tracked.version, row.tracked.version)
            if moved[0] is not moved[1] or moved[2] != moved[3]:
                self._moves.append(Move(row.tracked.id, *moved))
        for key, effect in after.effects.items():
            if before.effects.get(key) is not effect:
                row = before.opportunities[effect.opportunity_id]
                if row.lease_holder != self._actor or row.lease_until is None or row.lease_until <= self._now:
                    self._breaches.append(f"{self._actor} wrote the effect {key[1]} without the lease")

    def _watch_lease(self, old: Row, new: Row) -> None:
        if not self._actor.startswith("worker") or old.lease_holder == self._actor:
            return
        free = old.lease_until is None or old.lease_until < self._now
        if not (free and new.lease_token == old.lease_token + 1 and new.lease_holder == self._actor):
            self._breaches.append(f"{self._actor} wrote {old.tracked.id}, which {old.lease_holder} works")

    def relay(self, send: Send) -> int:
        rows = list(self._store.tables.outbox.values())
        self._store.tables.outbox.clear()
        for opportunity_id, stage in rows:
            send(opportunity_id, stage)
        return len(rows)

    def sweep(self, send: Send) -> int:
        due = [row for row in self.rows() if self._is_due(row)]
        for row in due:
            send(row.tracked.id, stage_for(row.tracked.state).name)
            swept = {"emit_at": self._now + EMIT_AGAIN}
            self._store.tables.opportunities[row.tracked.id] = Row(**{**vars(row), **swept})
        return len(due)

    def _is_due(self, row: Row) -> bool:
        free = row.lease_until is None or row.lease_until < self._now
        return free and row.due_at is not None and row.due_at <= self._now and row.emit_at <= self._now

    def rows(self) -> Sequence[Row]:
        return list(self._store.tables.opportunities.values())

    def tasks(self, opportunity_id: UUID) -> Sequence[ApprovalTask]:
        tasks = self._store.tables.tasks.values()
        return [task for task in tasks if task.opportunity_id == opportunity_id]

    def items(self) -> Sequence[ExceptionItem]:
        return list(self._store.tables.items.values())

    def effects(self, opportunity_id: UUID) -> Sequence[LedgerRow]:
        effects = self._store.tables.effects.values()
        return [effect.row for effect in effects if effect.opportunity_id == opportunity_id]

    def plan(self, opportunity_id: UUID, plan_hash: str) -> Plan:
        return self._store.tables.plans[opportunity_id, plan_hash]

    def waiting_messages(self) -> set[UUID]:
        return {opportunity_id for opportunity_id, _ in self._store.tables.outbox.values()}

    def delivered(self) -> set[str]:
        return {delivery.delivery_id for delivery in self._store.tables.deliveries.values()}

    def moves(self) -> Sequence[Move]:
        return self._moves

    def audited_moves(self) -> Sequence[tuple[UUID, str, str]]:
        return [told for event in self._store.tables.audit if (told := audited_move(event))]

    def breaches(self) -> Sequence[str]:
        return self._breaches


# The events that report a move from one state to another.
TELL_MOVES = (StateChanged, Replayed, CompensationBegun)


def audited_move(event: Event) -> tuple[UUID, str, str] | None:
    if not isinstance(event, TELL_MOVES) or event.opportunity_id is None:
        return None
    before, after = event.before["state"], event.after["state"]
    return (event.opportunity_id, before, after) if before != after else None
