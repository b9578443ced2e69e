"""Opportunities put into the store where a story begins, without any outside system."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.postgres.repositories.opportunities import PostgresOpportunities
from adapters.postgres.session import Session
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.domain.work.webhook_secrets import WEBHOOK_SECRETS
from tests.harness.builders import TENANT

CRM = "crm"


def connect(application: Application, connection_id: str = CRM, tenant_id: str = TENANT) -> None:
    """Connect a CRM at an address that does not answer."""
    crm = Connection(
        tenant_id=tenant_id,
        id=connection_id,
        role=ConnectionRole.CRM,
        vendor="salesforce",
        name="CRM",
        settings={"base_url": "http://127.0.0.1:1"},
        signature_scheme="standard_webhooks",
    )
    secrets = {"client_id": "id", "client_secret": "secret", WEBHOOK_SECRETS: []}
    with application.uow() as uow:
        uow.connections.put(crm, secrets)
        uow.commit()


def receive(application: Application, *source_ids: str, state: State = State.RECEIVED) -> list[UUID]:
    """Opportunities of the CRM, due now, whose first messages were just sent."""
    traceparent = new_traceparent()
    with application.uow() as uow:
        ids = [
            uow.opportunities.receive(TENANT, CRM, OpportunityRef(id=source_id), traceparent)[0]
            for source_id in source_ids
        ]
        uow.commit()
    run(application, "update opportunities set state = :state where id = any(:ids)", state=state, ids=ids)
    return ids


def run(application: Application, statement: str, **values: object) -> list[tuple[object, ...]]:
    """Run one statement, commit, and return its rows."""
    with application.engine.begin() as connection:
        found = connection.execute(text(statement), values)
        return [tuple(row) for row in found] if found.returns_rows else []


def take(
    application: Application, opportunity_id: UUID, holder: str
) -> tuple[TrackedOpportunity, Lease] | None:
    with application.engine.begin() as connection:
        return PostgresOpportunities(Session(connection)).take_lease(opportunity_id, holder)
