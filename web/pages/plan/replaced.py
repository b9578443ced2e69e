"""The plan in whose place another one was made, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.reading.plan_changes import PlanChange, plan_changes
from web.context import application


class Replaced(NamedTuple):
    """`number`: of the plan before. `was_approved`: whether it was; else it was only put to people."""

    number: int
    rows: Sequence[PlanChange]
    was_approved: bool = True


def replaced_by(tenant_id: str, opportunity_id: UUID, replaces: str | None, plan: Plan) -> Replaced | None:
    """What changed since the approved plan `replaces`. None for a plan that was made in place of none, and
    where that one cannot be shown any more."""
    return None if replaces is None else _since(tenant_id, opportunity_id, replaces, plan)


def asked_before(tenant_id: str, opportunity_id: UUID, plan: Plan, number: int) -> Replaced | None:
    """What changed since the last plan before this one that was put to people; None for the first."""
    tasks = application().queries.approvals(tenant_id, opportunity_id=opportunity_id, limit=100)
    earlier = [row for row in tasks.rows if row.plan_number < number]
    if not earlier:
        return None
    last = max(earlier, key=lambda row: row.plan_number)
    found = _since(tenant_id, opportunity_id, last.task.plan_hash, plan)
    return found and found._replace(was_approved=False)


def _since(tenant_id: str, opportunity_id: UUID, plan_hash: str, plan: Plan) -> Replaced | None:
    try:
        before = application().queries.plan(tenant_id, opportunity_id, plan_hash)
    except PlanTampered:
        return None
    return Replaced(before.number, plan_changes(before.plan.content, plan.content))
