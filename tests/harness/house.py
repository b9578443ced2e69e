"""A deal's whole way in one process: real Postgres, real Tryton, the CRM and PSA stand-ins as processes.

There are no messages: `work` runs whatever is due in Postgres, as a worker would. Stories about Redis, relays
and dying workers use real processes, in tests/story.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.connectors.traffic.book import NAMESPACE
from oppsync.domain.approval.tasks import ApprovalTask, Decision, Person
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.reading.readings import OpportunityDetail, PlanReading, TimelineEntry
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import StateChanged
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.intake import Delivery
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.pipeline.table import stage_for
from oppsync.services.approvals.commands import DecideApproval
from oppsync.services.intake.commands import AcceptDelivery, PollCrm
from oppsync.services.queue.commands import ReplayException
from oppsync.services.work.commands import RunStage
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from sandbox.standins.control import KantataControl, SalesforceControl
from tests.harness.builders import TENANT
from tests.harness.waiting import until

PASSWORD = "a long demo password"
FINANCE, DELIVERY = "fiona.finance@example.com", "dario.delivery@example.com"
APPROVERS: dict[str, str] = {ApprovalRole.FINANCE: FINANCE, ApprovalRole.DELIVERY: DELIVERY}
OPERATIONS = "person:olga.operations@example.com"
# Seconds: short, because a call that hangs is waited out, and long compared with any call that does not.
IMPATIENT = 3.0
MOVED = StateChanged.type
WON_ON = date(2026, 3, 2)
Deal = Mapping[str, Any]


@dataclass
class House:
    application: Application
    salesforce: SalesforceControl
    kantata: KantataControl

    # What happens outside.

    def win(self, deal: Deal | None = None) -> str:
        """A deal is won in the CRM, which notifies us. Returns the CRM's id."""
        record_id = str(self.salesforce.win_deal(deal or deals.three_workstreams(WON_ON))["id"])
        self.tell(record_id)
        return record_id

    def edit(self, record_id: str, **changes: Any) -> None:
        """The deal is changed in the CRM (as `SalesforceControl.edit` takes it), which notifies us."""
        self.salesforce.edit(record_id, changes)
        self.tell(record_id)

    def lose(self, record_id: str) -> None:
        self.edit(record_id, opportunity={"StageName": "Closed Lost"})

    def win_again(self, record_id: str) -> None:
        self.edit(record_id, opportunity={"StageName": "Closed Won"})

    def connect(self, connection_id: str, **settings: Any) -> None:
        """Change a connection's settings: another address, shorter times; or its map in the configuration."""
        with self.application.uow() as uow:
            connection = uow.connections.get(connection_id)
            secrets = dict(uow.connections.secrets(connection_id))
            maps = self.application.connectors.form(connection.role, connection.vendor).maps
            for row in uow.references.of_kind(TENANT, ReferenceKind.CONNECTION_MAP):
                if row.key == connection.name:
                    said = row.value["settings"] | {name: settings[name] for name in settings if name in maps}
                    uow.references.put(TENANT, changed(row, value=row.value | {"settings": said}))
                    settings = {name: settings[name] for name in settings if name not in maps}
            other = changed(connection, settings=connection.settings | settings)
            uow.connections.put(other, secrets)
            uow.commit()

    def tell(self, *record_ids: str, delivery_id: str | None = None) -> UUID:
        """Deliver the CRM's notification about these records, as already verified."""
        notification = {
            "type": "opportunity.changed",
            "organization_id": "00D000000000001",
            "sent_at": "2026-03-02T10:00:00Z",
            "opportunities": [
                {"id": record_id, "system_modstamp": "2026-03-02T10:00:00.000Z", "is_won": True}
                for record_id in record_ids
            ],
        }
        return self.deliver(canonical_json.dumps(notification).encode(), delivery_id)

    def deliver(self, body: bytes, delivery_id: str | None = None) -> UUID:
        delivery = Delivery(
            tenant_id=TENANT,
            connection_id=CRM_CONNECTION,
            delivery_id=delivery_id or str(uuid.uuid4()),
            headers={},
            body=body,
            traceparent=new_traceparent(),
        )
        return self.application.dispatch(AcceptDelivery(delivery)).event_id

    # What oppsync does.

    def poll(self) -> None:
        """Poll the CRM now, whenever it is due, page after page."""
        self.rows("update crm_watermarks set due_at = clock_timestamp()")
        while self.application.dispatch(PollCrm()):
            pass

    def settle(self) -> None:
        """Work until every deal rests, waiting for deferred ones (on a busy machine, say)."""

        def rests() -> bool:
            self.work()
            return not self.deferred()

        until(rests, "every deal rests", lambda: str(self.deferred()))

    def work(self) -> None:
        """Work until nothing is due; deferred deals stay deferred."""

        def nothing_is_due() -> bool:
            due = self._due()
            for opportunity_id, state in due:
                self.application.dispatch(RunStage(opportunity_id, stage_for(state).name))
            return not due

        until(nothing_is_due, "nothing is due", lambda: str(self._due()))

    def work_later(self, times: int = 1) -> None:
        """Work, then `times` times skip the remaining waits and work again."""
        self.work()
        for _ in range(times):
            self.skip_waiting()
            self.work()

    def settle_later(self) -> None:
        """Work, then skip the remaining waits and settle."""
        self.work()
        self.skip_waiting()
        self.settle()

    def skip_waiting(self) -> None:
        """Act as if every backoff, quarantine, vendor's pause and open circuit had passed."""
        with redis.Redis.from_url(self.application.settings.redis_address) as books:
            for book in books.scan_iter(f"{NAMESPACE}:*"):
                books.delete(book)
        with self.application.engine.begin() as connection:
            connection.execute(text("update opportunities set due_at = now() where due_at is not null"))
            connection.execute(text("update effects set sent_at = sent_at - interval '1 hour'"))

    def deferred(self) -> list[dict[str, Any]]:
        """Deals with a due time, and how often they failed in a row; but those that wait for people."""
        return self.rows(
            "select source_id, state, tries, due_at from opportunities where due_at is not null"
            " and (state <> 'awaiting_approval' or waits_for is null)"
        )

    def _due(self) -> Sequence[tuple[UUID, State]]:
        query = text(
            "select id, state from opportunities where due_at <= clock_timestamp()"
            " and (lease_until is null or lease_until < clock_timestamp())"
        )
        with self.application.engine.connect() as connection:
            return [(row.id, State(row.state)) for row in connection.execute(query)]

    # What people do.

    def tasks(self, record_id: str) -> dict[str, ApprovalTask]:
        """The live approval tasks of a deal."""
        found = self.application.queries.approvals(TENANT, limit=100).rows
        opportunity_id = self.opportunity(record_id).id
        return {
            summary.task.role: summary.task
            for summary in found
            if summary.task.opportunity_id == opportunity_id and summary.task.status != "void"
        }

    def decide(
        self, task: ApprovalTask, email: str, decision: Decision = Decision.APPROVE, comment: str = ""
    ) -> ApprovalTask:
        person_id = self.person(email).id
        return self.application.dispatch(
            DecideApproval(TENANT, task.id, task.plan_hash, person_id, decision, comment)
        )

    def approve(self, record_id: str) -> None:
        tasks = self.tasks(record_id)
        self.decide(tasks[ApprovalRole.FINANCE], FINANCE)
        self.decide(tasks[ApprovalRole.DELIVERY], DELIVERY)

    def reject(self, record_id: str, comment: str, role: str = ApprovalRole.FINANCE) -> None:
        self.decide(self.tasks(record_id)[role], APPROVERS[role], Decision.REJECT, comment)

    @property
    def operator(self) -> UUID:
        return self.person(OPERATIONS.removeprefix("person:")).id

    def person(self, email: str) -> Person:
        with self.application.uow() as uow:
            found = uow.people.by_email(TENANT, email)
        assert found is not None
        return found[0]

    def replay(self, item: ExceptionItem) -> None:
        self.application.dispatch(ReplayException(TENANT, item.id, self.operator))

    # Longer stretches of the way.

    def to_approval(self, deal: Deal | None = None) -> str:
        record_id = self.win(deal)
        self.settle()
        assert self.state(record_id) is State.AWAITING_APPROVAL, self.exceptions(record_id)
        return record_id

    def to_active(self, deal: Deal | None = None) -> str:
        record_id = self.to_approval(deal)
        self.approve(record_id)
        self.settle()
        assert self.state(record_id) is State.ACTIVE, self.exceptions(record_id)
        return record_id

    # What can be seen.

    def opportunity(self, record_id: str) -> OpportunityDetail:
        found = self.application.queries.opportunities(TENANT, text=record_id).rows
        assert len(found) == 1, self.application.queries.exceptions(TENANT).rows
        return self.application.queries.opportunity(TENANT, found[0].id)

    def state(self, record_id: str) -> State:
        return self.opportunity(record_id).state

    def exceptions(self, record_id: str) -> list[ExceptionItem]:
        opportunity_id = self.opportunity(record_id).id
        found = self.application.queries.exceptions(TENANT, limit=100).rows
        return [item for item in found if item.opportunity_id == opportunity_id]

    def exception(self, record_id: str) -> ExceptionItem:
        """The one open exception item of a deal."""
        (item,) = self.exceptions(record_id)
        return item

    def effects(self, record_id: str) -> Sequence[LedgerRow]:
        return self.application.queries.effects(TENANT, self.opportunity(record_id).id)

    def plan(self, record_id: str) -> PlanReading:
        return self.application.queries.plan(TENANT, self.opportunity(record_id).id)

    def entries(self, record_id: str) -> Sequence[TimelineEntry]:
        return self.application.queries.timeline(TENANT, self.opportunity(record_id).id)

    def timeline(self, record_id: str) -> list[str]:
        return [entry.type for entry in self.entries(record_id)]

    def states_passed(self, record_id: str) -> list[str]:
        """The states that the deal reached, in order."""
        return [str(entry.after["state"]) for entry in self.entries(record_id) if entry.type == MOVED]

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a statement, which is committed."""
        with self.application.engine.begin() as connection:
            found = connection.execute(text(query), values)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []
