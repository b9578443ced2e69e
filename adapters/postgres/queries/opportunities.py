"""Read opportunities for pages, API and command line."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, or_, select

from adapters.postgres.queries.base import SUMMARY, WARNINGS, Reading, escaped, one, page, summaries, to_summary
from adapters.postgres.queries.deal_conditions import conditions
from adapters.postgres.rows import pick, to_ledger_row
from adapters.postgres.tables import audit, effects, opportunities, plans, vendor_calls
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.reading.deal_filter import DealFilter
from oppsync.domain.reading.readings import OpportunityDetail, OpportunitySummary, Page, TimelineEntry
from oppsync.domain.work.states import State

LATEST_CALLS = 200


class PostgresOpportunityQueries(Reading):
    """Implements `oppsync.ports.queries.opportunities.OpportunityQueries`."""

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
        query = summaries(SUMMARY).where(opportunities.c.tenant_id == tenant_id)
        if state is not None:
            query = query.where(opportunities.c.state == state)
        if text:
            like = f"%{escaped(text)}%"
            named = (opportunities.c.name, opportunities.c.account, opportunities.c.source_id)
            query = query.where(or_(*(column.ilike(like, escape="\\") for column in named)))
        if wanted is not None:
            query = query.where(*conditions(wanted))
        with self.reading() as connection:
            return page(connection, query, opportunities.c.id, to_summary, after=after, limit=limit)

    def opportunity(self, tenant_id: str, opportunity_id: UUID) -> OpportunityDetail:
        columns = (
            *SUMMARY,
            opportunities.c.record,
            opportunities.c.approved_record,
            opportunities.c.changes_since_approval,
            opportunities.c.confirmations,
            opportunities.c.plan_hash,
            opportunities.c.enrichment["replaces"].astext.label("replaces"),
            opportunities.c.tries,
            opportunities.c.due_at.label("next_at"),
            (opportunities.c.reread_requested > opportunities.c.reread_done).label("reread_due"),
            plans.c.number.label("plan_number"),
            WARNINGS,
        )
        current = and_(
            plans.c.tenant_id == opportunities.c.tenant_id,
            plans.c.opportunity_id == opportunities.c.id,
            plans.c.hash == opportunities.c.plan_hash,
        )
        query = (
            summaries(columns, plans, current)
            .where(opportunities.c.tenant_id == tenant_id)
            .where(opportunities.c.id == opportunity_id)
        )
        with self.reading() as connection:
            row = one(connection, query, "opportunity")
        values = pick(row, OpportunityDetail)
        for name in ("record", "approved_record"):
            values[name] = Opportunity.model_validate(row[name]) if row[name] else None
        return OpportunityDetail.model_validate(values)

    def timeline(self, tenant_id: str, opportunity_id: UUID) -> Sequence[TimelineEntry]:
        query = (
            select(audit)
            .where(audit.c.tenant_id == tenant_id, audit.c.opportunity_id == opportunity_id)
            .order_by(audit.c.at, audit.c.id)
        )
        with self.reading() as connection:
            rows = connection.execute(query).mappings()
            return [TimelineEntry.model_validate(pick(row, TimelineEntry)) for row in rows]

    def vendor_calls(self, tenant_id: str, opportunity_id: UUID) -> Sequence[VendorCall]:
        query = (
            select(vendor_calls)
            .where(vendor_calls.c.tenant_id == tenant_id, vendor_calls.c.opportunity_id == opportunity_id)
            .order_by(vendor_calls.c.id.desc())
            .limit(LATEST_CALLS)
        )
        with self.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [VendorCall.model_validate(pick(row, VendorCall)) for row in reversed(rows)]

    def effects(self, tenant_id: str, opportunity_id: UUID) -> Sequence[LedgerRow]:
        query = (
            select(effects)
            .where(effects.c.tenant_id == tenant_id, effects.c.opportunity_id == opportunity_id)
            .order_by(effects.c.intended_at, effects.c.key)
        )
        with self.reading() as connection:
            return [to_ledger_row(row) for row in connection.execute(query).mappings()]
