"""The outside: other systems, the clock, who is told of trouble.

Every call to another system may raise TransientError or BusinessError as `oppsync.errors` says; a write whose
outcome nobody knows raises AmbiguousAnswer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from oppsync.domain.backfill import WonDeal
from oppsync.domain.customers import Candidate
from oppsync.domain.effects import Landed
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
from oppsync.domain.plan import LineKind
from oppsync.domain.polling import ChangePage


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""


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

    def nodes_there(self, keys: Sequence[str]) -> Collection[str]:
        """Those of these keys under which a project or task is there, whatever it holds."""

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


class PasswordHasher(Protocol):
    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str, password: str) -> bool: ...
