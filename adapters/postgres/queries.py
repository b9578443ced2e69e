"""The read side: rows for pages, API and command line. Keyset pages; the cursor is the last row's id."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, Select, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.engine import each_by_itself, store_errors
from adapters.postgres.overrides import overrides_of
from adapters.postgres.rows import document, pick, to_exception, to_ledger_row, to_plan, to_task
from adapters.postgres.tables import (
    approval_tasks,
    audit,
    baselines,
    crm_watermarks,
    effects,
    exception_items,
    inbox,
    inbox_opportunities,
    opportunities,
    people,
    plans,
    vendor_calls,
)
from oppsync.domain.approvals import ROLE_FOR, ApprovalRole, Person, TaskStatus
from oppsync.domain.baseline import Baseline
from oppsync.domain.calls import VendorCall
from oppsync.domain.effects import EffectState, LedgerRow
from oppsync.domain.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.keys import EffectKind
from oppsync.domain.opportunity import Opportunity
from oppsync.domain.overrides import PlanOverride, editors
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
from oppsync.domain.states import State
from oppsync.errors import InvalidInput, NotFound

Row = TypeVar("Row")
_parent = effects.alias("parent")
LATEST_CALLS = 200
_SUMMARY = (
    *(
        opportunities.c[name]
        for name in (
            "id",
            "connection_id",
            "source_id",
            "state",
            "resume_state",
            "received_at",
            "name",
            "account",
            "amount",
            "currency",
            "activated_at",
        )
    ),
    opportunities.c.state_since.label("since"),
    _parent.c.number.label("project_number"),
    _parent.c.url.label("project_url"),
)
# Of validation and of enrichment.
_WARNINGS = opportunities.c.warnings.op("||")(
    func.coalesce(opportunities.c.enrichment["warnings"], literal([], JSONB))
).label("warnings")
_TASK = tuple(approval_tasks.c[name] for name in approval_tasks.c.keys())  # noqa: SIM118


class PostgresQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = each_by_itself(engine)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with store_errors(), self._engine.connect() as connection:
            yield connection

    def opportunities(
        self,
        tenant_id: str,
        *,
        state: State | None = None,
        text: str | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[OpportunitySummary]:
        query = _summaries(_SUMMARY).where(opportunities.c.tenant_id == tenant_id)
        if state is not None:
            query = query.where(opportunities.c.state == state)
        if text:
            like = f"%{_escaped(text)}%"
            named = (opportunities.c.name, opportunities.c.account, opportunities.c.source_id)
            query = query.where(or_(*(column.ilike(like, escape="\\") for column in named)))
        with self._reading() as connection:
            return _page(connection, query, opportunities.c.id, _to_summary, after=after, limit=limit)

    def opportunity(self, tenant_id: str, opportunity_id: UUID) -> OpportunityDetail:
        columns = (
            *_SUMMARY,
            opportunities.c.record,
            opportunities.c.plan_hash,
            opportunities.c.tries,
            opportunities.c.due_at.label("next_at"),
            (opportunities.c.reread_requested > opportunities.c.reread_done).label("reread_due"),
            plans.c.number.label("plan_number"),
            _WARNINGS,
        )
        current = and_(
            plans.c.tenant_id == opportunities.c.tenant_id,
            plans.c.opportunity_id == opportunities.c.id,
            plans.c.hash == opportunities.c.plan_hash,
        )
        query = (
            _summaries(columns, plans, current)
            .where(opportunities.c.tenant_id == tenant_id)
            .where(opportunities.c.id == opportunity_id)
        )
        with self._reading() as connection:
            row = _one(connection, query, "opportunity")
        values = pick(row, OpportunityDetail)
        values["record"] = Opportunity.model_validate(row["record"]) if row["record"] else None
        return OpportunityDetail.model_validate(values)

    def timeline(self, tenant_id: str, opportunity_id: UUID) -> Sequence[TimelineEntry]:
        query = (
            select(audit)
            .where(audit.c.tenant_id == tenant_id, audit.c.opportunity_id == opportunity_id)
            .order_by(audit.c.at, audit.c.id)
        )
        with self._reading() as connection:
            rows = connection.execute(query).mappings()
            return [TimelineEntry.model_validate(pick(row, TimelineEntry)) for row in rows]

    def vendor_calls(self, tenant_id: str, opportunity_id: UUID) -> Sequence[VendorCall]:
        query = (
            select(vendor_calls)
            .where(vendor_calls.c.tenant_id == tenant_id, vendor_calls.c.opportunity_id == opportunity_id)
            .order_by(vendor_calls.c.id.desc())
            .limit(LATEST_CALLS)
        )
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [VendorCall.model_validate(pick(row, VendorCall)) for row in reversed(rows)]

    def plan(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None = None) -> PlanReading:
        same = and_(
            plans.c.tenant_id == opportunities.c.tenant_id, plans.c.opportunity_id == opportunities.c.id
        )
        wanted = opportunities.c.plan_hash if plan_hash is None else plan_hash
        query = (
            select(plans, opportunities.c.plan_hash.label("current"))
            .join(opportunities, same)
            .where(plans.c.tenant_id == tenant_id, plans.c.opportunity_id == opportunity_id)
            .where(plans.c.hash == wanted)
        )
        with self._reading() as connection:
            row = _one(connection, query, "plan")
        return PlanReading(
            number=row["number"], hash=row["hash"], is_current=row["hash"] == row["current"], plan=to_plan(row)
        )

    def effects(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]:
        query = (
            select(effects)
            .where(effects.c.tenant_id == tenant_id, effects.c.opportunity_id == opportunity_id)
            .order_by(effects.c.intended_at, effects.c.key)
        )
        with self._reading() as connection:
            return [to_ledger_row(row) for row in connection.execute(query).mappings()]

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
        query = _approvals().where(approval_tasks.c.tenant_id == tenant_id)
        if person is not None:
            query = query.where(*_mine(person))
        if status is not None:
            query = query.where(approval_tasks.c.status == status)
        if opportunity_id is not None:
            query = query.where(approval_tasks.c.opportunity_id == opportunity_id)
        with self._reading() as connection:
            return _page(
                connection,
                query,
                approval_tasks.c.id,
                _to_approval,
                after=after,
                limit=limit,
                oldest_first=True,
            )

    def approval(self, tenant_id: str, task_id: UUID) -> ApprovalDetail:
        query = _approvals().where(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task_id)
        with self._reading() as connection:
            row = _one(connection, query, "approval")
            summary = _to_approval(row)
            siblings = select(approval_tasks).where(
                approval_tasks.c.tenant_id == tenant_id,
                approval_tasks.c.opportunity_id == summary.task.opportunity_id,
                approval_tasks.c.plan_hash == summary.task.plan_hash,
                approval_tasks.c.id != task_id,
                approval_tasks.c.status != TaskStatus.VOID,
            )
            others = tuple(to_task(other) for other in connection.execute(siblings).mappings())
            named = {person for task in (summary.task, *others) for person in task.candidates}
            named |= {task.decided_by for task in (summary.task, *others) if task.decided_by}
            names = select(people.c.id, people.c.name).where(
                people.c.tenant_id == tenant_id, people.c.id.in_(named)
            )
            edited_by = editors(overrides_of(connection, tenant_id, summary.task.opportunity_id))
            by_id: dict[UUID, str] = {row.id: row.name for row in connection.execute(names)}
        return ApprovalDetail(
            **dict(summary),
            opportunity_state=row["opportunity_state"],
            current_hash=row["current_hash"],
            plan=to_plan(row),
            others=others,
            people=by_id,
            reread_due=row["reread_due"],
            warnings=row["warnings"],
            editors=edited_by,
        )

    def baseline(self, tenant_id: str, opportunity_id: UUID) -> Baseline:
        query = select(baselines.c.content).where(
            baselines.c.tenant_id == tenant_id, baselines.c.opportunity_id == opportunity_id
        )
        with self._reading() as connection:
            return document(Baseline, _one(connection, query, "baseline")["content"])

    def overrides(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        with self._reading() as connection:
            return overrides_of(connection, tenant_id, opportunity_id)

    def exceptions(
        self,
        tenant_id: str,
        *,
        status: ExceptionStatus | None = ExceptionStatus.OPEN,
        code: str | None = None,
        opportunity_id: UUID | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[ExceptionItem]:
        query = select(exception_items).where(exception_items.c.tenant_id == tenant_id)
        if status is not None:
            query = query.where(exception_items.c.status == status)
        if code is not None:
            query = query.where(exception_items.c.code == code)
        if opportunity_id is not None:
            query = query.where(exception_items.c.opportunity_id == opportunity_id)
        with self._reading() as connection:
            return _page(connection, query, exception_items.c.id, to_exception, after=after, limit=limit)

    def exception(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        query = select(exception_items).where(
            exception_items.c.tenant_id == tenant_id, exception_items.c.id == item_id
        )
        with self._reading() as connection:
            return to_exception(_one(connection, query, "exception"))

    def delivery(self, tenant_id: str, event_id: UUID) -> DeliveryStatus:
        query = select(inbox).where(inbox.c.tenant_id == tenant_id, inbox.c.id == event_id)
        told = (
            _summaries(
                _SUMMARY, inbox_opportunities, inbox_opportunities.c.opportunity_id == opportunities.c.id
            )
            .where(inbox_opportunities.c.tenant_id == tenant_id, inbox_opportunities.c.inbox_id == event_id)
            .order_by(opportunities.c.id)
        )
        problem = (
            select(exception_items)
            .where(exception_items.c.tenant_id == tenant_id, exception_items.c.delivery_id == event_id)
            .order_by(exception_items.c.id.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = _one(connection, query, "delivery")
            summaries = tuple(_to_summary(found) for found in connection.execute(told).mappings())
            item = connection.execute(problem).mappings().one_or_none()
        return DeliveryStatus(
            event_id=row["id"],
            delivery_id=row["delivery_id"],
            connection_id=row["connection_id"],
            received_at=row["received_at"],
            source=row["source"],
            late_seconds=row["late_seconds"],
            opportunities=summaries,
            exception_id=item["id"] if item else None,
            problem=item["message"] if item else None,
        )

    def polls(self, tenant_id: str) -> Sequence[PollStatus]:
        query = select(crm_watermarks).where(crm_watermarks.c.tenant_id == tenant_id)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(crm_watermarks.c.connection_id)).mappings()
            return [PollStatus.model_validate(pick(row, PollStatus)) for row in rows]

    def counts(self, tenant_id: str, person: Person) -> OpenCounts:
        waiting = (
            select(func.count())
            .select_from(approval_tasks)
            .join(opportunities, _of_task())
            .where(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.status == TaskStatus.OPEN)
            .where(*_mine(person))
        )
        parked = (
            select(func.count())
            .select_from(exception_items)
            .where(exception_items.c.tenant_id == tenant_id)
            .where(exception_items.c.status == ExceptionStatus.OPEN)
        )
        with self._reading() as connection:
            return OpenCounts(
                approvals=connection.execute(waiting).scalar_one(),
                exceptions=connection.execute(parked).scalar_one(),
            )


def _summaries(columns: Sequence[Any], joined: Any = None, on: Any = None) -> Select[Any]:
    """Opportunities with the parent project the ledger knows; `joined` as well, where given."""
    parent = and_(
        _parent.c.tenant_id == opportunities.c.tenant_id,
        _parent.c.opportunity_id == opportunities.c.id,
        _parent.c.kind == EffectKind.PARENT,
        _parent.c.state != EffectState.CANCELLED,
    )
    source = opportunities.outerjoin(_parent, parent)
    if joined is not None:
        source = source.outerjoin(joined, on)
    return select(*columns).select_from(source)


def _of_task() -> Any:
    return and_(
        opportunities.c.tenant_id == approval_tasks.c.tenant_id,
        opportunities.c.id == approval_tasks.c.opportunity_id,
    )


def _approvals() -> Select[Any]:
    of_plan = and_(
        plans.c.tenant_id == approval_tasks.c.tenant_id,
        plans.c.opportunity_id == approval_tasks.c.opportunity_id,
        plans.c.hash == approval_tasks.c.plan_hash,
    )
    return (
        select(
            *_TASK,
            plans.c.content,
            plans.c.provenance,
            plans.c.number.label("plan_number"),
            opportunities.c.state.label("opportunity_state"),
            opportunities.c.plan_hash.label("current_hash"),
            (opportunities.c.reread_requested > opportunities.c.reread_done).label("reread_due"),
            opportunities.c.record["owner"]["email"].astext.label("owner_email"),
            _WARNINGS,
        )
        .join(plans, of_plan)
        .join(opportunities, _of_task())
    )


def _mine(person: Person) -> tuple[Any, ...]:
    """Tasks of the person's roles, without deals the person owns."""
    roles = [role for role in ApprovalRole if ROLE_FOR[role] in person.roles]
    owner = func.lower(opportunities.c.record["owner"]["email"].astext)
    return approval_tasks.c.role.in_(roles), owner.is_distinct_from(person.email.lower())


