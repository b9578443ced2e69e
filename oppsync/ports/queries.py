"""The read side, for pages, API and command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from oppsync.domain.approvals import Person, TaskStatus
from oppsync.domain.baseline import Baseline
from oppsync.domain.calls import VendorCall
from oppsync.domain.effects import LedgerRow
from oppsync.domain.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.overrides import PlanOverride
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


class Queries(Protocol):
    """The read side. Lists are newest first unless said otherwise; `after` is a page's `next_cursor`."""

    def opportunities(
        self,
        tenant_id: str,
        *,
        state: State | None = None,
        text: str | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[OpportunitySummary]:
        """`text` matches name, account or source id. Raises InvalidInput for a cursor that is not ours."""

    def opportunity(self, tenant_id: str, opportunity_id: UUID) -> OpportunityDetail:
        """Raises NotFound."""

    def timeline(self, tenant_id: str, opportunity_id: UUID) -> Sequence[TimelineEntry]:
        """Oldest first."""

    def plan(self, tenant_id: str, opportunity_id: UUID, plan_hash: str | None = None) -> PlanReading:
        """The current plan, or the one of this hash. Raises NotFound."""

    def effects(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]: ...

    def vendor_calls(self, tenant_id: str, opportunity_id: UUID) -> Sequence[VendorCall]:
        """The latest two hundred, oldest first."""

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
        """With `person`: tasks of the roles that person has, without deals that person owns. Oldest first."""

    def approval(self, tenant_id: str, task_id: UUID) -> ApprovalDetail:
        """Raises NotFound."""

    def baseline(self, tenant_id: str, opportunity_id: UUID) -> Baseline:
        """Raises NotFound; also for a deal that was never active."""

    def overrides(self, tenant_id: str, opportunity_id: UUID) -> Sequence[PlanOverride]:
        """What people said of this deal's plan, oldest first."""

    def exceptions(
        self,
        tenant_id: str,
        *,
        status: ExceptionStatus | None = ExceptionStatus.OPEN,
        code: str | None = None,
        opportunity_id: UUID | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[ExceptionItem]: ...

    def exception(self, tenant_id: str, item_id: UUID) -> ExceptionItem:
        """Raises NotFound."""

    def delivery(self, tenant_id: str, event_id: UUID) -> DeliveryStatus:
        """Raises NotFound."""

    def polls(self, tenant_id: str) -> Sequence[PollStatus]:
        """Of each CRM connection that was polled, by id."""

    def counts(self, tenant_id: str, person: Person) -> OpenCounts: ...
