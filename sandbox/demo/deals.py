"""The deals of one run: won in the CRM, with their progress in oppsync."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from adapters.bootstrap import Application
from oppsync.domain.reading.readings import OpportunitySummary, TimelineEntry
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.states import RESTING, State

DECIDED = RESTING | {State.APPROVED, State.CREATED, State.REFUSED}


@dataclass(frozen=True)
class WonDeal:
    """`record_id`: the opportunity's id in the CRM."""

    record_id: str
    name: str
    billing: str
    amount: str


@dataclass(frozen=True)
class Deals:
    """The deals of one run, in the order in which they were won."""

    application: Application
    won: Sequence[WonDeal]

    def now(self) -> list[OpportunitySummary | None]:
        """The present state of each; None while oppsync does not know it."""
        return [self._find(deal.record_id) for deal in self.won]

    def timeline(self, opportunity: OpportunitySummary) -> Sequence[TimelineEntry]:
        return self.application.queries.timeline(self.application.tenant_id, opportunity.id)

    def exceptions(self, opportunity: OpportunitySummary) -> Sequence[ExceptionItem]:
        return self.application.queries.exceptions(
            self.application.tenant_id, opportunity_id=opportunity.id
        ).rows

    def _find(self, record_id: str) -> OpportunitySummary | None:
        found = self.application.queries.opportunities(self.application.tenant_id, text=record_id)
        return next((row for row in found.rows if row.source_id == record_id), None)


def all_in(opportunities: Collection[OpportunitySummary | None], states: Collection[State]) -> bool:
    return all(each is not None and each.state in states for each in opportunities)
