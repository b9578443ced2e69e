"""One transaction with all its repositories. Leaving the block without `commit()` rolls back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.fernet import MultiFernet
from sqlalchemy import Connection, Engine

from adapters.postgres.engine import each_by_itself, store_errors
from adapters.postgres.notices import Notices
from adapters.postgres.repositories.absences import PostgresAbsences
from adapters.postgres.repositories.access_proposals import PostgresAccessProposals
from adapters.postgres.repositories.approvals import PostgresApprovals
from adapters.postgres.repositories.attempts import PostgresAttempts
from adapters.postgres.repositories.audit import PostgresAudit
from adapters.postgres.repositories.baselines import PostgresBaselines
from adapters.postgres.repositories.configurations import PostgresConfigurations
from adapters.postgres.repositories.connections import PostgresConnections
from adapters.postgres.repositories.credentials import PostgresCredentials
from adapters.postgres.repositories.customer_claims import PostgresCustomerClaims
from adapters.postgres.repositories.dead_letters import PostgresDeadLetters
from adapters.postgres.repositories.deliveries import PostgresDeliveries
from adapters.postgres.repositories.exceptions import PostgresExceptions
from adapters.postgres.repositories.ledger import PostgresLedger
from adapters.postgres.repositories.mirror import PostgresMirror
from adapters.postgres.repositories.opportunities import PostgresOpportunities
from adapters.postgres.repositories.outbox import PostgresOutbox
from adapters.postgres.repositories.overrides import PostgresPlanOverrides
from adapters.postgres.repositories.parties import PostgresParties
from adapters.postgres.repositories.people import PostgresPeople
from adapters.postgres.repositories.plan_inputs import PostgresPlanInputs
from adapters.postgres.repositories.plans import PostgresPlans
from adapters.postgres.repositories.references import Books, PostgresReferences
from adapters.postgres.repositories.second_factors import PostgresSecondFactors
from adapters.postgres.repositories.tenants import PostgresTenants
from adapters.postgres.repositories.watermarks import PostgresWatermarks
from adapters.postgres.session import Session
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
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
from oppsync.ports.storage.mirror import Mirror
from oppsync.ports.storage.opportunities import Due, Opportunities, Parties
from oppsync.ports.storage.people import Credentials, People, SecondFactors
from oppsync.ports.storage.plans import Baselines, KeptInputs, PlanOverrides, Plans
from oppsync.ports.storage.reference import References
from oppsync.ports.storage.tenants import Tenants
from oppsync.ports.storage.unit_of_work import UnitOfWork


class PostgresUnitOfWork:
    def __init__(self, connection: Connection, keys: MultiFernet, books: Books, notices: Notices) -> None:
        self._session = session = Session(connection)
        self._outcomes = PostgresOpportunities(session)
        self.opportunities: Opportunities = self._outcomes
        self.parties: Parties = PostgresParties(session)
        self.watermarks: Watermarks = PostgresWatermarks(session)
        self.mirror: Mirror = PostgresMirror(session)
        self.deliveries: Deliveries = PostgresDeliveries(session, notices)
        self.plans: Plans = PostgresPlans(session)
        self.plan_inputs: KeptInputs = PostgresPlanInputs(session)
        self.overrides: PlanOverrides = PostgresPlanOverrides(session)
        self.baselines: Baselines = PostgresBaselines(session)
        self.approvals: Approvals = PostgresApprovals(session)
        self.ledger: Ledger = PostgresLedger(session)
        self.customer_claims: CustomerClaims = PostgresCustomerClaims(session)
        self.exceptions: Exceptions = PostgresExceptions(session)
        self.audit: Audit = PostgresAudit(session)
        self.outbox: Outbox = PostgresOutbox(session, notices)
        self.dead_letters: DeadLetters = PostgresDeadLetters(session)
        self.people: People = PostgresPeople(session)
        self.attempts: Attempts = PostgresAttempts(session)
        self.credentials: Credentials = PostgresCredentials(session)
        self.second_factors: SecondFactors = PostgresSecondFactors(session, keys)
        self.references: References = PostgresReferences(session, books)
        self.configurations: Configurations = PostgresConfigurations(session)
        self.connections: Connections = PostgresConnections(session, keys)
        self.tenants: Tenants = PostgresTenants(session)
        self.access_proposals: AccessProposals = PostgresAccessProposals(session)
        self.absences: AbsenceStore = PostgresAbsences(session)

    def commit(self) -> None:
        self._session.commit()

    def commit_outcome(
        self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due, lease: Lease
    ) -> int | None:
        return self._outcomes.commit_outcome(before, after, due, lease)


class PostgresUnits:
    """Makes units of work; each has a connection of its own, so any thread may use them."""

    def __init__(self, engine: Engine, keys: MultiFernet) -> None:
        self._engine = engine
        self._reading = each_by_itself(engine)
        self._keys = keys
        self._books: Books = {}
        self._notices = Notices()

    @contextmanager
    def __call__(self) -> Iterator[UnitOfWork]:
        with store_errors(), self._engine.connect() as connection:
            yield PostgresUnitOfWork(connection, self._keys, self._books, self._notices)

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        with store_errors(), self._reading.connect() as connection:
            yield PostgresUnitOfWork(connection, self._keys, self._books, self._notices)
