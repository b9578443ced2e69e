"""Read approvals for pages, API and command line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, select

from adapters.postgres.queries.base import NEWEST_VERSION, WARNINGS, Reading, of_task, one, other_version, page
from adapters.postgres.queries.deciders import (
    PLACE,
    asks_of_these,
    everyone_and_involved,
    open_tasks,
    place_of_row,
    standing_in,
)
from adapters.postgres.repositories.part_in_deals import OWNER
from adapters.postgres.rows import to_plan, to_task
from adapters.postgres.tables import approval_tasks, audit, barred_approvers, opportunities, people, plans
from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import unmatched_owners
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.plan.approvals import seat_of
from oppsync.domain.reading.readings import (
    ApprovalDetail,
    ApprovalNote,
    ApprovalSummary,
    BarredApprover,
    Page,
)
from oppsync.domain.work.events import ApprovalCommented, ChangesRequested

_NOTES = (ApprovalCommented.type, ChangesRequested.type)
_TASK = tuple(approval_tasks.c[name] for name in approval_tasks.c.keys())  # noqa: SIM118


class PostgresApprovalQueries(Reading):
    """Implements `oppsync.ports.queries.approvals.ApprovalQueries`."""

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
        if status is not None:
            query = query.where(approval_tasks.c.status == status)
        if opportunity_id is not None:
            query = query.where(approval_tasks.c.opportunity_id == opportunity_id)
        with self.reading() as connection:
            if person is not None:
                barred = open_tasks(connection, tenant_id, person).barred
                asked = standing_in(connection, tenant_id, person)
                query = query.where(asks_of_these(asked), approval_tasks.c.id.not_in(barred))
            return page(
                connection,
                query,
                approval_tasks.c.id,
                _to_approval,
                after=after,
                limit=limit,
                oldest_first=True,
            )

    def approval(self, tenant_id: str, task_id: UUID) -> ApprovalDetail:
        query = _approvals().add_columns(NEWEST_VERSION)
        query = query.where(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task_id)
        with self.reading() as connection:
            row = one(connection, query, "approval")
            summary = _to_approval(row)
            siblings = select(approval_tasks).where(
                approval_tasks.c.tenant_id == tenant_id,
                approval_tasks.c.opportunity_id == summary.task.opportunity_id,
                approval_tasks.c.plan_hash == summary.task.plan_hash,
                approval_tasks.c.id != task_id,
                approval_tasks.c.status != TaskStatus.VOID,
            )
            others = tuple(to_task(other) for other in connection.execute(siblings).mappings())
            notes = _notes(connection, tenant_id, summary.task.opportunity_id)
            everyone, part = everyone_and_involved(
                connection,
                tenant_id,
                summary.task,
                row["owner"],
                place_of_row(row["place"]),
            )
            barred = _barred(connection, tenant_id, summary.task)
        plan = to_plan(row)
        step = seat_of(summary.task.role, plan.content.required).asks
        able = [
            each.id for each in everyone if each.can_sign_in and may_decide(each, step, part, others) is None
        ]
        named = {
            person
            for task in (summary.task, *others)
            for person in (*task.candidates, task.decided_by, task.decided_for)
        }
        return ApprovalDetail(
            **dict(summary),
            opportunity_state=row["opportunity_state"],
            current_hash=row["current_hash"],
            plan=plan,
            others=others,
            people={each.id: each.name for each in everyone if each.id in named.union(able)},
            reread_due=row["reread_due"],
            warnings=row["warnings"],
            editors=frozenset(each.id for each in part.editors),
            may_decide=tuple(able),
            unmatched_owners=unmatched_owners(part.parties, everyone),
            notes=notes,
            involved=part,
            barred=barred,
            configuration_now=other_version(plan, row),
        )


def _notes(connection: Connection, tenant_id: str, opportunity_id: UUID) -> tuple[ApprovalNote, ...]:
    of_deal = (audit.c.tenant_id == tenant_id, audit.c.opportunity_id == opportunity_id)
    query = select(audit).where(*of_deal, audit.c.type.in_(_NOTES)).order_by(audit.c.id)
    return tuple(
        ApprovalNote(
            at=row["at"],
            by=row["actor"],
            plan=row["after"]["plan"],
            text=row["detail"]["comment"],
            asks_for_changes=row["type"] == ChangesRequested.type,
        )
        for row in connection.execute(query).mappings()
    )


def _barred(connection: Connection, tenant_id: str, task: ApprovalTask) -> tuple[BarredApprover, ...]:
    """As was kept of the plan, by name."""
    kept = barred_approvers.c
    of_person = and_(people.c.tenant_id == kept.tenant_id, people.c.id == kept.person_id)
    query = (
        select(kept.person_id, people.c.name, kept.reason, kept.noted_at)
        .join(people, of_person)
        .where(
            kept.tenant_id == tenant_id,
            kept.opportunity_id == task.opportunity_id,
            kept.plan_hash == task.plan_hash,
        )
        .order_by(people.c.name, people.c.id, kept.reason)
    )
    return tuple(BarredApprover.model_validate(dict(row)) for row in connection.execute(query).mappings())


def _approvals() -> Select[Any]:
    of_plan = and_(
        plans.c.tenant_id == approval_tasks.c.tenant_id,
        plans.c.opportunity_id == approval_tasks.c.opportunity_id,
        plans.c.hash == approval_tasks.c.plan_hash,
    )
    return (
        select(
            *_TASK,
            plans.c.hash,
            plans.c.content,
            plans.c.provenance,
            plans.c.erp,
            plans.c.psa,
            plans.c.watched,
            plans.c.configuration_version,
            plans.c.configuration_fingerprint,
            plans.c.number.label("plan_number"),
            opportunities.c.state.label("opportunity_state"),
            opportunities.c.plan_hash.label("current_hash"),
            (opportunities.c.reread_requested > opportunities.c.reread_done).label("reread_due"),
            OWNER,
            PLACE,
            WARNINGS,
        )
        .join(plans, of_plan)
        .join(opportunities, of_task())
    )


def _to_approval(row: Any) -> ApprovalSummary:
    content = row["content"]
    return ApprovalSummary(
        task=to_task(row),
        opportunity_name=content["name"],
        account=content["customer_name"],
        amount=content["total"]["amount"],
        currency=content["total"]["currency"],
        plan_number=row["plan_number"],
        owner_email=(row["owner"] or {}).get("email"),
    )
