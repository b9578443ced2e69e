"""Try a deal of the CRM: what would it become with what is set up by now?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.values.findings.finding import blocking
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import DealTried
from oppsync.domain.work.tenants import TriedDeal
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.admin.who_asks import admit
from oppsync.services.insight.commands import PreviewPlan
from oppsync.services.set_up.commands import TryDeal


@dataclass(frozen=True)
class TryDealHandler:
    """No transaction is open while the systems are asked."""

    uow: UnitOfWorkFactory
    publish: Publish
    preview: Callable[[PreviewPlan], PlanPreview]
    clock: Clock

    def __call__(self, command: TryDeal) -> PlanPreview:
        with self.uow.reading() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.TRY_DEAL)
        record_id = command.record_id.strip()
        if not record_id:
            raise InvalidInput("Give the id of a deal in the CRM.", field="record")
        shown = self.preview(PreviewPlan(command.tenant_id, command.actor, record_id))
        tried = TriedDeal(
            at=self.clock.now(),
            record_id=shown.record_id,
            name=shown.name,
            plan_hash=shown.hash,
            stopped_by=tuple(dict.fromkeys(found.code for found in blocking(shown.findings))),
        )
        with self.uow() as uow:
            uow.tenants.keep_tried_deal(command.tenant_id, tried)
            self.publish(uow, command.tenant_id, new_traceparent(), _event(tried, actor))
            uow.commit()
        return shown


def _event(tried: TriedDeal, actor: str) -> DealTried:
    became = "would become a plan" if tried.would_become_a_plan else "would stop"
    return DealTried(
        opportunity_id=None,
        actor=actor,
        after=tried.model_dump(mode="json", exclude={"at"}),
        summary=f"{tried.name} ({tried.record_id}) was tried: it {became}",
    )
