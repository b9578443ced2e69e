"""One transaction with all its repositories. Leaving the block without `commit()` rolls back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.fernet import MultiFernet
from sqlalchemy import Connection, Engine

from adapters.postgres.engine import reading, store_errors
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
from oppsync.ports.storage import (
    Approvals,
    Audit,
    Baselines,
    Connections,
    Credentials,
    Deliveries,
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
        self._connection = connection
        self.opportunities: Opportunities = PostgresOpportunities(connection)
        self.watermarks: Watermarks = PostgresWatermarks(connection)
        self.deliveries: Deliveries = PostgresDeliveries(connection)
        self.plans: Plans = PostgresPlans(connection)
        self.overrides: PlanOverrides = PostgresPlanOverrides(connection)
        self.baselines: Baselines = PostgresBaselines(connection)
        self.approvals: Approvals = PostgresApprovals(connection)
        self.ledger: Ledger = PostgresLedger(connection)
        self.exceptions: Exceptions = PostgresExceptions(connection)
        self.audit: Audit = PostgresAudit(connection)
        self.outbox: Outbox = PostgresOutbox(connection)
        self.people: People = PostgresPeople(connection)
        self.credentials: Credentials = PostgresCredentials(connection)
        self.references: References = PostgresReferences(connection, books)
        self.connections: Connections = PostgresConnections(connection, keys)

    def commit(self) -> None:
        self._connection.commit()


class PostgresUnits:
    """Makes units of work; each has a connection of its own, so they may be used from any thread."""

    def __init__(self, engine: Engine, keys: MultiFernet) -> None:
        self._engine = engine
        self._reading = reading(engine)
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
