"""One unit of work is one transaction; leaving the `with` block without `commit()` rolls back."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from oppsync.domain.work.events import Event
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.kernel.bus import MessageBus
from oppsync.ports.storage.absences import AbsenceStore
from oppsync.ports.storage.access_proposals import AccessProposals
from oppsync.ports.storage.approvals import Approvals
from oppsync.ports.storage.attempts import Attempts
from oppsync.ports.storage.configuration import Configurations
from oppsync.ports.storage.connections import Connections
from oppsync.ports.storage.customer_claims import CustomerClaims
from oppsync.ports.storage.exceptions import Exceptions
from oppsync.ports.storage.intake import Deliveries, Watermarks
from oppsync.ports.storage.ledger import Ledger
from oppsync.ports.storage.messages import Audit, DeadLetters, Outbox
from oppsync.ports.storage.opportunities import Due, Opportunities, Parties
from oppsync.ports.storage.people import Credentials, People, SecondFactors
from oppsync.ports.storage.plans import Baselines, PlanOverrides, Plans
from oppsync.ports.storage.reference import References
from oppsync.ports.storage.tenants import Tenants


class UnitOfWork(Protocol):
    opportunities: Opportunities
    parties: Parties
    watermarks: Watermarks
    deliveries: Deliveries
    plans: Plans
    overrides: PlanOverrides
    baselines: Baselines
    approvals: Approvals
    ledger: Ledger
    customer_claims: CustomerClaims
    exceptions: Exceptions
    audit: Audit
    outbox: Outbox
    dead_letters: DeadLetters
    people: People
    credentials: Credentials
    second_factors: SecondFactors
    attempts: Attempts
    references: References
    configurations: Configurations
    connections: Connections
    tenants: Tenants
    access_proposals: AccessProposals
    absences: AbsenceStore

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
        """For reads, with no transaction around them: each sees what is committed when it runs, and what one
        notes beside (that a session is used) is committed with it."""


class Publish(Protocol):
    def __call__(self, uow: UnitOfWork, tenant_id: str, traceparent: str, *events: Event) -> None:
        """Call the subscribers, inside the caller's transaction."""


Bus = MessageBus[UnitOfWork, Event]
