"""Commands with which people change a plan before it is approved, or have it made anew."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.plan.overrides import OverrideField, PlanOverride
from oppsync.domain.values.actor import Asker, AskingPerson
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class OverridePlan(Command[PlanOverride]):
    """Override one field of one workstream, or take the override back (`value` None). The plan is made anew,
    and waits for approval anew. Raises NotFound; Forbidden (codes MAY_NOT_OVERRIDE, OWN_OPPORTUNITY); Conflict
    (codes NOT_OVERRIDABLE, ALREADY_DECIDED); InvalidInput, which names the field, for what does not fit."""

    tenant_id: str
    opportunity_id: UUID
    actor: AskingPerson
    workstream: str
    field: OverrideField
    value: str | None
    reason: str


@dataclass(frozen=True)
class PlanAnew(Command[None]):
    """Plan a deal that waits for approval, or is approved and not active yet, anew with today's data. A plan
    with the same hash keeps its approvals unless it is to `ask_again`, another is asked for; what exists
    outside is taken over, changed or closed. Raises NotFound; Conflict (codes NOT_PLANNABLE_ANEW,
    ALREADY_DECIDED for a plan that was rejected a moment ago); InvalidInput without a reason."""

    tenant_id: str
    opportunity_id: UUID
    actor: Asker
    reason: str
    ask_again: bool = False
