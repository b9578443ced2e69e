"""Backfill deals that were won before oppsync was connected: preview which there are, then receive those
chosen.

They enter the inbox as deliveries that we found, only as many at once as the pipeline works well, because
webhooks go on beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.work.backfill import BackfillItem, BackfillPreview, BackfillStep, WonDeal
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.intake import Source
from oppsync.domain.work.polling import synthetic_delivery
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.crm import Crm
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.intake.accept_delivery import accept
from oppsync.services.intake.commands import PreviewBackfill, RunBackfill

# While so many deals are being worked, no more are taken in.
MOST_AT_WORK = 50
# Ids asked for in one statement.
IDS = 1_000


@dataclass(frozen=True)
class PreviewBackfillHandler:
    uow: UnitOfWorkFactory
    systems: Systems

    def __call__(self, command: PreviewBackfill) -> BackfillPreview:
        with self.uow() as uow:
            admit(uow, command.tenant_id, command.actor, Action.BACKFILL)
            if command.until is not None and command.until <= command.since:
                raise InvalidInput("The last day must be after the first.", field="until")
            connection_id = _crm_connection(uow, command.tenant_id, command.connection_id)
        crm = self.systems.crm(connection_id)
        deals = _chosen(crm, crm.won_opportunities(command.since, command.until), command.ids)
        known: set[str] = set()
        with self.uow() as uow:
            for start in range(0, len(deals), IDS):
                ids = [deal.id for deal in deals[start : start + IDS]]
                known |= uow.opportunities.last_seen(command.tenant_id, connection_id, ids).keys()
        items = tuple(BackfillItem(**dict(deal), is_known=deal.id in known) for deal in deals)
        return BackfillPreview(connection_id=connection_id, items=items)


@dataclass(frozen=True)
class RunBackfillHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: RunBackfill) -> BackfillStep:
        tenant_id, connection_id = command.tenant_id, command.connection_id
        with self.uow() as uow:
            admit(uow, tenant_id, command.actor, Action.BACKFILL)
            room = max(0, MOST_AT_WORK - uow.opportunities.count_at_work(tenant_id))
            ids = [deal.id for deal in command.deals]
            known = uow.opportunities.last_seen(tenant_id, connection_id, ids)
            new = [deal for deal in command.deals if deal.id not in known][:room]
            for deal in sorted(new, key=lambda deal: deal.id):  # the order in which intake locks
                self._add(uow, tenant_id, connection_id, deal)
            crash_point("backfill.uncommitted")
            uow.commit()
            crash_point("backfill.committed")
        return BackfillStep(taken=tuple(deal.id for deal in new), known=tuple(known))

    def _add(self, uow: UnitOfWork, tenant_id: str, connection_id: str, deal: WonDeal) -> None:
        delivery = synthetic_delivery(tenant_id, connection_id, deal.ref, Source.BACKFILL)
        accept(uow, self.publish, delivery, [deal.ref])


def _chosen(crm: Crm, deals: Sequence[WonDeal], ids: Sequence[str]) -> Sequence[WonDeal]:
    """All when none is named. Raises InvalidInput for one that is not among them."""
    wanted = {crm.record_id(each): each for each in ids}
    won = {deal.id for deal in deals}
    if unknown := [written for record_id, written in wanted.items() if record_id not in won]:
        raise InvalidInput(f"Not won in that time, or not in the CRM: {', '.join(unknown)}.", field="ids")
    return [deal for deal in deals if not wanted or deal.id in wanted]


def _crm_connection(uow: UnitOfWork, tenant_id: str, named: str | None) -> str:
    """The CRM connection to use. Raises InvalidInput when it is not clear which."""
    crms = [each.id for each in uow.connections.of_tenant(tenant_id) if each.role is ConnectionRole.CRM]
    if named is None and len(crms) == 1:
        return crms[0]
    if named in crms:
        return named
    has = f"Name one of {', '.join(crms)}." if crms else "Add a connection of the role 'crm'."
    what = "Several CRMs are connected." if named is None else f"There is no CRM connection {named!r}."
    raise InvalidInput(f"{what} {has}", field="connection")
