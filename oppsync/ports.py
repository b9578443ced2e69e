"""What the core needs of the world, by role. Adapters implement these; `adapters.bootstrap` picks them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from oppsync.domain.approvals import ApprovalRole, ApprovalTask, Person, PersonRole, RuleUse, TaskStatus
from oppsync.domain.backfill import WonDeal
from oppsync.domain.baseline import Baseline
from oppsync.domain.calls import VendorCall
from oppsync.domain.connections import Connection, ConnectionRole
from oppsync.domain.customers import Candidate
from oppsync.domain.effects import Effect, Landed, LedgerRow
from oppsync.domain.events import Event
from oppsync.domain.exceptions import ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.intake import Delivery, StoredDelivery
from oppsync.domain.opportunity import Opportunity, OpportunityRef
from oppsync.domain.orders import (
    CustomerOrder,
    LineOrder,
    Message,
    NodeOrder,
    PsaOrder,
    StaffingOrder,
    WriteBack,
)
from oppsync.domain.overrides import NewOverride, PlanOverride
from oppsync.domain.plan import LineKind, Plan
from oppsync.domain.polling import ChangePage, Watermark
from oppsync.domain.readings import (
    ApprovalDetail,
    ApprovalSummary,
    DeliveryStatus,
    OpenCounts,
    OpportunityDetail,
    OpportunitySummary,
    Page,
    PlanReading,
    PollStatus,
    TimelineEntry,
)
from oppsync.domain.reference import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.replays import Selection
from oppsync.domain.states import State
from oppsync.domain.tracked import Lease, TrackedOpportunity


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""


# Outside systems. Every call may raise TransientError or BusinessError as `oppsync.errors` says; a write
# whose outcome nobody knows raises AmbiguousAnswer.


class Crm(Protocol):
    """`quarantine`: client time-out plus the vendor's worst late commit plus its search lag. `poll_every`: the
    pause between two polls, `poll_overlap`: how long a change may take to become visible."""

    quarantine: timedelta
    poll_every: timedelta
    poll_overlap: timedelta

    def read_notification(self, body: bytes) -> Sequence[OpportunityRef]:
        """Pure. Raises UnreadableDelivery, which says what is wrong and where."""

    def read_opportunity(self, source_id: str) -> Opportunity:
        """The record as it is now. Raises RecordGone; UnreadableDelivery when it does not fit the shape."""

    def changed_opportunities(self, since: datetime, after_id: str | None) -> ChangePage:
        """One page of those that changed at `since` (the CRM's clock) or later, won or not; of those of that
        moment, where `after_id` is given, only ones with a later id. What changes meanwhile comes later."""

    def won_opportunities(self, since: date, until: date | None) -> Sequence[WonDeal]:
        """Those that are won, from the day `since` on, before the day `until`; by that day."""

    def find_write_back(self, source_id: str, wanted: WriteBack) -> Landed | None:
        """The write-back fields as they stand; None while they are empty."""

    def write_back(self, source_id: str, wanted: WriteBack) -> Landed: ...


class ProjectSystem(Protocol):
    """The ERP. `line_kinds` are the billing line kinds it lands."""

    quarantine: timedelta
    line_kinds: frozenset[LineKind]

    def has_customer(self, code: str) -> bool: ...

    def find_customers(self, name: str, tax_id: str | None) -> Sequence[Candidate]:
        """Those of this name, whatever its capital letters, or with this tax id."""

    def find_customer(self, order: CustomerOrder) -> Landed | None:
        """By its code alone: what else a customer of that code is, is not ours to say."""

    def create_customer(self, order: CustomerOrder) -> Landed: ...

    def missing_for(self, erp_company: str) -> Sequence[str]:
        """What this company lacks before it can invoice, in words; empty when it is ready."""

    def has_payment_terms(self, code: str) -> bool: ...

    def books_open_until(self, erp_company: str) -> date | None:
        """The last day of this company's open fiscal years; None when it has none."""

    def has_node(self, key: str) -> bool:
        """Whether a project or task is there under exactly this key, whatever it holds."""

    def find_node(self, order: NodeOrder) -> Landed | None:
        """Look up by `order.key`, exactly; `Landed.differences` compares it with the order field by field."""

    def create_node(self, order: NodeOrder) -> Landed: ...

    def find_line(self, order: LineOrder) -> Landed | None: ...

    def create_line(self, order: LineOrder) -> Landed: ...

    def cancel_node(self, order: NodeOrder, outside_id: str) -> Landed:
        """Close a project or task whose children are closed; `find_node` says `closed` from then on, and names
        that as a difference. Harmless to repeat. Raises VendorRejected when its state does not allow it."""

    def cancel_line(self, order: LineOrder, outside_id: str) -> Landed:
        """Close a billing line so that it is never invoiced; as `cancel_node`."""


class Psa(Protocol):
    quarantine: timedelta

    def find_project(self, order: PsaOrder) -> Landed | None: ...

    def create_project(self, order: PsaOrder) -> Landed: ...

    def find_archived(self, key: str) -> Landed | None:
        """The project under our key, `closed` when it is archived; None when there is none."""

    def archive_project(self, outside_id: str) -> Landed: ...

    def find_staffing(self, order: StaffingOrder) -> Landed | None:
        """The request under our key, whole; None while any of it is missing."""

    def request_staffing(self, order: StaffingOrder) -> Landed:
        """Make what is missing of it. Raises Misconfigured for a role that the PSA's settings do not know."""

    def cancel_staffing(self, order: StaffingOrder, outside_id: str) -> Landed:
        """Nobody is asked for any more, and `find_staffing` finds nothing. Harmless to repeat."""

    def find_write_back(self, outside_id: str, wanted: WriteBack) -> Landed | None: ...

    def write_back(self, outside_id: str, wanted: WriteBack) -> Landed: ...


class Notifier(Protocol):
    def send(self, message: Message) -> None:
        """Raises TransientError when it could not be handed over."""


class Reporter(Protocol):
    """Logs, and tells whoever watches. Never raises."""

    def dead_letter(self, opportunity_id: UUID, code: str, message: str, error: Exception | None) -> None:
        """Logged with the traceback of a bug."""

    def lease_lost(self, opportunity_id: UUID, token: int) -> None:
        """This worker was late: another one holds the opportunity, nothing of ours was recorded."""


class Systems(Protocol):
    """The adapters of one tenant's connections. Raises NotFound for a connection that does not exist."""

    notifier: Notifier

    def crm(self, connection_id: str) -> Crm: ...

    def projects(self, tenant_id: str) -> tuple[str, ProjectSystem]:
        """The tenant's ERP: connection id and adapter."""

    def psa(self, tenant_id: str) -> tuple[str, Psa] | None:
        """The tenant's PSA; None when it has none."""


# Identity.


class PasswordHasher(Protocol):
    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str, password: str) -> bool: ...


