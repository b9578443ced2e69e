"""The storage ports in memory: each transaction works on a copy, swapped in on commit; tests move the clock.

It implements the contract in `oppsync.ports.storage`, not the SQL: where memory and Postgres disagree, one of
them is wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from oppsync.domain.approval.absences import NO_ABSENCES, Absences
from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.deal.parties import Party
from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.plan.plan import Plan
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import Event
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.intake import StoredDelivery
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import LeaseLost, NotFound
from oppsync.ports.storage.approvals import DecidingFacts
from oppsync.ports.storage.ledger import AsRead
from oppsync.ports.storage.opportunities import Due
from oppsync.ports.storage.unit_of_work import UnitOfWork
from tests.stateful.memory_work import (
    MemoryApprovals,
    MemoryAudit,
    MemoryBaselines,
    MemoryDeliveries,
    MemoryExceptions,
    MemoryOutbox,
    MemoryPlanInputs,
    MemoryPlanOverrides,
    MemoryPlans,
    OutboxRow,
)

LEASE = timedelta(seconds=10)
EMIT_AGAIN = timedelta(seconds=10)
Now = Callable[[], datetime]


@dataclass(frozen=True)
class Row:
    """An opportunity with its lease and its times."""

    tracked: TrackedOpportunity
    emit_at: datetime
    due_at: datetime | None
    lease_token: int = 0
    lease_until: datetime | None = None
    lease_holder: str | None = None


@dataclass(frozen=True)
class EffectRow:
    tenant_id: str
    opportunity_id: UUID
    row: LedgerRow


@dataclass
class Tables:
    """Everything that is stored. Values are never changed in place, so a shallow copy is a snapshot."""

    opportunities: dict[UUID, Row] = field(default_factory=dict)
    deliveries: dict[UUID, StoredDelivery] = field(default_factory=dict)
    plans: dict[tuple[UUID, str], Plan] = field(default_factory=dict)
    baselines: dict[UUID, Baseline] = field(default_factory=dict)
    plan_inputs: dict[tuple[UUID, str], PlanInputs] = field(default_factory=dict)
    tasks: dict[UUID, ApprovalTask] = field(default_factory=dict)
    effects: dict[tuple[str, str], EffectRow] = field(default_factory=dict)
    items: dict[UUID, ExceptionItem] = field(default_factory=dict)
    audit: list[Event] = field(default_factory=list)
    # How long the audit trail was when an item was closed.
    closed_after: dict[UUID, int] = field(default_factory=dict)
    outbox: dict[int, OutboxRow] = field(default_factory=dict)
    parties: dict[UUID, tuple[Party, ...]] = field(default_factory=dict)

    def snapshot(self) -> Tables:
        return Tables(**{table.name: getattr(self, table.name).copy() for table in fields(self)})


class MemoryStore:
    """Implements `UnitOfWorkFactory`. `committed` is called with the tables before and after each commit."""

    def __init__(self, now: Now, people: Sequence[Person], reference: Sequence[ReferenceRow]) -> None:
        self.now = now
        self.tables = Tables()
        self.people = MemoryPeople(people)
        self.references = MemoryReferences(reference, now)
        self.committed: Callable[[Tables, Tables], None] = lambda before, after: None
        self._numbers = itertools.count(1)

    def new_id(self) -> UUID:
        """Ids grow, as UUIDv7 do."""
        return UUID(int=next(self._numbers))

    @contextmanager
    def __call__(self) -> Iterator[UnitOfWork]:
        yield cast(UnitOfWork, MemoryUnitOfWork(self))

    reading = __call__


class MemoryUnitOfWork:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._begun_on = store.tables
        self._tables = tables = store.tables.snapshot()
        self.opportunities = MemoryOpportunities(tables, store.now, store.new_id)
        self.ledger = MemoryLedger(tables, store.now)
        self.outbox = MemoryOutbox(tables)
        self.deliveries = MemoryDeliveries(tables, store.now, store.new_id, self.opportunities, self.outbox)
        self.plans = MemoryPlans(tables)
        self.parties = MemoryParties(tables)
        self.overrides = MemoryPlanOverrides()
        self.baselines = MemoryBaselines(tables)
        self.plan_inputs = MemoryPlanInputs(tables)
        self.approvals = MemoryApprovals(tables, store.now, store.new_id, self._deciding)
        self.exceptions = MemoryExceptions(tables, store.now, store.new_id)
        self.audit = MemoryAudit(tables)
        self.people = store.people
        self.references = store.references
        self.configurations = MemoryConfigurations()
        self.absences = MemoryAbsences()

    def _deciding(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None) -> DecidingFacts:
        """Nobody is kept as barred: nobody's part in a deal is corrected in these histories."""
        return DecidingFacts(
            people=self.people.everyone(tenant_id),
            absences=self.absences.all(tenant_id),
            parties=self.parties.of(tenant_id, opportunity_id),
            overrides=self.overrides.of(tenant_id, opportunity_id),
            tasks=self.approvals.of(tenant_id, opportunity_id),
            shapers=self.audit.shapers(tenant_id, opportunity_id),
            kept={},
        )

    def commit(self) -> None:
        """Transactions run one after the other: no other may have been committed meanwhile."""
        if self._store.tables is not self._begun_on:
            raise AssertionError("two transactions overlapped")
        before, self._store.tables = self._begun_on, self._tables
        self._begun_on, self._tables = self._tables, self._tables.snapshot()
        self._store.committed(before, self._store.tables)

    def commit_outcome(
        self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due, lease: Lease
    ) -> int | None:
        asked = self.opportunities.save(before, after, due, lease)
        if asked is not None:
            self.commit()
        return asked


