"""Deliveries, plans, approvals, exceptions, audit and outbox: what moves with an opportunity."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from adapters.postgres.opportunities import clock
from adapters.postgres.replays import selected
from adapters.postgres.rows import pick, to_exception, to_plan, to_task
from adapters.postgres.session import Session
from adapters.postgres.tables import (
    approval_tasks,
    baselines,
    exception_items,
    inbox,
    inbox_opportunities,
    opportunities,
    outbox,
    plans,
)
from oppsync.domain.approvals import ApprovalRole, ApprovalTask, RuleUse, TaskStatus
from oppsync.domain.baseline import Baseline
from oppsync.domain.events import Event
from oppsync.domain.exceptions import ExceptionItem, ExceptionStatus, NewException, poll_reference
from oppsync.domain.intake import Delivery, StoredDelivery
from oppsync.domain.plan import Plan
from oppsync.domain.replays import Selection
from oppsync.errors import NotFound

# Statements of every delivery and every step are built once: building one costs more than carrying it out.
_STORE = (
    insert(inbox)
    .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "delivery_id"])
    .returning(inbox.c.id)
)
_LINK = insert(inbox_opportunities).on_conflict_do_nothing()
_SEND = insert(outbox).values(
    connection_id=select(opportunities.c.connection_id)
    .where(
        opportunities.c.tenant_id == bindparam("of_tenant"), opportunities.c.id == bindparam("of_opportunity")
    )
    .scalar_subquery()
)
_OF_OPPORTUNITY = (
    plans.c.tenant_id == bindparam("of_tenant"),
    plans.c.opportunity_id == bindparam("of_opportunity"),
)
_PLAN = select(plans).where(*_OF_OPPORTUNITY, plans.c.hash == bindparam("of_hash"))
_KNOWN_PLAN = _PLAN.with_only_columns(plans.c.number)
_ADD_PLAN = (
    insert(plans)
    .values(number=select(func.count() + 1).where(*_OF_OPPORTUNITY).scalar_subquery())
    .on_conflict_do_nothing(index_elements=["tenant_id", "opportunity_id", "hash"])
    .returning(plans.c.number)
)
_TASKS_OF = (
    approval_tasks.c.tenant_id == bindparam("of_tenant"),
    approval_tasks.c.opportunity_id == bindparam("of_opportunity"),
)
_TASKS = select(approval_tasks).where(*_TASKS_OF).order_by(approval_tasks.c.id)
_VOIDING = update(approval_tasks).where(*_TASKS_OF).values(status=TaskStatus.VOID)
_VOID = _VOIDING.where(
    approval_tasks.c.plan_hash != bindparam("kept"), approval_tasks.c.status != TaskStatus.VOID
)
_VOID_OPEN = _VOIDING.where(approval_tasks.c.status == TaskStatus.OPEN)
_FREEZE = insert(baselines).on_conflict_do_nothing()
_BY_RULE = insert(approval_tasks).values(status=TaskStatus.APPROVED, decided_at=clock())
_APPROVE_BY_RULE = _BY_RULE.on_conflict_do_update(
    index_elements=["tenant_id", "opportunity_id", "plan_hash", "role"],
    index_where=approval_tasks.c.status != text("'void'"),
    set_={name: _BY_RULE.excluded[name] for name in ("status", "decided_at", "rule")},
    where=approval_tasks.c.status == TaskStatus.OPEN,
)


class PostgresDeliveries:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, delivery: Delivery) -> tuple[UUID, bool]:
        digest = hashlib.sha256(delivery.body).hexdigest()
        new = {"id": uuid7(), "body_sha256": digest, **delivery.model_dump()}
        inserted: UUID | None = self._session.execute(_STORE, new).scalar_one_or_none()
        if inserted is not None:
            return inserted, True
        query = select(inbox.c.id).where(
            inbox.c.tenant_id == delivery.tenant_id,
            inbox.c.connection_id == delivery.connection_id,
            inbox.c.delivery_id == delivery.delivery_id,
        )
        known: UUID = self._session.execute(query).scalar_one()
        return known, False

    def link(self, tenant_id: str, delivery_id: UUID, opportunity_id: UUID) -> None:
        link = {"tenant_id": tenant_id, "inbox_id": delivery_id, "opportunity_id": opportunity_id}
        self._session.execute(_LINK, link)

    def get(self, tenant_id: str, delivery_id: UUID) -> StoredDelivery:
        query = select(inbox).where(inbox.c.tenant_id == tenant_id, inbox.c.id == delivery_id)
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such delivery.")
        links = select(inbox_opportunities.c.opportunity_id).where(
            inbox_opportunities.c.tenant_id == tenant_id, inbox_opportunities.c.inbox_id == delivery_id
        )
        return StoredDelivery(
            **pick(row, StoredDelivery), opportunities=tuple(self._session.execute(links).scalars())
        )

    def matching(self, tenant_id: str, selection: Selection) -> Sequence[UUID]:
        since = inbox.c.received_at
        return selected(self._session, tenant_id, selection, inbox, since=since, referred_as="delivery_id")


class PostgresPlans:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, opportunity_id: UUID, plan: Plan) -> int:
        new = {
            "tenant_id": tenant_id,
            "opportunity_id": opportunity_id,
            "hash": plan.hash,
            "content": plan.content.document(),
            "provenance": plan.provenance.model_dump(mode="json"),
        }
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        added: int | None = self._session.execute(_ADD_PLAN, {**new, **which}).scalar_one_or_none()
        if added is not None:
            return added
        known: int = self._session.execute(_KNOWN_PLAN, {**which, "of_hash": plan.hash}).scalar_one()
        return known

    def get(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Plan:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash}
        row = self._session.execute(_PLAN, which).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such plan.")
        return to_plan(row)


class PostgresBaselines:
    def __init__(self, session: Session) -> None:
        self._session = session

    def freeze(self, tenant_id: str, opportunity_id: UUID, baseline: Baseline) -> None:
        frozen = {
            "tenant_id": tenant_id,
            "opportunity_id": opportunity_id,
            "plan_hash": baseline.plan_hash,
            "frozen_at": baseline.frozen_at,
            "content": baseline.model_dump(mode="json"),
        }
        self._session.execute(_FREEZE, frozen)


class PostgresApprovals:
    def __init__(self, session: Session) -> None:
        self._session = session

    def open(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        plan_hash: str,
        role: ApprovalRole,
        candidates: Iterable[UUID],
    ) -> ApprovalTask:
        live = self._select(
            approval_tasks.c.tenant_id == tenant_id,
            approval_tasks.c.opportunity_id == opportunity_id,
            approval_tasks.c.plan_hash == plan_hash,
            approval_tasks.c.role == role,
            approval_tasks.c.status != TaskStatus.VOID,
        )
        if live:
            return live[0]
        statement = (
            insert(approval_tasks)
            .values(
                tenant_id=tenant_id,
                id=uuid7(),
                opportunity_id=opportunity_id,
                plan_hash=plan_hash,
                role=role,
                status=TaskStatus.OPEN,
                candidates=list(candidates),
            )
            .returning(approval_tasks)
        )
        return to_task(self._session.execute(statement).mappings().one())

    def approve_by_rule(
        self, tenant_id: str, opportunity_id: UUID, plan_hash: str, role: ApprovalRole, rule: RuleUse
    ) -> None:
        task = {
            "tenant_id": tenant_id,
            "id": uuid7(),
            "opportunity_id": opportunity_id,
            "plan_hash": plan_hash,
            "role": role,
            "candidates": [],
            "rule": rule.model_dump(mode="json"),
        }
        self._session.execute(_APPROVE_BY_RULE, task)

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[ApprovalTask]:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        return [to_task(row) for row in self._session.execute(_TASKS, which).mappings()]

    def get(self, tenant_id: str, task_id: UUID) -> ApprovalTask:
        found = self._select(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task_id)
        if not found:
            raise NotFound("There is no such approval.")
        return found[0]

    def decide(
        self, tenant_id: str, task: ApprovalTask, status: TaskStatus, by: UUID, comment: str
    ) -> ApprovalTask:
        statement = (
            update(approval_tasks)
            .where(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task.id)
            .values(status=status, decided_by=by, decided_at=clock(), comment=comment)
            .returning(approval_tasks)
        )
        return to_task(self._session.execute(statement).mappings().one())

    def void(self, tenant_id: str, opportunity_id: UUID, keep_hash: str | None) -> int:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "kept": keep_hash or ""}
        return self._session.execute(_VOID, which).rowcount

    def void_open(self, tenant_id: str, opportunity_id: UUID) -> int:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        return self._session.execute(_VOID_OPEN, which).rowcount

    def _select(self, *where: Any) -> list[ApprovalTask]:
        query = select(approval_tasks).where(*where).order_by(approval_tasks.c.id)
        return [to_task(row) for row in self._session.execute(query).mappings()]


class PostgresExceptions:
    def __init__(self, session: Session) -> None:
        self._session = session

    def raise_item(self, new: NewException) -> UUID:
        fields = new.model_dump(mode="json", exclude={"opportunity_id", "delivery_id"})
        same = select(exception_items.c.id).where(
            exception_items.c.tenant_id == new.tenant_id,
            exception_items.c.opportunity_id == new.opportunity_id,
            exception_items.c.delivery_id == new.delivery_id,
            exception_items.c.code == new.code,
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        if new.opportunity_id is None and new.delivery_id is None:
            same = same.where(exception_items.c.payload_reference == new.payload_reference)
        known: UUID | None = self._session.execute(same).scalar_one_or_none()
        if known is not None:
            again = {**fields, "last_seen": clock(), "occurrences": exception_items.c.occurrences + 1}
            self._session.execute(update(exception_items).where(*_item(new.tenant_id, known)).values(**again))
            return known
        item_id: UUID = uuid7()
        statement = insert(exception_items).values(
            id=item_id,
            status=ExceptionStatus.OPEN,
            opportunity_id=new.opportunity_id,
            delivery_id=new.delivery_id,
            **fields,
        )
        self._session.execute(statement)
        return item_id

    def stands(self, tenant_id: str, opportunity_id: UUID, code: str) -> bool:
        query = select(exception_items.c.id).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.opportunity_id == opportunity_id,
            exception_items.c.code == code,
            exception_items.c.status.in_((ExceptionStatus.OPEN, ExceptionStatus.DISMISSED)),
        )
        return self._session.execute(query.limit(1)).one_or_none() is not None

    def get(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        query = select(exception_items).where(*_item(tenant_id, item_id)).with_for_update()
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such exception.")
        return to_exception(row)

    def close(self, tenant_id: str, item_id: UUID, status: ExceptionStatus, by: str, reason: str) -> None:
        statement = update(exception_items).where(*_item(tenant_id, item_id))
        self._session.execute(_closed(statement, status, by, reason))

    def close_for(
        self,
        tenant_id: str,
        opportunity_id: UUID,
        by: str,
        reason: str,
        status: ExceptionStatus = ExceptionStatus.REPLAYED,
    ) -> int:
        statement = update(exception_items).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.opportunity_id == opportunity_id,
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        return self._session.execute(_closed(statement, status, by, reason)).rowcount

    def close_for_poll(self, tenant_id: str, connection_id: str, by: str, reason: str) -> int:
        statement = update(exception_items).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.payload_reference == poll_reference(connection_id),
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        return self._session.execute(_closed(statement, ExceptionStatus.REPLAYED, by, reason)).rowcount

    def close_for_delivery(self, tenant_id: str, delivery_id: UUID, by: str, reason: str) -> int:
        statement = update(exception_items).where(
            exception_items.c.tenant_id == tenant_id,
            exception_items.c.delivery_id == delivery_id,
            exception_items.c.status == ExceptionStatus.OPEN,
        )
        return self._session.execute(_closed(statement, ExceptionStatus.REPLAYED, by, reason)).rowcount


def _item(tenant_id: str, item_id: UUID) -> tuple[Any, ...]:
    return exception_items.c.tenant_id == tenant_id, exception_items.c.id == item_id


def _closed(statement: Any, status: ExceptionStatus, by: str, reason: str) -> Any:
    return statement.values(status=status, closed_by=by, closed_at=clock(), reason=reason)


class PostgresAudit:
    """Append only: nothing here updates or deletes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, tenant_id: str, event: Event, traceparent: str) -> None:
        row = {
            "tenant_id": tenant_id,
            "id": str(uuid7()),
            "opportunity_id": str(event.opportunity_id) if event.opportunity_id else None,
            "type": event.type,
            "actor": event.actor,
            "summary": event.summary,
            "before": event.before,
            "after": event.after,
            "detail": event.detail,
            # The trace id: the same from the webhook to the write-back.
            "correlation_id": traceparent.split("-")[1],
            "traceparent": traceparent,
        }
        self._session.tell(row)


class PostgresOutbox:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, opportunity_id: UUID, stage: str, traceparent: str) -> None:
        row = {
            "tenant_id": tenant_id,
            "id": uuid7(),
            "opportunity_id": opportunity_id,
            "stage": stage,
            "traceparent": traceparent,
        }
        its_connection = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        self._session.execute(_SEND, {**row, **its_connection})
