"""Commands that change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reading.recomputed import Recomputed
from oppsync.domain.values.actor import Asker
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class PreviewPlan(Command[PlanPreview]):
    """Preview the plan of a deal. `of`: the deal itself, the id of a stored one, or its record's id in the CRM;
    the last two are read from the CRM anew. Raises Forbidden, NotFound, and what the adapters raise."""

    tenant_id: str
    actor: Asker
    of: Opportunity | UUID | str


@dataclass(frozen=True)
class RecomputePlan(Command[Recomputed]):
    """Make a stored plan again from what was kept of it, by the rows of the version that made it. `plan_hash`:
    None for the current one. Raises Forbidden, NotFound, PlanTampered, NewerRelease; Conflict (codes
    INPUTS_NOT_KEPT, CONFIGURATION_NOT_KEPT)."""

    tenant_id: str
    actor: Asker
    opportunity_id: UUID
    plan_hash: str | None = None


@dataclass(frozen=True)
class FindOpportunity(Command[UUID]):
    """The id here of the opportunity that is `named` by it, or by its record's id in a CRM, in full or as its
    pages show it. Raises Forbidden; NotFound, also where several are named so."""

    tenant_id: str
    actor: Asker
    named: str