class MemoryAbsences:
    """Nobody is out of office in these histories."""

    def all(self, tenant_id: str) -> Absences:
        return NO_ABSENCES


class MemoryOpportunities:
    def __init__(self, tables: Tables, now: Now, new_id: Callable[[], UUID]) -> None:
        self._rows = tables.opportunities
        self._now = now
        self._new_id = new_id

    def receive(
        self, tenant_id: str, connection_id: str, ref: OpportunityRef, traceparent: str
    ) -> tuple[UUID, bool]:
        emit_at = self._now() + EMIT_AGAIN
        known = self.find(tenant_id, connection_id, ref.id)
        if known is not None:
            row = self._rows[known]
            asked = changed(row.tracked, reread_requested=row.tracked.reread_requested + 1)
            due_at = (row.due_at if row.tracked.waits_for is None else None) or self._now()
            self._rows[known] = replace(row, tracked=asked, due_at=due_at, emit_at=emit_at)
            return known, False
        new = TrackedOpportunity(
            tenant_id=tenant_id,
            id=self._new_id(),
            connection_id=connection_id,
            source_id=ref.id,
            state=State.RECEIVED,
            received_at=self._now(),
            traceparent=traceparent,
        )
        self._rows[new.id] = Row(new, emit_at=emit_at, due_at=self._now())
        return new.id, True

    def find(self, tenant_id: str, connection_id: str, source_id: str) -> UUID | None:
        for row in self._rows.values():
            tracked = row.tracked
            if (tracked.tenant_id, tracked.connection_id, tracked.source_id) == (
                tenant_id,
                connection_id,
                source_id,
            ):
                return tracked.id
        return None

    def get(self, tenant_id: str, opportunity_id: UUID) -> TrackedOpportunity:
        row = self._rows.get(opportunity_id)
        if row is None or row.tracked.tenant_id != tenant_id:
            raise NotFound("There is no such opportunity.")
        return row.tracked

    lock = get

    def comparable(self, tenant_id: str, record: Opportunity, but: UUID | None) -> Sequence[OtherDeal]:
        ended = (State.REJECTED, State.REFUSED, State.WITHDRAWN, State.COMPENSATING)
        committed = (State.APPROVED, State.CREATED, State.ACTIVE)
        found = []
        for row in self._rows.values():
            deal = row.tracked
            if deal.id == but or deal.record is None or deal.stands_at in ended:
                continue
            if not deal.record.is_won and deal.stands_at not in committed:
                continue
            found.append(
                OtherDeal(
                    id=deal.id,
                    record=deal.record,
                    amount=(deal.approved_record or deal.record).amount,
                    customer=deal.customer.code if deal.customer else None,
                    is_committed=deal.stands_at in committed,
                )
            )
        return found

    def knows_customer(self, tenant_id: str, code: str) -> bool:
        active = [row.tracked for row in self._rows.values() if row.tracked.activated_at is not None]
        stated = {each.record.account.code for each in active if each.record and each.record.account}
        return code in stated | {each.customer.code for each in active if each.customer}

    def take_lease(self, opportunity_id: UUID, holder: str) -> tuple[TrackedOpportunity, Lease] | None:
        row, now = self._rows.get(opportunity_id), self._now()
        if row is None or row.due_at is None or row.due_at > now:
            return None
        if row.lease_until is not None and row.lease_until >= now:
            return None
        left_behind = row.lease_holder is not None and row.lease_holder != holder
        tracked = changed(row.tracked, crashes=row.tracked.crashes + left_behind)
        lease = Lease(opportunity_id=opportunity_id, token=row.lease_token + 1, until=now + LEASE)
        self._rows[opportunity_id] = replace(
            row, tracked=tracked, lease_token=lease.token, lease_until=lease.until, lease_holder=holder
        )
        return tracked, lease

    def renew_lease(self, lease: Lease) -> bool:
        row = held(self._rows, lease)
        if row is not None:
            self._rows[lease.opportunity_id] = replace(row, lease_until=self._now() + LEASE)
        return row is not None

    def save(self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due, lease: Lease) -> int | None:
        row = held(self._rows, lease)
        if row is None or row.tracked.version != before.version:
            return None
        asked = row.tracked.reread_requested
        saved = self._changed(row, before, changed(after, reread_requested=asked), due)
        self._rows[before.id] = (
            replace(saved, lease_until=self._now() + LEASE)
            if due.keep_lease
            else replace(saved, lease_until=None, lease_holder=None)
        )
        return asked

    def change(self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due) -> None:
        self._rows[before.id] = self._changed(self._rows[before.id], before, after, due)

    def _changed(self, row: Row, before: TrackedOpportunity, after: TrackedOpportunity, due: Due) -> Row:
        now = self._now()
        asked = row.tracked.reread_requested > before.reread_requested
        due_at = now if asked else None if due.after is None else now + due.after
        return replace(
            row,
            tracked=changed(after, version=row.tracked.version + 1),
            due_at=due_at,
            emit_at=now + (EMIT_AGAIN if due.sent else timedelta(0)),
        )


