"""After a restored backup: which deals have projects in the ERP of which nothing here knows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.approval.who_may import Action
from oppsync.domain.work.events import ExceptionRaised
from oppsync.domain.work.exceptions import NewException
from oppsync.domain.work.states import State
from oppsync.pipeline.restore_check import APPROVAL_LOST, STILL_THERE, exists_unknown
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.reconcile.commands import ReconcileRestore


@dataclass(frozen=True)
class ReconcileRestoreHandler:
    """Looks in the ERP with no transaction open; each deal it finds is told by a commit of its own."""

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
        if not exists_unknown(self.uow, self.systems, opportunity):
            return False
        found = STILL_THERE if opportunity.state is State.WITHDRAWN else APPROVAL_LOST
        with self.uow() as uow:
            item_id = uow.exceptions.raise_item(
                NewException(
                    tenant_id=tenant_id,
                    opportunity_id=opportunity_id,
                    stage="approve",
                    code=found.code,
                    message=found.message,
                    owner=found.owner,
                    findings=(found,),
                    payload_reference=f"record:{opportunity_id}",
                )
            )
            event = ExceptionRaised(
                opportunity_id=opportunity_id,
                actor=actor,
                detail={"exception": str(item_id), "codes": [found.code]},
                summary=f"{found.code}: {found.message}",
            )
            self.publish(uow, tenant_id, opportunity.traceparent, event)
            uow.commit()
        return True
