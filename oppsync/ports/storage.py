"""Storage. One unit of work is one transaction; leaving the `with` block without `commit()` rolls back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from oppsync.domain.approvals import ApprovalRole, ApprovalTask, Person, PersonRole, RuleUse, TaskStatus
from oppsync.domain.baseline import Baseline
from oppsync.domain.connections import Connection, ConnectionRole
from oppsync.domain.effects import Effect, Landed, LedgerRow
from oppsync.domain.events import Event
from oppsync.domain.exceptions import ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.intake import Delivery, StoredDelivery
from oppsync.domain.opportunity import OpportunityRef
from oppsync.domain.overrides import NewOverride, PlanOverride
from oppsync.domain.plan import Plan
from oppsync.domain.polling import Watermark
from oppsync.domain.reference import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.replays import Selection
from oppsync.domain.states import State
from oppsync.domain.tracked import Lease, TrackedOpportunity


@dataclass(frozen=True)
class Due:
    """When the next stage is due: after a while (zero: now), or only when somebody acts (`after` None).

    `keep_lease`: the same worker goes straight on. `sent`: an outbox row brings the message, so the sweeper
    waits.
    """

    after: timedelta | None
    keep_lease: bool = False
    sent: bool = False


STRAIGHT_ON = Due(timedelta(0), keep_lease=True)
HANDED_ON = Due(timedelta(0), sent=True)
ON_ACTION = Due(None)


class Opportunities(Protocol):
    def receive(
        self, tenant_id: str, connection_id: str, ref: OpportunityRef, traceparent: str
    ) -> tuple[UUID, bool]:
        """Insert the opportunity in `received`, due now; a known one gets a re-read requested instead.
        Returns its id and whether it is new."""

    def known_until(
        self, tenant_id: str, connection_id: str, source_ids: Collection[str]
    ) -> Mapping[str, datetime | None]:
        """Of those that are here: the CRM's time of the latest change that we were told of, or read."""

    def get(self, tenant_id: str, opportunity_id: UUID) -> TrackedOpportunity:
        """Raises NotFound."""

    def matching(self, tenant_id: str, selection: Selection, states: Collection[State]) -> Sequence[UUID]:
        """Ids of a selection, oldest first, one more than its limit when there are more. `states`, where given,
        are those of its stage: a deal is in one of them, or parked with one of them to resume."""

    def knows_customer(self, tenant_id: str, code: str) -> bool:
        """Whether a deal of this customer (its code in the ERP) ever became active."""

    def count_at_work(self, tenant_id: str) -> int:
        """How many are due, now or after a pause: they wait for nobody."""

    def without_projects(self, tenant_id: str) -> Sequence[UUID]:
        """Ids of deals that are not being created and of whose parent project the ledger knows nothing, oldest
        first."""

    def lock(self, tenant_id: str, opportunity_id: UUID) -> TrackedOpportunity:
        """`get`, locked until the transaction ends."""

    def take_lease(self, opportunity_id: UUID, holder: str) -> tuple[TrackedOpportunity, Lease] | None:
        """None while another holds it, or when nothing is due. Counts a crash when the last lease ran out."""

    def renew_lease(self, lease: Lease) -> bool:
        """False when the lease was lost."""

    def change(self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due) -> None:
        """Record a change a person made (decision, replay) on a row locked in this transaction."""


class Watermarks(Protocol):
    """One for each CRM connection, with its due time and its lease by the database's clock. Each writing call
    is fenced by the lease's token: False, and nothing written, when another holds it by now."""

    def take(self, holder: str) -> Watermark | None:
        """Lease the one that is due first; None when none is due."""

    def count(self, watermark: Watermark, deals: int, changes: int, latest: timedelta) -> bool:
        """What a poll brought: deals nobody told of, changes of known ones, how late the latest came."""

    def move(self, watermark: Watermark, after: timedelta) -> bool:
        """To where `watermark` says; due again after a while, the lease given back."""

    def due_now(self, tenant_id: str, connection_id: str) -> None:
        """Whatever failed so far is forgotten."""

    def postpone(self, watermark: Watermark, after: timedelta, error: str | None) -> bool:
        """Stays where it is, due again after a while, the lease given back. With an `error` it did not work."""


