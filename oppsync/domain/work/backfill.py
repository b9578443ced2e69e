"""Backfill: deals that were won before oppsync was connected to the CRM."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime

from oppsync.domain.deal.opportunity import OpportunityRef, StatedAmount
from oppsync.domain.values.model import Code, Frozen, Text


class WonDeal(Frozen):
    """A won opportunity as a list of the CRM shows it; `amount` as stated there, not validated."""

    id: Code
    version: Code
    modified_at: AwareDatetime
    name: Text
    account: Text | None = None
    amount: StatedAmount | None = None
    currency: Code | None = None
    won_on: date

    @property
    def ref(self) -> OpportunityRef:
        return OpportunityRef(id=self.id, version=self.version, modified_at=self.modified_at)


class BackfillItem(WonDeal):
    """`is_known`: the deal is stored already, and a backfill leaves it as it is."""

    is_known: bool


class BackfillPreview(Frozen):
    """Won deals, sorted by the day they were won."""

    connection_id: Code
    items: tuple[BackfillItem, ...]


class BackfillStep(Frozen):
    """Ids of deals taken in by this step, and of those that were known before. For deals in neither there was
    no room yet: repeat the step with them."""

    taken: tuple[Code, ...]
    known: tuple[Code, ...]
