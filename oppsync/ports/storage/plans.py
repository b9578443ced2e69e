"""Storage of plans, of what they were made from, of what people overrode in them, and of baselines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple, Protocol
from uuid import UUID

from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.plan.overrides import NewOverride, PlanOverride
from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reference.book import ReferenceUse


class OpenPlan(NamedTuple):
    """The plan of a deal that has not ended; `name`: the deal's."""

    opportunity_id: UUID
    name: str
    plan: Plan


class WaitingPlan(NamedTuple):
    """The plan of a deal that waits for approval; `name`: the deal's, `number`: the version that made it."""

    opportunity_id: UUID
    name: str
    number: int


class Plans(Protocol):
    def add(self, tenant_id: str, opportunity_id: UUID, plan: Plan) -> int:
        """Store the plan, unless one of the same hash and content is stored; a content that was changed since
        is replaced. Returns its number, counted from 1."""

    def get(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Plan:
        """Its content is hashed anew. Raises NotFound, and PlanTampered where the hash is another."""

    def others(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Sequence[Plan]:
        """The opportunity's other plans, the latest first. Raises PlanTampered, as `get`."""

    def systems_of(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> PlanSystems | None:
        """The systems the plan goes to; None when none are stored with it, or there is no such plan."""

    def open_at(self, tenant_id: str, erp: str, codes: Sequence[str]) -> Sequence[OpenPlan]:
        """The plans of all deals that have not ended which go to this ERP and contain one of these texts. Plans
        that cannot be read are left out."""

    def waiting_by_others(
        self, tenant_id: str, fingerprint: str, limit: int
    ) -> tuple[Sequence[WaitingPlan], int]:
        """The plans that wait for approval and that a version with other rows than these made, newest deals
        first; and how many there are in all."""

    def changers(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Collection[str]:
        """The actors who made or approved a change of the live firm's configuration that the plan uses, as its
        provenance has it."""

    def changers_of_rows(
        self, tenant_id: str, used: Sequence[ReferenceUse], up_to: int | None = None
    ) -> Collection[str]:
        """As `changers`, for a plan that is not stored. `up_to`: the version that it was made by; None where it
        has no number."""


class WonDeal(NamedTuple):
    """A won deal and its latest plan. `read_by`: the connection to its CRM; `is_kept`: whether what the plan
    was made from is kept."""

    id: UUID
    source_id: str
    read_by: str
    plan_hash: str
    won_on: date | None
    is_kept: bool


class KeptInputs(Protocol):
    """What plans were made from, one for each plan hash."""

    def keep(self, tenant_id: str, opportunity_id: UUID, plan_hash: str, inputs: PlanInputs) -> None:
        """Store them beside the stored plan, in place of those by which it was made before."""

    def get(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> PlanInputs | None:
        """None of a plan of a release that did not keep them. Raises NewerRelease."""

    def last_won(self, tenant_id: str, limit: int) -> Sequence[WonDeal]:
        """The deals that were won last and have a plan, the last first. Deals that came to nothing are left
        out."""

    def of_deals(self, tenant_id: str, deals: Sequence[WonDeal]) -> Sequence[tuple[WonDeal, PlanInputs]]:
        """In the order of `deals`, without those of which nothing is kept. Raises NewerRelease."""


class PlanOverrides(Protocol):
    """Append only: every override is kept, and the latest of a field counts
    (`domain.plan.overrides.latest`)."""

    def add(self, tenant_id: str, opportunity_id: UUID, person: Person, new: NewOverride) -> PlanOverride: ...

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        """All overrides of an opportunity, oldest first, those taken back too."""


class Baselines(Protocol):
    def freeze(self, tenant_id: str, opportunity_id: UUID, baseline: Baseline) -> None:
        """Store it, unless this opportunity has one: that one stays as it is."""