class Deliveries(Protocol):
    def add(self, delivery: Delivery) -> tuple[UUID, bool]:
        """Insert, or find the one with the same connection and delivery id. Returns id and whether new."""

    def link(self, tenant_id: str, delivery_id: UUID, opportunity_id: UUID) -> None: ...

    def get(self, tenant_id: str, delivery_id: UUID) -> StoredDelivery:
        """Raises NotFound."""

    def matching(self, tenant_id: str, selection: Selection) -> Sequence[UUID]:
        """Ids of a selection, oldest first, one more than its limit when there are more."""


class Plans(Protocol):
    def add(self, tenant_id: str, opportunity_id: UUID, plan: Plan) -> int:
        """Store unless one of the same hash is there. Returns its number, counted from 1."""

    def get(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Plan:
        """Raises NotFound."""


class PlanOverrides(Protocol):
    """Append only: what was said stays, the last word counts (`domain.overrides.latest`)."""

    def add(self, tenant_id: str, opportunity_id: UUID, person: Person, new: NewOverride) -> PlanOverride: ...

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        """All of an opportunity, oldest first, those taken back too."""

    def of_record(self, tenant_id: str, connection_id: str, source_id: str) -> Sequence[PlanOverride]:
        """All of the opportunity that a CRM's record is here; none of a record that is not known."""


class Baselines(Protocol):
    def freeze(self, tenant_id: str, opportunity_id: UUID, baseline: Baseline) -> None:
        """Store it, unless this opportunity has one: that one stays as it is."""


class Approvals(Protocol):
    def open(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        plan_hash: str,
        role: ApprovalRole,
        candidates: Iterable[UUID],
    ) -> ApprovalTask:
        """Open a task, or return the one that exists for this opportunity, plan and role."""

    def approve_by_rule(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, role: ApprovalRole, rule: RuleUse
    ) -> None:
        """Add an approved task, or approve the open one of this opportunity, plan and role."""

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ApprovalTask]:
        """All of an opportunity, oldest first, void ones too."""

    def get(self, tenant_id: str, task_id: UUID) -> ApprovalTask:
        """Raises NotFound."""

    def decide(
        self, tenant_id: str, task: ApprovalTask, status: TaskStatus, by: UUID, comment: str
    ) -> ApprovalTask: ...

    def void(self, tenant_id: str, opportunity_id: UUID, keep_hash: str | None) -> int:
        """Void all tasks that are not of plan `keep_hash`, decided ones too. Returns how many."""

    def void_open(self, tenant_id: str, opportunity_id: UUID) -> int:
        """Void the tasks that nobody decided yet. Returns how many."""


class Ledger(Protocol):
    """Each writing call is fenced: it, or at the latest the commit, raises LeaseLost when the lease is not held
    any more."""

    def get(self, tenant_id: str, key: str) -> LedgerRow | None: ...

    def intend(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, traceparent: str) -> None:
        """Put it on record, with the digest of its request, as not sent."""

    def mark_sent(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, traceparent: str) -> None:
        """Put it on record as sent now, once more."""

    def confirm(self, tenant_id: str, key: str, landed: Landed, lease: Lease) -> None: ...

    def unsent(self, tenant_id: str, key: str, error: str, lease: Lease) -> None:
        """Certainly not carried out: back to intended."""

    def reject(self, tenant_id: str, key: str, error: str, lease: Lease) -> None: ...

    def unknown(self, tenant_id: str, key: str, error: str, lease: Lease) -> None: ...

    def cancelled(self, tenant_id: str, key: str, lease: Lease) -> None:
        """What was confirmed is closed outside: it no longer counts as there."""

    def waits_until(self, tenant_id: str, key: str, quarantine: timedelta) -> datetime | None:
        """End of the quarantine by the database's clock; None when it is over."""

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]: ...


