"""Put an open approval to named colleagues who may decide it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.approval.deciding import may_decide, may_put_to_others
from oppsync.domain.approval.refusals import REFUSAL_REASONS, Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.approval.who_may import Action, name_of
from oppsync.domain.plan.approvals import RequiredApproval, seat_of
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.work.events import ApprovalReassigned
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import Forbidden, InvalidInput
from oppsync.kernel.text_input import words
from oppsync.pipeline.duties import Duties, duties, required_of
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.approvals.commands import ReassignApproval
from oppsync.services.approvals.decide_approval import check_still_open
from oppsync.services.approvals.locked_task import locked_task

MOST = 20


@dataclass(frozen=True)
class ReassignApprovalHandler:
    """Whom it is put to is asked and told by mail as anybody who is asked. Others who have the right may still
    decide it."""

    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: ReassignApproval) -> ApprovalTask:
        with self.uow() as uow:
            person, task, before = locked_task(
                uow, command.tenant_id, command.task_id, command.actor, Action.REASSIGN_APPROVAL
            )
            step = seat_of(task.role, required_of(uow, before.tenant_id, before.id, task.plan_hash)).asks
            known = duties(uow, before.tenant_id, before.id, before.record, task.plan_hash)
            _check_may(person, step, known)
            check_still_open(task, before, task.plan_hash)
            reason = words(command.comment, "comment", empty="")
            asked = _asked(known, task, step, command.to)
            reassigned = uow.approvals.ask(command.tenant_id, task.id, [each.id for each in asked])
            self._tell(uow, before, _reassigned(task, person, asked, reason))
            uow.commit()
        return reassigned

    def _tell(self, uow: UnitOfWork, before: TrackedOpportunity, event: ApprovalReassigned) -> None:
        """Has the approve stage send its messages."""
        self.publish(uow, before.tenant_id, before.traceparent, event)
        uow.opportunities.change(before, before, HANDED_ON)
        uow.outbox.add(before.tenant_id, before.id, stage_for(before.state).name, before.traceparent)


def _reassigned(task: ApprovalTask, by: Person, asked: Sequence[Person], reason: str) -> ApprovalReassigned:
    names, because = ", ".join(each.name for each in asked), f": {reason}" if reason else ""
    return ApprovalReassigned(
        opportunity_id=task.opportunity_id,
        actor=name_of(by),
        before={"candidates": [str(each) for each in task.candidates]},
        after={"candidates": [str(each.id) for each in asked]},
        detail={"task": str(task.id), "role": task.role, "plan": task.plan_hash, "comment": reason},
        summary=f"{by.name} asks {names} to decide plan {short_hash(task.plan_hash)} for {task.seat.words}"
        f"{because}",
    )


def _check_may(person: Person, step: RequiredApproval, known: Duties) -> None:
    """Raises Forbidden for an approver of another role, and for somebody who owns the deal."""
    if known.involved.owns(person):
        raise Forbidden(
            "You own this opportunity, owned it before, or requested it; another person has to do this.",
            code=Refusal.OWN_OPPORTUNITY,
        )
    if not may_put_to_others(person, step, known.involved):
        raise Forbidden(
            f"You do not approve this for {step.words}. Who does, or operations of its entity and region, "
            "puts it to others."
        )


def _asked(known: Duties, task: ApprovalTask, step: RequiredApproval, to: Sequence[UUID]) -> Sequence[Person]:
    """The people of these ids. Raises InvalidInput for one who may not decide."""
    if not to or len(to) > MOST:
        raise InvalidInput(f"Name one to {MOST} people.", field="to")
    others = [each for each in known.of_plan(task.plan_hash) if each.id != task.id]
    return [_able(known, step, others, person_id) for person_id in dict.fromkeys(to)]


def _able(known: Duties, step: RequiredApproval, others: Sequence[ApprovalTask], person_id: UUID) -> Person:
    person = next((each for each in known.people if each.id == person_id and each.is_active), None)
    if person is None:
        raise InvalidInput(f"No active person has the id {person_id}.", field="to")
    refusal = may_decide(person, step, known.involved, others)
    if refusal is not None:
        raise InvalidInput(f"{person.name} {REFUSAL_REASONS[refusal]}.", field="to")
    if not person.can_sign_in:
        raise InvalidInput(f"{person.name} has no password yet and cannot sign in.", field="to")
    return person
