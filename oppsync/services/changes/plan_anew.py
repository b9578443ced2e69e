"""A person has a deal that waits for approval, or is approved, planned anew with today's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.approval.who_may import Action
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.values.model import changed, require
from oppsync.domain.work.events import ApprovalVoided, PlannedAnew
from oppsync.domain.work.states import COMPENSABLE, PLANNABLE_ANEW, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import Conflict
from oppsync.kernel.text_input import comment
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.who_asks import admit
from oppsync.services.changes.commands import PlanAnew
from oppsync.services.queue.reach import check_reach
from oppsync.services.queue.resume import resume


@dataclass(frozen=True)
class PlanAnewHandler:
    """Voids the approvals only where they are to be asked for again; otherwise they fall with the new plan,
    unless it has the old hash."""

    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: PlanAnew) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.PLAN_ANEW)
            reason = comment(
                command.reason, "reason", required="Give a reason for the new plan; approvers will see it."
            )
            # Locked: an outcome of a worker that is at work on it takes turns with this, and is not recorded.
            before = uow.opportunities.lock(command.tenant_id, command.opportunity_id)
            check_reach(uow, before.tenant_id, before, command.actor, Action.PLAN_ANEW)
            replacing = _replacing(uow, before)
            uow.exceptions.close_open(before.tenant_id, before.id, actor, f"Planned anew: {reason}")
            event = PlannedAnew(
                opportunity_id=before.id,
                actor=actor,
                before={"plan": before.plan_hash},
                detail={"reason": reason},
                summary=f"To be planned anew in place of plan {short_hash(before.plan_hash or '')}: {reason}",
            )
            voided = _void(uow, before, actor) if command.ask_again else ()
            self.publish(uow, before.tenant_id, before.traceparent, event, *voided)
            resume(
                uow,
                self.publish,
                before,
                State.RECEIVED,
                actor=actor,
                after_what="to be planned anew",
                detail={"reason": reason},
                anew=replacing,
            )
            crash_point("plan_anew.uncommitted", before.source_id)
            uow.commit()
            crash_point("plan_anew.committed", before.source_id)


def _void(uow: UnitOfWork, before: TrackedOpportunity, actor: str) -> Sequence[ApprovalVoided]:
    """Void all approvals, whatever hash the new plan will have: a person doubts who gave them."""
    count = uow.approvals.void(before.tenant_id, before.id, None)
    if count == 0:
        return []
    return [
        ApprovalVoided(
            opportunity_id=before.id,
            actor=actor,
            detail={"tasks": count, "plan": before.plan_hash},
            summary=f"{count} approval tasks no longer count: everybody is asked again",
        )
    ]


def _replacing(uow: UnitOfWork, before: TrackedOpportunity) -> TrackedOpportunity:
    """The deal, marked as planned anew in place of its plan where that was approved, or something was made of
    it: a plan that people are only asked about is replaced as when the CRM's record changes."""
    if before.stands_at not in PLANNABLE_ANEW:
        raise Conflict(
            f"Only a deal that has a plan and is not active yet is planned anew; this one is "
            f"{before.stands_at.replace('_', ' ')}.",
            code="NOT_PLANNABLE_ANEW",
        )
    if before.stands_at in COMPENSABLE or (before.replaces is None and _has_begun(uow, before)):
        enrichment = require(before.enrichment, "the enrichment")
        return changed(before, enrichment=changed(enrichment, replaces=before.plan_hash))
    _refuse_rejected(uow, before)
    return before


def _has_begun(uow: UnitOfWork, before: TrackedOpportunity) -> bool:
    return any(row.may_exist for row in uow.ledger.of(before.tenant_id, before.id))


def _refuse_rejected(uow: UnitOfWork, before: TrackedOpportunity) -> None:
    """A rejection that is not worked yet ends the plan, and is not passed over."""
    tasks = uow.approvals.of(before.tenant_id, before.id)
    if any(each.status is TaskStatus.REJECTED and each.plan_hash == before.plan_hash for each in tasks):
        raise Conflict("This plan was rejected already.", code="ALREADY_DECIDED")