class Exceptions(Protocol):
    def raise_item(self, new: NewException) -> UUID:
        """Open an item, or count an occurrence on the open one of the same code and opportunity, delivery or
        poll."""

    def stands(self, tenant_id: str, opportunity_id: UUID, code: str) -> bool:
        """Whether an item of this code is open, or was dismissed by a person: replayed ones do not count."""

    def get(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        """Locked until the transaction ends. Raises NotFound."""

    def close(self, tenant_id: str, item_id: UUID, status: ExceptionStatus, by: str, reason: str) -> None: ...

    def close_for(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        by: str,
        reason: str,
        status: ExceptionStatus = ExceptionStatus.REPLAYED,
    ) -> int:
        """Mark the open items of an opportunity replayed, or as `status` says. Returns how many."""

    def close_for_poll(self, tenant_id: str, connection_id: str, by: str, reason: str) -> int:
        """Mark the open item of a connection's poll replayed. Returns how many."""

    def close_for_delivery(self, tenant_id: str, delivery_id: UUID, by: str, reason: str) -> int:
        """Mark the open items of a delivery replayed. Returns how many."""


class Audit(Protocol):
    def append(self, tenant_id: str, event: Event, traceparent: str) -> None: ...


class Outbox(Protocol):
    def add(self, tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> None: ...


class People(Protocol):
    def get(self, tenant_id: str, person_id: UUID) -> Person:
        """Raises NotFound."""

    def with_role(self, tenant_id: str, role: PersonRole) -> Sequence[Person]:
        """Active people who have the role, by name."""

    def add(self, tenant_id: str, person: Person, password_hash: str) -> None:
        """Raises Conflict when the e-mail is taken."""

    def by_email(self, tenant_id: str, email: str) -> tuple[Person, str] | None:
        """An active person and the password hash."""


class Credentials(Protocol):
    """Sessions of people and API tokens; only hashes of the secrets are stored."""

    def add_session(self, tenant_id: str, person_id: UUID, secret_hash: str, ttl: timedelta) -> None: ...

    def session_person(self, secret_hash: str) -> tuple[str, Person] | None:
        """Tenant and person of a session that has not expired; None for people no longer active."""

    def end_session(self, secret_hash: str) -> None: ...

    def add_token(self, tenant_id: str, name: str, secret_hash: str, person_id: UUID) -> None:
        """Raises Conflict when the name is taken."""

    def token_person(self, secret_hash: str) -> tuple[str, Person] | None: ...


class References(Protocol):
    def book(self, tenant_id: str) -> ReferenceBook:
        """Raises NewerRelease for a kind of row that this release does not know."""

    def of_kind(self, tenant_id: str, kind: ReferenceKind) -> Sequence[ReferenceRow]:
        """All rows of one kind, by key and first day."""

    def put(self, tenant_id: str, row: ReferenceRow) -> None:
        """Insert or replace the row of this kind, key and first day.
        Raises InvalidInput when it would overlap another."""


class Connections(Protocol):
    def get(self, connection_id: str) -> Connection:
        """By its opaque, globally unique id. Raises NotFound."""

    def of_role(self, tenant_id: str, role: ConnectionRole) -> Connection | None: ...

    def of_tenant(self, tenant_id: str) -> Sequence[Connection]:
        """All of them, by id."""

    def secrets(self, connection_id: str) -> Mapping[str, Any]:
        """Decrypted; never logged, never shown."""

    def put(self, connection: Connection, secrets: Mapping[str, Any]) -> None:
        """Insert or replace, the secrets encrypted."""


class UnitOfWork(Protocol):
    opportunities: Opportunities
    watermarks: Watermarks
    deliveries: Deliveries
    plans: Plans
    overrides: PlanOverrides
    baselines: Baselines
    approvals: Approvals
    ledger: Ledger
    exceptions: Exceptions
    audit: Audit
    outbox: Outbox
    people: People
    credentials: Credentials
    references: References
    connections: Connections

    def commit(self) -> None: ...

    def commit_outcome(
        self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due, lease: Lease
    ) -> int | None:
        """Record an outcome made under a lease, with all that was written so far. Returns how many re-reads
        were asked for by now; None, and nothing committed, when token or version moved on. Either way this
        unit of work is over."""


class UnitOfWorkFactory(Protocol):
    def __call__(self) -> AbstractContextManager[UnitOfWork]: ...

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """For reads alone, with no transaction around them: each sees what is committed when it runs."""


class Publish(Protocol):
    def __call__(self, uow: UnitOfWork, tenant_id: str, traceparent: str, *events: Event) -> None:
        """Tell the subscribers, inside the caller's transaction."""
