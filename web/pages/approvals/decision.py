"""The approval page's texts about deciding: why somebody cannot, or what was recorded and comes next.

Texts only; whether a decision counts is judged when it is sent.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.deciding import (
    asked_in_words,
    decides_for,
    deciding_roles,
    may_decide,
    may_put_to_others,
)
from oppsync.domain.approval.refusals import REFUSAL_REASONS, Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus, VoidedAs
from oppsync.domain.approval.who_may import outside_in_words, who_can
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, Seat, seats
from oppsync.domain.reading.readings import ApprovalDetail
from oppsync.domain.values.roles import role_name
from oppsync.domain.work.states import State

_DECIDED = frozenset({TaskStatus.APPROVED, TaskStatus.REJECTED})
# As far as a deal may have come for an approval of it to be taken back; whether it may is judged then.
_WITHDRAWABLE = frozenset({State.PLANNED, State.AWAITING_APPROVAL, State.APPROVED, State.PARKED})


class CannotDecide(NamedTuple):
    """Why there is no form, and who can decide instead."""

    reason: str
    instead: str = ""


class Receipt(NamedTuple):
    decided: str
    next_step: str


def cannot_decide(detail: ApprovalDetail, me: Person) -> CannotDecide | None:
    """Why `me` may not decide; None when `me` may decide now."""
    task, plan = detail.task, f"plan {detail.plan_number}"
    if task.status in _DECIDED:
        return None if task.decided_by == me.id else CannotDecide(_decided(detail))
    if task.status is TaskStatus.VOID or detail.current_hash != task.plan_hash:
        return CannotDecide(_void(detail))
    barred = may_decide(me, detail.step, detail.involved, detail.others)
    if barred is not None:
        return CannotDecide(f"You can't decide {plan}: {_because(barred, detail, me)}.", _instead(detail))
    if detail.reread_due:
        return CannotDecide("This deal changed in the CRM and is being read again. Reload in a moment.")
    return None


_BARRED = {
    Refusal.OWN_OPPORTUNITY: "you own this opportunity, owned it before, or requested it",
    Refusal.EDITED_PLAN: (
        "you changed it, linked its customer or confirmed a finding of it: another approver decides"
    ),
    Refusal.EDITED_REFERENCE_DATA: (
        "you made or approved a change of the configuration that it uses: another approver decides"
    ),
    Refusal.STOOD_IN: (
        "you stand in for somebody with a part in it, or did for a working day while it waited: "
        "another approver decides"
    ),
}


def _because(barred: Refusal, detail: ApprovalDetail, me: Person) -> str:
    match barred:
        case Refusal.NOT_AN_APPROVER:
            return f"it needs {asked_in_words(detail.step)}"
        case Refusal.OUTSIDE_LIMITS:
            roles, place = deciding_roles(me, detail.step), detail.involved.place
            words = outside_in_words(me, roles, place).removesuffix(".")
            return words[0].lower() + words[1:]
        case Refusal.ALREADY_DECIDED_OTHER_ROLE:
            other = next(each for each in detail.others if each.decided_by is not None)
            return f"you decided it for {other.seat.name}, and each approval needs a different person"
        case _:
            return _BARRED[barred]


def why_me(detail: ApprovalDetail, me: Person) -> str:
    """Of somebody who may decide: why they are asked."""
    step = detail.step
    absent = decides_for(me, step, detail.involved, detail.others)
    if absent is not None:
        return f"You decide for {absent.name}, who is out of office."
    name, roles = detail.task.seat.name, sorted(role_name(role) for role in deciding_roles(me, step))
    if me.email.lower() in step.people:
        return f"{name} asks for you by name."
    if step in DEFAULT_APPROVALS:
        return f"{name} approves each plan; you have the role {' and '.join(roles)}."
    return f"{name} has to approve this plan; you have the role {' and '.join(roles)}."


def later(detail: ApprovalDetail) -> tuple[RequiredApproval, ...]:
    """The steps for which nobody was asked yet: they are once those before have approved. Of a plan that is
    over there are none."""
    if detail.current_hash != detail.task.plan_hash or detail.task.status is TaskStatus.VOID:
        return ()
    if TaskStatus.REJECTED in {each.status for each in (detail.task, *detail.others)}:
        return ()
    asked = {each.seat.asks.step for each in (detail.task, *detail.others)}
    return tuple(step for step in detail.plan.content.required if step.step not in asked)


def missing_besides(detail: ApprovalDetail) -> tuple[Seat, ...]:
    """Who has to approve the plan besides, and has not yet."""
    done = {each.role for each in detail.others if each.status is TaskStatus.APPROVED} | {detail.task.role}
    return tuple(seat for seat in seats(detail.plan.content.required) if seat.code not in done)


def receipt_of(detail: ApprovalDetail, me: Person) -> Receipt | None:
    """The decision of `me` on this task, and what comes next; None when `me` did not decide it."""
    task = detail.task
    if task.decided_by != me.id or not (task.status in _DECIDED or _asked_for_changes(task)):
        return None
    if _asked_for_changes(task):
        decided = f"You asked for changes of plan {detail.plan_number}."
        return Receipt(decided, "Next: sales changes the deal. Then its new plan is put to you.")
    verb = "approved" if task.status is TaskStatus.APPROVED else "rejected"
    absent = f", for {_name(detail, task.decided_for)}" if task.decided_for else ""
    decided = f"You {verb} plan {detail.plan_number} for {task.seat.name}{absent}."
    return Receipt(decided, _next(detail))


def may_withdraw(detail: ApprovalDetail, me: Person) -> bool:
    task = detail.task
    mine = task.status is TaskStatus.APPROVED and task.decided_by == me.id
    return mine and task.plan_hash == detail.current_hash and detail.opportunity_state in _WITHDRAWABLE


def may_reassign(detail: ApprovalDetail, me: Person) -> bool:
    """Whether the page offers to put it to others, where there is anybody else."""
    task = detail.task
    is_open = task.status is TaskStatus.OPEN and task.plan_hash == detail.current_hash
    is_choice = set(detail.may_decide) != set(task.candidates) or len(task.candidates) > 1
    return is_open and is_choice and may_put_to_others(me, detail.step, detail.involved)


def _asked_for_changes(task: ApprovalTask) -> bool:
    return task.status is TaskStatus.VOID and task.voided_as is VoidedAs.CHANGES_REQUESTED


def _next(detail: ApprovalDetail) -> str:
    if detail.task.status is TaskStatus.REJECTED:
        return "Next: your reason is sent to the CRM."
    waiting = [each for each in detail.others if each.status is TaskStatus.OPEN]
    if not waiting and not detail.is_complete:
        return "Next: whom the plan needs then is asked."
    if not waiting:
        return "Nothing more is needed: the projects are created next."
    return f"Next: {'; '.join(_waits_for(detail, each) for each in waiting)}."


def _waits_for(detail: ApprovalDetail, task: ApprovalTask) -> str:
    names = _names(detail, task.candidates)
    return f"{task.seat.name}{', ' + names if names else ''}"


def _decided(detail: ApprovalDetail) -> str:
    task = detail.task
    role = task.seat.name
    if task.rule is not None:
        return f"{task.rule} approved plan {detail.plan_number} for {role}. Nothing is left for you."
    who = who_decided(detail, task)
    verb = "approved" if task.status is TaskStatus.APPROVED else "rejected"
    return f"{who} {verb} plan {detail.plan_number} for {role}. Nothing is left for you."


def who_decided(detail: ApprovalDetail, task: ApprovalTask) -> str:
    """Such as `Tom`, or `Tom for Ana`, who was out of office."""
    who = _name(detail, task.decided_by)
    return f"{who} for {_name(detail, task.decided_for)}" if task.decided_for else who


def _name(detail: ApprovalDetail, person_id: UUID | None) -> str:
    return detail.people.get(person_id, "Somebody") if person_id else "Somebody"


def _void(detail: ApprovalDetail) -> str:
    ended = _ended(detail)
    if ended is not None:
        return ended
    rejected = next((each for each in detail.others if each.status is TaskStatus.REJECTED), None)
    if rejected is not None:
        who = detail.people.get(rejected.decided_by, "Somebody") if rejected.decided_by else "Somebody"
        role = rejected.seat.name
        return f"{who} rejected plan {detail.plan_number} for {role}. Nothing is left for you."
    if detail.opportunity_state is State.WITHDRAWN:
        return f"The deal is no longer won. Plan {detail.plan_number} is no longer valid."
    if detail.current_hash == detail.task.plan_hash:
        return f"Plan {detail.plan_number} has to be decided anew; the deal's timeline gives the reason."
    return f"The deal changed: plan {detail.plan_number} is no longer valid."


_VOIDED = {
    VoidedAs.CHANGES_REQUESTED: "{who} asked for changes of plan {plan}. It is decided anew.",
    VoidedAs.WITHDRAWN: "{who} took the approval of plan {plan} back. It is decided anew.",
    VoidedAs.EXPIRED: "{who} decided plan {plan} in time.",
}


def _ended(detail: ApprovalDetail) -> str | None:
    """Who or what ended this very task; None where something ended all tasks of the plan."""
    task, plan = detail.task, detail.plan_number
    who = detail.people.get(task.decided_by, "Somebody") if task.decided_by else "Nobody"
    if task.voided_as is not None:
        return _VOIDED[task.voided_as].format(who=who, plan=plan)
    if detail.opportunity_state is State.PARKED and _changes_asked(detail):
        return f"Changes of plan {plan} were asked for: sales changes the deal, and its plan is put anew."
    if task.void_because is not None and task.decided_by is not None:
        reason = REFUSAL_REASONS[Refusal(task.void_because)]
        return f"The approval of {who} does not stand any more: {who} {reason}. It is decided anew."
    return None


def _changes_asked(detail: ApprovalDetail) -> bool:
    return any(note.asks_for_changes and note.plan == detail.task.plan_hash for note in detail.notes)


def _instead(detail: ApprovalDetail) -> str:
    return who_can(detail.people[each] for each in detail.may_decide)


def _names(detail: ApprovalDetail, people: tuple[UUID, ...]) -> str:
    return " or ".join(detail.people[each] for each in people if each in detail.people)
