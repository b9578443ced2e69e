"""Record one person's decision on one plan's hash."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.deciding import decides_for, may_decide, refusal_in_words
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Decision, Person, TaskStatus
from oppsync.domain.approval.who_may import Action, check, name_of, who_can
from oppsync.domain.plan.approvals import seat_of
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.values.actor import scopes_of
from oppsync.domain.work.events import DecisionRefused, PlanApproved, PlanRejected
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import Conflict, Forbidden, OppsyncError
from oppsync.kernel.text_input import comment
from oppsync.pipeline.duties import duties, required_of
from oppsync.pipeline.signed import approved_plan, seal_decisions
from oppsync.pipeline.table import stage_for
from oppsync.ports.seals import Seals
from oppsync.ports.storage.opportunities import HANDED_ON
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.approvals.commands import DecideApproval
from oppsync.services.approvals.locked_task import locked_task
from oppsync.services.approvals.request_changes import SAY_WHAT, in_place_of_whom, request_changes

_STATUS = {Decision.APPROVE: TaskStatus.APPROVED, Decision.REJECT: TaskStatus.REJECTED}
_EVENT: dict[Decision, type[PlanApproved] | type[PlanRejected]] = {
    Decision.APPROVE: PlanApproved,
    Decision.REJECT: PlanRejected,
}

_REQUIRED = {
    Decision.REJECT: "Give a reason for the rejection.",
    Decision.REQUEST_CHANGES: SAY_WHAT,
}
_TRIED = {Decision.APPROVE: "approve", Decision.REJECT: "reject", Decision.REQUEST_CHANGES: "have changed"}

# Refusals that the timeline keeps: who may not tried it, or decided about what they had not seen, or about a
# plan that somebody changed in the database.
_KEPT = {*Refusal, "PLAN_CHANGED", PlanTampered.code}
_LONGEST_HASH = 64


@dataclass(frozen=True)
class DecideApprovalHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    seals: Seals

    def __call__(self, command: DecideApproval) -> ApprovalTask:
        with self.uow() as uow:
            tenant_id = command.tenant_id
            person, task, opportunity = locked_task(uow, tenant_id, command.task_id, command.actor)
            try:
                absent = _check(uow, command, task, opportunity, person)
                plan = approved_plan(uow, opportunity)
            except (Forbidden, Conflict, PlanTampered) as refused:
                if refused.code not in _KEPT:
                    raise
                if isinstance(refused, PlanTampered):
                    _hand_on(uow, opportunity)  # its stage parks it
                self._keep(uow, opportunity, _refused(command, task, person, refused))
                raise
            text = comment(command.comment, "comment", required=_REQUIRED.get(command.decision, ""))
            if command.decision is Decision.REQUEST_CHANGES:
                decided = request_changes(
                    uow, self.publish, opportunity, task, by=person, absent=absent, wanted=text
                )
            else:
                status, in_place_of = _STATUS[command.decision], absent.id if absent else None
                decided = uow.approvals.decide(
                    tenant_id, task, status, person.id, text, decided_for=in_place_of
                )
                seal_decisions(uow, self.seals, opportunity, [decided], plan)
                self._go_on(uow, opportunity, command, decided, _names(person, absent))
            crash_point("decision.uncommitted", task.role)
            uow.commit()
            crash_point("decision.committed", task.role)
        return decided

    def _keep(self, uow: UnitOfWork, opportunity: TrackedOpportunity, refused: DecisionRefused) -> None:
        """Committed although nothing else of the attempt is."""
        self.publish(uow, opportunity.tenant_id, opportunity.traceparent, refused)
        uow.commit()

    def _go_on(
        self,
        uow: UnitOfWork,
        opportunity: TrackedOpportunity,
        command: DecideApproval,
        task: ApprovalTask,
        who: tuple[str, str],
    ) -> None:
        actor, name = who
        verb = "approved" if command.decision is Decision.APPROVE else "rejected"
        event = _EVENT[command.decision](
            opportunity_id=opportunity.id,
            actor=actor,
            after={"role": task.role, "plan": task.plan_hash, "status": task.status.value},
            detail={"task": str(task.id), "comment": task.comment} | in_place_of_whom(task),
            summary=f"{name} {verb} plan {short_hash(task.plan_hash)} for {task.seat.words}",
        )
        self.publish(uow, opportunity.tenant_id, opportunity.traceparent, event)
        _hand_on(uow, opportunity)


def _names(person: Person, absent: Person | None) -> tuple[str, str]:
    """The actor, and the words for who decided."""
    return name_of(person), f"{person.name} for {absent.name}" if absent else person.name


def _hand_on(uow: UnitOfWork, opportunity: TrackedOpportunity) -> None:
    uow.opportunities.change(opportunity, opportunity, HANDED_ON)
    stage = stage_for(opportunity.state).name
    uow.outbox.add(opportunity.tenant_id, opportunity.id, stage, opportunity.traceparent)


def _refused(
    command: DecideApproval, task: ApprovalTask, person: Person, refused: OppsyncError
) -> DecisionRefused:
    return DecisionRefused(
        opportunity_id=task.opportunity_id,
        actor=name_of(person),
        detail={
            "task": str(task.id),
            "role": task.role,
            "plan": command.plan_hash[:_LONGEST_HASH],
            "decision": command.decision.value,
            "code": refused.code,
        },
        summary=f"{person.name} tried to {_TRIED[command.decision]} the plan for {task.seat.words}: "
        f"{refused.message}",
    )


def _check(
    uow: UnitOfWork,
    command: DecideApproval,
    task: ApprovalTask,
    opportunity: TrackedOpportunity,
    person: Person,
) -> Person | None:
    """The absent colleague for whom the person decides; None where they decide in their own right. Raises
    Forbidden, which names who can decide; Conflict."""
    known = duties(uow, command.tenant_id, opportunity.id, opportunity.record, task.plan_hash)
    uow.approvals.bar(command.tenant_id, opportunity.id, task.plan_hash, known.barred())
    others = [other for other in known.of_plan(task.plan_hash) if other.id != task.id]
    # As the plan has it, which its hash covers, and not as the task says.
    step = seat_of(task.role, required_of(uow, command.tenant_id, opportunity.id, task.plan_hash)).asks
    refusal = may_decide(person, step, known.involved, others)
    if refusal is not None:
        able = known.candidates(others, [step])[step.step]
        why = refusal_in_words(refusal, person, step, known.involved)
        raise Forbidden(f"{why} {who_can(each.name for each in able)}", code=refusal)
    check(person, Action.DECIDE_APPROVAL, scopes_of(command.actor))
    check_still_open(task, opportunity, command.plan_hash)
    return decides_for(person, step, known.involved, others)


def check_still_open(task: ApprovalTask, opportunity: TrackedOpportunity, plan_hash: str) -> None:
    """Raises Conflict unless this task, with the plan the person saw, is still to be decided."""
    if plan_hash != task.plan_hash or task.status is TaskStatus.VOID or task.plan_hash != opportunity.plan_hash:
        raise Conflict(
            "The plan changed since you opened it. Your decision was not recorded.", code="PLAN_CHANGED"
        )
    if task.status is not TaskStatus.OPEN:
        raise Conflict(f"This task is already {task.status}.", code="ALREADY_DECIDED")
    if opportunity.reread_due:
        raise Conflict(
            "The opportunity changed in the CRM and is being read again. Your decision was not recorded; "
            "try again in a moment.",
            code="REREAD_DUE",
        )
    if opportunity.state is not State.AWAITING_APPROVAL:
        raise Conflict("This opportunity is not waiting for approval now.", code="PLAN_CHANGED")
