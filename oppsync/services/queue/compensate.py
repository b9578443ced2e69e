"""A person gives up a deal whose projects cannot be finished: what was created is to be closed."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import CompensationBegun
from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.states import COMPENSABLE, State, check_move
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import Conflict
from oppsync.kernel.text_input import comment
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.admin.who_asks import admit
from oppsync.services.queue.commands import Compensate
from oppsync.services.queue.reach import check_reach


@dataclass(frozen=True)
class CompensateHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: Compensate) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.COMPENSATE)
            reason = comment(
                command.reason,
                "reason",
                required="Give a reason for giving the deal up; it is sent to the CRM.",
            )
            before = uow.opportunities.lock(command.tenant_id, command.opportunity_id)
            check_reach(uow, before.tenant_id, before, command.actor, Action.COMPENSATE)
            rows = uow.ledger.of(before.tenant_id, before.id)
            after = _compensating(before, reason, exists=any(row.may_exist for row in rows))
            uow.opportunities.change(before, after, HANDED_ON)
            uow.exceptions.close_open(
                before.tenant_id, before.id, actor, f"Given up: {reason}", ExceptionStatus.DISMISSED
            )
            uow.outbox.add(before.tenant_id, before.id, stage_for(after.state).name, before.traceparent)
            event = CompensationBegun(
                opportunity_id=before.id,
                actor=actor,
                before={"state": before.state.value},
                after={"state": after.state.value},
                detail={"reason": reason},
                summary=f"Given up, what was created is to be closed: {reason}",
            )
            self.publish(uow, before.tenant_id, before.traceparent, event)
            crash_point("compensation.uncommitted", before.source_id)
            uow.commit()
            crash_point("compensation.committed", before.source_id)


def _compensating(before: TrackedOpportunity, reason: str, *, exists: bool) -> TrackedOpportunity:
    """`exists`: something was made of it, also of one that is planned anew and was parked on its way."""
    if before.state is not State.PARKED or not (exists or before.stands_at in COMPENSABLE):
        raise Conflict("Only a deal parked after its approval can be given up.", code="NOT_COMPENSABLE")
    check_move(before.state, State.COMPENSATING)
    return changed(
        before,
        state=State.COMPENSATING,
        resume_state=None,
        tries=0,
        crashes=0,
        compensation_reason=reason,
    )