# Storage. One unit of work is one transaction; leaving the `with` block without `commit()` rolls back.


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

    def save(self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due, lease: Lease) -> int | None:
        """Record an outcome made under a lease. Returns how many re-reads were asked for by now; None, and
        nothing written, when token or version moved on."""

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
    """Each writing call is fenced: it raises LeaseLost when the lease is no longer held."""

    def get(self, tenant_id: str, key: str) -> LedgerRow | None: ...

    def intend(self, tenant_id: str, effect: Effect, digest: str, lease: Lease, traceparent: str) -> None: ...

    def mark_sent(self, tenant_id: str, key: str, lease: Lease) -> None: ...

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


class UnitOfWorkFactory(Protocol):
    def __call__(self) -> AbstractContextManager[UnitOfWork]: ...

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """For reads alone, with no transaction around them: each sees what is committed when it runs."""


class Publish(Protocol):
    def __call__(self, uow: UnitOfWork, tenant_id: str, traceparent: str, *events: Event) -> None:
        """Tell the subscribers, inside the caller's transaction."""


class Queries(Protocol):
    """The read side. Lists are newest first unless said otherwise; `after` is a page's `next_cursor`."""

    def opportunities(
        self,
        tenant_id: str,
        *,
        state: State | None = None,
        text: str | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[OpportunitySummary]:
        """`text` matches name, account or source id. Raises InvalidInput for a cursor that is not ours."""

    def opportunity(self, tenant_id: str, opportunity_id: UUID) -> OpportunityDetail:
        """Raises NotFound."""

    def timeline(self, tenant_id: str, opportunity_id: UUID) -> Sequence[TimelineEntry]:
        """Oldest first."""

    def plan(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None = None) -> PlanReading:
        """The current plan, or the one of this hash. Raises NotFound."""

    def effects(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]: ...

    def vendor_calls(self, tenant_id: str, opportunity_id: UUID) -> Sequence[VendorCall]:
        """The latest two hundred, oldest first."""

    def approvals(
        self,
        tenant_id: str,
        *,
        person: Person | None = None,
        status: TaskStatus | None = None,
        opportunity_id: UUID | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[ApprovalSummary]:
        """With `person`: tasks of the roles that person has, without deals that person owns. Oldest first."""

    def approval(self, tenant_id: str, task_id: UUID) -> ApprovalDetail:
        """Raises NotFound."""

    def baseline(self, tenant_id: str, opportunity_id: UUID) -> Baseline:
        """Raises NotFound; also for a deal that was never active."""

    def overrides(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        """What people said of this deal's plan, oldest first."""

    def exceptions(
        self,
        tenant_id: str,
        *,
        status: ExceptionStatus | None = ExceptionStatus.OPEN,
        code: str | None = None,
        opportunity_id: UUID | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[ExceptionItem]: ...

    def exception(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        """Raises NotFound."""

    def delivery(self, tenant_id: str, event_id: UUID) -> DeliveryStatus:
        """Raises NotFound."""

    def polls(self, tenant_id: str) -> Sequence[PollStatus]:
        """Of each CRM connection that was polled, by id."""

    def counts(self, tenant_id: str, person: Person) -> OpenCounts: ...