def _to_summary(row: Any) -> OpportunitySummary:
    return OpportunitySummary.model_validate(pick(row, OpportunitySummary))


def _to_approval(row: Any) -> ApprovalSummary:
    content = row["content"]
    return ApprovalSummary(
        task=to_task(row),
        opportunity_name=content["name"],
        account=content["customer_name"],
        amount=content["total"]["amount"],
        currency=content["total"]["currency"],
        plan_number=row["plan_number"],
        owner_email=row["owner_email"],
    )


def _one(connection: Connection, query: Select[Any], what: str) -> Any:
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no such {what}.")
    return row


def _page(
    connection: Connection,
    query: Select[Any],
    key: Any,
    to_row: Callable[[Any], Row],
    *,
    after: str | None,
    limit: int,
    oldest_first: bool = False,
) -> Page[Row]:
    """Ids are UUIDv7: their order is the order of arrival."""
    if after is not None:
        last = _read_cursor(after)
        query = query.where(key > last if oldest_first else key < last)
    query = query.order_by(key if oldest_first else key.desc()).limit(limit + 1)
    found = list(connection.execute(query).mappings())
    more = len(found) > limit
    rows = tuple(to_row(row) for row in found[:limit])
    return Page(rows=rows, next_cursor=_cursor(found[limit - 1]["id"]) if more else None)


def _cursor(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def _read_cursor(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error):
        raise InvalidInput(
            "This cursor is not one of ours: start without one.", field="cursor", code="BAD_CURSOR"
        ) from None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
