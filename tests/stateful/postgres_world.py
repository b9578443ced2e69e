"""The same simulation on a real Postgres: our repositories, relay and sweeper, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import dramatiq
from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy import create_engine, select, text

from actors.sending import Sender
from actors.waking import WakingBroker
from adapters.postgres.engine import make_engine
from adapters.postgres.rows import to_exception, to_tracked
from adapters.postgres.sending import PostgresSending
from adapters.postgres.tables import audit, exception_items, inbox, metadata, opportunities, outbox
from adapters.postgres.unit_of_work import PostgresUnits
from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.plan.plan import Plan
from oppsync.domain.reference.book import ReferenceRow
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.states import State
from oppsync.pipeline.table import PIPELINE
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from tests.harness.builders import TENANT
from tests.stateful.memory import Row
from tests.stateful.worlds import TELL_MOVES, Move, Send

WATCH = Path(__file__).with_name("watch.sql")
_KEPT = {"tenants", "connections", "people", "reference_rows"}


class PostgresWorld:
    """One for each furnished database; `start_again` empties it for the next example."""

    def __init__(self, database_url: str) -> None:
        self._watcher = create_engine(database_url, isolation_level="AUTOCOMMIT", pool_size=1).connect()
        name = self._watcher.engine.url.database
        self._watcher.exec_driver_sql(f"alter database {name} set search_path = sim, pg_catalog, public")
        self._engine = make_engine(database_url, pool_size=3)
        self._uow = PostgresUnits(self._engine, MultiFernet([Fernet(Fernet.generate_key())]))
        self._actor = ""

    def furnish(self, people: Sequence[Person], reference: Sequence[ReferenceRow]) -> None:
        """Add the clock, the triggers that watch, people and reference data: once, since copies of the database
        have them."""
        self._watcher.execute(text(WATCH.read_text()))
        with self._uow() as uow:
            for role in ConnectionRole:
                connection = Connection(tenant_id=TENANT, id=role.value, role=role, vendor="any", name=role)
                uow.connections.put(connection, {})
            for person in people:
                uow.people.add(TENANT, person, "no password")
            for row in reference:
                uow.references.put(TENANT, row)
            uow.commit()

    def start_again(self) -> PostgresWorld:
        tables = [name for name in metadata.tables if name not in _KEPT]
        self._watcher.exec_driver_sql("set session_replication_role = replica")  # what stays kept goes too
        self._watcher.exec_driver_sql(f"truncate {', '.join(tables)}, sim.moves, sim.breaches")
        self._watcher.exec_driver_sql("set session_replication_role = origin")
        return self

    def close(self) -> None:
        self._engine.dispose()
        self._watcher.close()
        self._watcher.engine.dispose()

    @property
    def uow(self) -> UnitOfWorkFactory:
        return self._uow

    def set_time(self, now: datetime) -> None:
        self._watcher.execute(text("update sim.clock set at = :now"), {"now": now})

    def acting(self, name: str) -> None:
        if name != self._actor:
            self._watcher.execute(text("update sim.clock set actor = :name"), {"name": name})
            self._actor = name

    def relay(self, send: Send) -> int:
        return self._sender(send).relay()

    def sweep(self, send: Send) -> int:
        self.acting("sweeper")
        return self._sender(send).sweep()

    def _sender(self, send: Send) -> Sender:
        actors = {stage.name: SendingActor(stage.name, send) for stage in PIPELINE}
        return Sender(
            PostgresSending(self._engine),
            cast(WakingBroker, EmptyBroker()),
            cast("dict[str, dramatiq.Actor[[str], None]]", actors),
        )

    def rows(self) -> Sequence[Row]:
        query = select(opportunities).order_by(opportunities.c.id)
        return [
            Row(
                to_tracked(row),
                emit_at=row["emit_at"],
                due_at=row["due_at"],
                lease_token=row["lease_token"],
                lease_until=row["lease_until"],
                lease_holder=row["lease_holder"],
            )
            for row in self._watcher.execute(query).mappings()
        ]

    def tasks(self, opportunity_id: UUID) -> Sequence[ApprovalTask]:
        with self._uow() as uow:
            return uow.approvals.of(TENANT, opportunity_id)

    def items(self) -> Sequence[ExceptionItem]:
        query = select(exception_items).order_by(exception_items.c.id)
        return [to_exception(row) for row in self._watcher.execute(query).mappings()]

    def effects(self, opportunity_id: UUID) -> Sequence[LedgerRow]:
        with self._uow() as uow:
            return uow.ledger.of(TENANT, opportunity_id)

    def plan(self, opportunity_id: UUID, plan_hash: str) -> Plan:
        with self._uow() as uow:
            return uow.plans.get(TENANT, opportunity_id, plan_hash)

    def waiting_messages(self) -> set[UUID]:
        return set(self._watcher.execute(select(outbox.c.opportunity_id)).scalars())

    def delivered(self) -> set[str]:
        return set(self._watcher.execute(select(inbox.c.delivery_id)).scalars())

    def moves(self) -> Sequence[Move]:
        rows = self._watcher.execute(text("select * from sim.moves order by id"))
        return [
            Move(row.opportunity_id, State(row.before), State(row.after), row.version_before, row.version_after)
            for row in rows
        ]

    def audited_moves(self) -> Sequence[tuple[UUID, str, str]]:
        types = [event.type for event in TELL_MOVES]
        query = select(audit).where(audit.c.type.in_(types)).order_by(audit.c.id)
        told = ((row.opportunity_id, row.before, row.after) for row in self._watcher.execute(query))
        return [
            (opportunity_id, before["state"], after["state"])
            for opportunity_id, before, after in told
            if opportunity_id is not None and before["state"] != after["state"]
        ]

    def breaches(self) -> Sequence[str]:
        return list(self._watcher.execute(text("select what from sim.breaches")).scalars())


class SendingActor:
    """Puts a message into the simulation's bag instead of Redis."""

    def __init__(self, stage: str, send: Send) -> None:
        self._stage = stage
        self._send = send

    @property
    def queue_name(self) -> str:
        return self._stage

    def send_with_options(self, *, args: tuple[str], traceparent: str) -> None:
        self._send(UUID(args[0]), self._stage)


class EmptyBroker:
    """A Redis whose queues are never full."""

    namespace = "oppsync"

    def __init__(self) -> None:
        self.client = self
        self._asked = 0

    def pipeline(self, **_: Any) -> EmptyBroker:
        return self

    def wake(self, queues: Iterable[str]) -> None:
        """Nobody rests."""

    def llen(self, _: str) -> None:
        self._asked += 1

    def execute(self) -> list[int]:
        return [0] * self._asked
