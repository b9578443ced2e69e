"""One transaction with all its repositories. Leaving the block without `commit()` rolls back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.fernet import MultiFernet
from sqlalchemy import Connection, Engine

from adapters.postgres.engine import each_by_itself, store_errors
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.opportunities import PostgresOpportunities
from adapters.postgres.overrides import PostgresPlanOverrides
from adapters.postgres.people import (
    Books,
    PostgresConnections,
    PostgresCredentials,
    PostgresPeople,
    PostgresReferences,
)
from adapters.postgres.session import Session
from adapters.postgres.watermarks import PostgresWatermarks
from adapters.postgres.work import (
    PostgresApprovals,
    PostgresAudit,
    PostgresBaselines,
    PostgresDeliveries,
    PostgresExceptions,
    PostgresOutbox,
    PostgresPlans,
)
from oppsync.domain.tracked import Lease, TrackedOpportunity
from oppsync.ports.storage import (
    Approvals,
    Audit,
    Baselines,
    Connections,
    Credentials,
    Deliveries,
    Due,
    Exceptions,
    Ledger,
    Opportunities,
    Outbox,
    People,
    PlanOverrides,
    Plans,
    References,
    UnitOfWork,
    Watermarks,
)


class PostgresUnitOfWork:
    def __init__(self, connection: Connection, keys: MultiFernet, books: Books) -> None:
        self._session = session = Session(connection)
        self._outcomes = PostgresOpportunities(session)
        self.opportunities: Opportunities = self._outcomes
        self.watermarks: Watermarks = PostgresWatermarks(session)
        self.deliveries: Deliveries = PostgresDeliveries(session)
        self.plans: Plans = PostgresPlans(session)
        self.overrides: PlanOverrides = PostgresPlanOverrides(session)
        self.baselines: Baselines = PostgresBaselines(session)
        self.approvals: Approvals = PostgresApprovals(session)
        self.ledger: Ledger = PostgresLedger(session)
        self.exceptions: Exceptions = PostgresExceptions(session)
        self.audit: Audit = PostgresAudit(session)
        self.outbox: Outbox = PostgresOutbox(session)
        self.people: People = PostgresPeople(session)
        self.credentials: Credentials = PostgresCredentials(session)
        self.references: References = PostgresReferences(session, books)
        self.connections: Connections = PostgresConnections(session, keys)

    def commit(self) -> None:
        self._session.commit()

    def commit_outcome(
        self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due, lease: Lease
    ) -> int | None:
        return self._outcomes.commit_outcome(before, after, due, lease)


class PostgresUnits:
    """Makes units of work; each has a connection of its own, so they may be used from any thread."""

    def __init__(self, engine: Engine, keys: MultiFernet) -> None:
        self._engine = engine
        self._reading = each_by_itself(engine)
        self._keys = keys
        self._books: Books = {}

    @contextmanager
    def __call__(self) -> Iterator[UnitOfWork]:
        with store_errors(), self._engine.connect() as connection:
            yield PostgresUnitOfWork(connection, self._keys, self._books)

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        with store_errors(), self._reading.connect() as connection:
            yield PostgresUnitOfWork(connection, self._keys, self._books)
