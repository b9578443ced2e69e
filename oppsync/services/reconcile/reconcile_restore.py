"""After a restored backup: raise an item for each deal with projects in the ERP and none in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.approval.who_may import Action
from oppsync.domain.work.states import State
from oppsync.pipeline.restore_check import APPROVAL_LOST, LOST_BUT_CREATED, has_project_without_ledger_row
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.queue.items import raise_for_deal
from oppsync.services.reconcile.commands import ReconcileRestore


@dataclass(frozen=True)
class ReconcileRestoreHandler:
    """Looks into the ERP with no transaction open; each deal it finds gets its item in a commit of its own."""

    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: ReconcileRestore) -> Sequence[UUID]:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.RECONCILE_RESTORE)
            waiting = uow.opportunities.without_projects(command.tenant_id)
        return [each for each in waiting if self._raise_if_lost(command.tenant_id, actor, each)]

    def _raise_if_lost(self, tenant_id: str, actor: str, opportunity_id: UUID) -> bool:
        with self.uow() as uow:
            opportunity = uow.opportunities.get(tenant_id, opportunity_id)
        if not has_project_without_ledger_row(self.uow, self.systems, opportunity):
            return False
        problem = LOST_BUT_CREATED if opportunity.state is State.WITHDRAWN else APPROVAL_LOST
        with self.uow() as uow:
            event = raise_for_deal(
                uow,
                tenant_id,
                opportunity_id,
                [problem],
                actor=actor,
                record=opportunity.record,
                stage="approve",
            )
            self.publish(uow, tenant_id, opportunity.traceparent, event)
            uow.commit()
        return True