def held(rows: Mapping[UUID, Row], lease: Lease) -> Row | None:
    row = rows[lease.opportunity_id]
    return row if row.lease_token == lease.token and row.lease_holder is not None else None


class MemoryLedger:
    def __init__(self, tables: Tables, now: Now) -> None:
        self._rows = tables.effects
        self._opportunities = tables.opportunities
        self._now = now

    def get(self, tenant_id: str, key: str) -> LedgerRow | None:
        found = self._rows.get((tenant_id, key))
        return found.row if found else None

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]:
        return [
            effect.row
            for effect in self._rows.values()
            if (effect.tenant_id, effect.opportunity_id) == (tenant_id, opportunity_id)
        ]

    def intend(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, traceparent: str) -> None:
        self._record(tenant_id, effect, digest, lease, state=EffectState.INTENDED)

    def mark_sent(
        self,
        tenant_id: str,
        effect: Effect,
        digest: str,
        lease: Lease,
        traceparent: str,
        *,
        as_read: AsRead | None = None,
    ) -> None:
        deal = self._opportunities[lease.opportunity_id].tracked
        if as_read is not None and as_read != (deal.version, deal.reread_requested):
            raise LeaseLost("The deal is not as it was read.")
        known = self._rows.get((tenant_id, effect.key))
        attempts = known.row.attempts + 1 if known else 1
        sent: dict[str, Any] = {"state": EffectState.SENT, "sent_at": self._now(), "attempts": attempts}
        self._record(tenant_id, effect, digest, lease, error=None, **sent)

    def _record(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, **values: Any) -> None:
        self._fence(lease)
        known = self._rows.get((tenant_id, effect.key))
        row = (
            known.row
            if known
            else LedgerRow(
                key=effect.key,
                kind=effect.kind,
                path=effect.path,
                state=EffectState.INTENDED,
                request_digest=digest,
                attempts=0,
            )
        )
        again = changed(row, request_digest=digest, **values)
        self._rows[tenant_id, effect.key] = EffectRow(tenant_id, effect.opportunity_id, again)

    def confirm(self, tenant_id: str, key: str, external: ExternalRecord, lease: Lease) -> None:
        canonical_json.digest(external.response)
        self._set(
            tenant_id,
            key,
            lease,
            state=EffectState.CONFIRMED,
            confirmed_at=self._now(),
            outside_id=external.outside_id,
            number=external.number,
            url=external.url,
            error=None,
        )

    def unsent(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        attempts = max(self._rows[tenant_id, key].row.attempts - 1, 0)
        self._set(tenant_id, key, lease, state=EffectState.INTENDED, error=error, attempts=attempts)

    def reject(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._set(tenant_id, key, lease, state=EffectState.REJECTED, error=error)

    def unknown(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        self._set(tenant_id, key, lease, state=EffectState.UNKNOWN, error=error)

    def restore(self, tenant_id: str, row: LedgerRow, error: str, lease: Lease) -> None:
        before = {"state": row.state, "request_digest": row.request_digest}
        self._set(tenant_id, row.key, lease, error=error, **before)

    def cancelled(self, tenant_id: str, key: str, lease: Lease) -> None:
        self._set(tenant_id, key, lease, state=EffectState.CANCELLED)

    def waits_until(self, tenant_id: str, key: str, quarantine: timedelta) -> datetime | None:
        sent_at = self._rows[tenant_id, key].row.sent_at
        if sent_at is None or sent_at + quarantine <= self._now():
            return None
        return sent_at + quarantine

    def _set(self, tenant_id: str, key: str, lease: Lease, **values: Any) -> None:
        self._fence(lease)
        effect = self._rows[tenant_id, key]
        self._rows[tenant_id, key] = replace(effect, row=changed(effect.row, **values))

    def _fence(self, lease: Lease) -> None:
        row = held(self._opportunities, lease)
        if row is None or row.lease_until is None or row.lease_until <= self._now():
            raise LeaseLost("Another worker holds this opportunity.")


class MemoryParties:
    def __init__(self, tables: Tables) -> None:
        self._rows = tables.parties

    def keep(self, opportunity: TrackedOpportunity, parties: Iterable[Party]) -> None:
        kept = dict.fromkeys((*self._rows.get(opportunity.id, ()), *parties))
        self._rows[opportunity.id] = tuple(kept)

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[Party]:
        return self._rows.get(opportunity_id, ())

    def under_each_address(
        self, tenant_id: str, opportunity_id: UUID, named: Collection[Party]
    ) -> Sequence[Party]:
        return ()


class MemoryPeople:
    def __init__(self, people: Sequence[Person]) -> None:
        self._people = sorted(people, key=lambda person: person.name)

    def get(self, tenant_id: str, person_id: UUID) -> Person:
        return next(person for person in self._people if person.id == person_id)

    def everyone(self, tenant_id: str) -> Sequence[Person]:
        return self._people


class MemoryConfigurations:
    def number_of(self, tenant_id: str, fingerprint: str) -> int | None:
        return 1


class MemoryReferences:
    def __init__(self, rows: Sequence[ReferenceRow], now: Now) -> None:
        self._book = ReferenceBook(rows)
        self._rows = rows
        self._now = now

    def book(self, tenant_id: str) -> ReferenceBook:
        return self._book

    def of_kind(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        return [row for row in self._rows if row.kind is kind]

    def of_today(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        return [row for row in self.of_kind(tenant_id, kind) if row.covers(self._now().date())]
