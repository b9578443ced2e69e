"""The approved plan in whose place another one was made, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.reading.plan_changes import PlanChange, plan_changes
from web.context import application


class Replaced(NamedTuple):
    """`number`: of the approved plan."""

    number: int
    rows: Sequence[PlanChange]


def replaced_by(tenant_id: str, opportunity_id: UUID, replaces: str | None, plan: Plan) -> Replaced | None:
    """None for a plan that was made in place of no other, and where that one cannot be shown any more."""
    if replaces is None:
        return None
    try:
        before = application().queries.plan(tenant_id, opportunity_id, replaces)
    except PlanTampered:
        return None
    return Replaced(before.number, plan_changes(before.plan.content, plan.content))
