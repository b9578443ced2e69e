"""Deals that wait for approval are looked at again, because something about a person changed."""

from __future__ import annotations

from uuid import UUID

from oppsync.domain.work.states import State
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON
from oppsync.ports.storage.unit_of_work import UnitOfWork


def ask_others(uow: UnitOfWork, tenant_id: str, person_id: UUID | None) -> None:
    """Have the deals looked at again that wait for this person among others: the stage asks whom it has to ask
    from now on, or says that too few are left."""
    if person_id is None:
        return
    for opportunity_id in uow.approvals.asked(tenant_id, person_id):
        deal = uow.opportunities.lock(tenant_id, opportunity_id)
        if deal.state is State.AWAITING_APPROVAL:
            uow.opportunities.change(deal, deal, HANDED_ON)
            uow.outbox.add(tenant_id, deal.id, stage_for(deal.state).name, deal.traceparent)
