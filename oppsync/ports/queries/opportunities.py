"""What pages and API read about opportunities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.reading.deal_filter import DealFilter
from oppsync.domain.reading.readings import OpportunityDetail, OpportunitySummary, Page, TimelineEntry
from oppsync.domain.work.states import State


class OpportunityQueries(Protocol):
    def opportunities(
        self,
        tenant_id: str,
        *,
        state: State | None = None,
        text: str | None = None,
        wanted: DealFilter | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> Page[OpportunitySummary]:
        """`text` matches name, account or source id; `wanted` names what else has to hold. Raises InvalidInput
        for a cursor that is not ours."""

    def opportunity(self, tenant_id: str, opportunity_id: UUID) -> OpportunityDetail:
        """Raises NotFound."""

    def timeline(self, tenant_id: str, opportunity_id: UUID) -> Sequence[TimelineEntry]:
        """Oldest first."""

    def vendor_calls(self, tenant_id: str, opportunity_id: UUID) -> Sequence[VendorCall]:
        """The latest two hundred, oldest first."""

    def effects(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]: ...
