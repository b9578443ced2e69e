"""A person takes an approval of theirs back, until creation begins: it is asked anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus, VoidedAs
from oppsync.domain.approval.who_may import Action, name_of
from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import ApprovalWithdrawn, Event, StateChanged
from oppsync.domain.work.states import State, check_move
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import Conflict, Forbidden
from oppsync.kernel.text_input import comment
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON, ON_ACTION
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.approvals.commands import WithdrawApproval
from oppsync.services.approvals.locked_task import locked_task

# As far as a deal may have come for an approval of it to be taken back.
_WITHDRAWABLE = frozenset({State.PLANNED, State.AWAITING_APPROVAL, State.APPROVED})


@dataclass(frozen=True)
class WithdrawApprovalHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: WithdrawApproval) -> ApprovalTask:
        with self.uow() as uow:
            # Locked: creation begins before this or after it, and not meanwhile.
            person, task, before = locked_task(
                uow, command.tenant_id, command.task_id, command.actor, Action.WITHDRAW_APPROVAL
            )
            _check(uow, before, task, person)
            reason = comment(
                command.comment, "comment", required="Give a reason for taking your approval back."
            )
            withdrawn = uow.approvals.take_back(before.tenant_id, task.id, VoidedAs.WITHDRAWN)
            after = _asked_anew(before)
            uow.opportunities.change(before, after, ON_ACTION if after.state is State.PARKED else HANDED_ON)
            if after.state is not State.PARKED:
                uow.outbox.add(before.tenant_id, before.id, stage_for(after.state).name, before.traceparent)
            events = _events(before, after, task, person, reason)
            self.publish(uow, before.tenant_id, before.traceparent, *events)
            crash_point("withdrawal.uncommitted", before.source_id)
            uow.commit()
            crash_point("withdrawal.committed", before.source_id)
        return withdrawn


def _check(uow: UnitOfWork, deal: TrackedOpportunity, task: ApprovalTask, person: Person) -> None:
    if task.decided_by != person.id:
        raise Forbidden("Only who approved takes an approval back.", code="NOT_YOUR_APPROVAL")
    if task.status is not TaskStatus.APPROVED or task.plan_hash != deal.plan_hash:
        raise Conflict("This task has no approval of yours that counts.", code="NOTHING_TO_WITHDRAW")
    if deal.stands_at not in _WITHDRAWABLE or _creation_has_begun(uow, deal):
        raise Conflict(
            "The creation of its projects has begun, so the approval can no longer be taken back.",
            code="CREATION_BEGUN",
        )


def _creation_has_begun(uow: UnitOfWork, deal: TrackedOpportunity) -> bool:
    """Before everybody approved nothing is created. Afterwards a worker may be about to, or has tried. Of a
    deal planned anew, what earlier plans made is no beginning of this one."""
    if deal.stands_at is not State.APPROVED:
        return False
    since = _approved_at(uow, deal) if deal.enrichment and deal.enrichment.replaces else None
    tried = any(_was_tried(row, since) for row in uow.ledger.of(deal.tenant_id, deal.id))
    return tried or uow.opportunities.is_leased(deal.tenant_id, deal.id)


def _approved_at(uow: UnitOfWork, deal: TrackedOpportunity) -> datetime | None:
    """When the last of those who approved this plan did."""
    tasks = uow.approvals.of(deal.tenant_id, deal.id)
    approved = [
        task for task in tasks if task.plan_hash == deal.plan_hash and task.status is TaskStatus.APPROVED
    ]
    return max((task.decided_at for task in approved if task.decided_at), default=None)


def _was_tried(row: LedgerRow, since: datetime | None) -> bool:
    if not row.makes_something or row.state is EffectState.CANCELLED:
        return False
    return since is None or any(at >= since for at in (row.sent_at, row.confirmed_at) if at)


def _asked_anew(before: TrackedOpportunity) -> TrackedOpportunity:
    """Back to where a plan is put before people; one that is parked stays so, and a replay begins there."""
    if before.state is State.PARKED:
        return changed(before, resume_state=State.PLANNED)
    check_move(before.state, State.PLANNED)
    return changed(before, state=State.PLANNED, tries=0, crashes=0, waits_for=None)


def _events(
    before: TrackedOpportunity, after: TrackedOpportunity, task: ApprovalTask, person: Person, reason: str
) -> list[Event]:
    actor = name_of(person)
    withdrawn = ApprovalWithdrawn(
        opportunity_id=before.id,
        actor=actor,
        after={"role": task.role, "plan": task.plan_hash},
        detail={"task": str(task.id), "comment": reason},
        summary=f"{person.name} takes the approval of plan {short_hash(task.plan_hash)} for "
        f"{task.seat.words} back: {reason}",
    )
    if after.state is before.state:
        return [withdrawn]
    moved = StateChanged(
        opportunity_id=before.id,
        actor=actor,
        before={"state": before.state.value},
        after={"state": after.state.value},
        summary=f"{before.state} -> {after.state}",
    )
    return [withdrawn, moved]
