"""The open tasks that wait for a person, by the same rule that judges the decision itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, select

from adapters.postgres.queries.reading import of_task
from adapters.postgres.repositories.overrides import overrides
from adapters.postgres.rows import pick, to_task
from adapters.postgres.tables import approval_tasks, opportunities, plan_overrides
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.approval.who_may import DECIDES, may, may_decide
from oppsync.domain.plan.overrides import PlanOverride, editors
from oppsync.domain.values.roles import ApprovalRole


class OpenTasks(NamedTuple):
    """Ids of the open tasks of a person's roles: those that wait for the person, and those that the person may
    not decide."""

    waiting: Sequence[UUID]
    barred: Sequence[UUID]


def roles_of(person: Person) -> Sequence[ApprovalRole]:
    return [role for role, action in DECIDES.items() if may(person, action)]


def of_roles(person: Person) -> ColumnElement[bool]:
    return approval_tasks.c.role.in_(roles_of(person))


def open_tasks(connection: Connection, tenant_id: str, person: Person) -> OpenTasks:
    """Split the open tasks by what can bar this person: the owner, the person's decisions, the person's
    overrides."""
    query = (
        select(
            approval_tasks.c.id,
            approval_tasks.c.opportunity_id,
            approval_tasks.c.plan_hash,
            approval_tasks.c.role,
            opportunities.c.record["owner"]["email"].astext.label("owner_email"),
        )
        .join(opportunities, of_task())
        .where(*_open(tenant_id), of_roles(person))
        .order_by(approval_tasks.c.id)
    )
    found = connection.execute(query).all()
    decided, edited_by = _decided(connection, tenant_id, person), _editors(connection, tenant_id)
    waiting: list[UUID] = []
    barred: list[UUID] = []
    for row in found:
        refusal = may_decide(
            person,
            ApprovalRole(row.role),
            row.owner_email,
            decided[row.opportunity_id, row.plan_hash],
            edited_by.get(row.opportunity_id, frozenset()),
        )
        (waiting if refusal is None else barred).append(row.id)
    return OpenTasks(waiting, barred)


def _open(tenant_id: str) -> tuple[ColumnElement[bool], ...]:
    return approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.status == TaskStatus.OPEN


def _decided(
    connection: Connection, tenant_id: str, person: Person
) -> dict[tuple[UUID, str], list[ApprovalTask]]:
    """This person's decisions on plans that have open tasks, by deal and plan."""
    decided = approval_tasks.alias("decided")
    same_plan = and_(
        *(decided.c[name] == approval_tasks.c[name] for name in ("tenant_id", "opportunity_id", "plan_hash")),
        decided.c.decided_by == person.id,
        decided.c.status != TaskStatus.VOID,
    )
    found: dict[tuple[UUID, str], list[ApprovalTask]] = defaultdict(list)
    query = select(decided).join(approval_tasks, same_plan).where(*_open(tenant_id))
    for row in connection.execute(query).mappings():
        found[row["opportunity_id"], row["plan_hash"]].append(to_task(row))
    return found


def _editors(connection: Connection, tenant_id: str) -> dict[UUID, frozenset[UUID]]:
    """The people who overrode something, by deal with open tasks."""
    undecided = select(approval_tasks.c.opportunity_id).where(*_open(tenant_id))
    query = overrides().where(
        plan_overrides.c.tenant_id == tenant_id, plan_overrides.c.opportunity_id.in_(undecided)
    )
    by_deal: dict[UUID, list[PlanOverride]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        by_deal[row["opportunity_id"]].append(PlanOverride(**pick(row, PlanOverride)))
    return {opportunity_id: editors(each) for opportunity_id, each in by_deal.items()}
