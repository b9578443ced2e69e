"""While a plan waits for people: remind them, tell others, give up, each at its time; and look again when
somebody leaves or comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from oppsync.domain.approval.business_hours import calendar_of
from oppsync.domain.approval.deciding import bars_for_good, may_decide
from oppsync.domain.approval.due_times import Calendars, DueNow, Steps, due_now
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.plan.plan import Plan, short_hash
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import held_as
from oppsync.domain.work.events import ApprovalEscalated
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import State
from oppsync.kernel.plain_text import quoted_in_mail
from oppsync.pipeline.duties import Duties
from oppsync.pipeline.notify import Notification, notification, notify
from oppsync.pipeline.stage import Outcome, Park, StageContext, Wait

EXPIRED = "APPROVAL_EXPIRED"


def wait_for_people(context: StageContext, plan: Plan, known: Duties) -> Outcome:
    """Wait for decisions until something else is due. Without a step that has times and without absences, until
    somebody decides."""
    book, now = context.sources.book(), context.clock.now()
    steps = _timed_steps(book, now)
    tasks = [task for task in known.of_plan(plan.hash) if task.status is TaskStatus.OPEN]
    due = due_now(tasks, steps, _calendars(plan, known, book, now), now) if steps else DueNow()
    if due.expired:
        return _expired(context, due, known)
    asked = {task.id: _to_ask(task, step, plan, known) for task, step in due.escalated}
    wider = known._replace(tasks=[_put_to(task, asked.get(task.id, ())) for task in known.tasks])
    told = [*_reminders(context, plan, known, due), *_escalations(context, plan, known, due)]
    waiting = notify(context, plan, wider, told)
    newly = {task.id: asked[task.id] for task, _ in due.escalated if asked[task.id]}
    events = [_escalated(context, task, known, newly[task.id]) for task, _ in due.escalated if task.id in newly]
    until = min(filter(None, (due.next_at, _next_absence(context, tasks))), default=None)
    return replace(waiting, ask=_candidates(tasks, newly), events=events, wait=_wait(until))


def _timed_steps(book: ReferenceBook, now: datetime) -> Steps:
    """The steps of today that have times, by code."""
    today = now.date()
    found = {use.key: step for step, use in book.all(ApprovalStep, ReferenceKind.APPROVAL_STEP, today)}
    return {code: step for code, step in found.items() if step.has_times}


def _calendars(plan: Plan, known: Duties, book: ReferenceBook, now: datetime) -> Calendars:
    entity = book.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, plan.content.legal_entity, now.date())
    of_entity = entity[0] if entity else None
    return {each.id: calendar_of(each.calendar, of_entity, book, now.date()) for each in known.people}


def _expired(context: StageContext, due: DueNow, known: Duties) -> Park:
    found = [
        finding(
            EXPIRED,
            f"Nobody decided for {task.seat.words} within {step.expires_after} business hours: asked were "
            + ", ".join(map(known.name_of, task.candidates)),
            path="/approvals",
            value=task.role,
        )
        for task, step in due.expired
    ]
    return Park(
        context.opportunity,
        found,
        record_reference(context.opportunity.id),
        resume=State.PLANNED,
        expired=[task.id for task, _ in due.expired],
    )


def _told(step: ApprovalStep, known: Duties) -> Sequence[Person]:
    """Those of the escalation who are here and have no part in the deal."""
    roles = {held_as(role) for role in step.escalate_to}
    found = [
        each
        for each in known.people
        if each.is_active and each.can_sign_in and not bars_for_good(each, known.involved)
        if not roles.isdisjoint(each.roles) or each.email.lower() in step.escalate_to_people
    ]
    return known.present(found)


def _to_ask(task: ApprovalTask, step: ApprovalStep, plan: Plan, known: Duties) -> Sequence[Person]:
    """Those of the escalation who may decide it and were not asked yet."""
    others = [each for each in known.of_plan(plan.hash) if each.id != task.id]
    asks = task.seat.asks
    return [
        each
        for each in _told(step, known)
        if each.id not in task.candidates and may_decide(each, asks, known.involved, others) is None
    ]


def _put_to(task: ApprovalTask, further: Sequence[Person]) -> ApprovalTask:
    if not further:
        return task
    return changed(task, candidates=(*task.candidates, *(each.id for each in further)))


def _candidates(
    tasks: Sequence[ApprovalTask], newly: Mapping[UUID, Sequence[Person]]
) -> Mapping[UUID, Sequence[UUID]]:
    return {task.id: _put_to(task, newly[task.id]).candidates for task in tasks if task.id in newly}


def _reminders(context: StageContext, plan: Plan, known: Duties, due: DueNow) -> Sequence[Notification]:
    name, customer = quoted_in_mail(plan.content.name), quoted_in_mail(plan.content.customer_name)
    people = {each.id: each for each in known.people}
    return [
        notification(
            context,
            task,
            people[person_id],
            f"Reminder: approve the plan of {name}",
            f"{name} for {customer} still needs your decision for {task.seat.words} on plan "
            f"{short_hash(plan.hash)}. It waits since {task.opened_at:%d %B %Y}.",
            path=("/reminder" if number == 1 else f"/reminder/{number}") + _since(task),
        )
        for task, person_id, number in due.reminders
        if not known.involved.is_away(people[person_id])
    ]


def _since(task: ApprovalTask) -> str:
    """What is sent once is sent anew when a person put the task to others."""
    return f"/{task.asked_at:%Y%m%dT%H%M%S%f}" if task.asked_at else ""


def _escalations(context: StageContext, plan: Plan, known: Duties, due: DueNow) -> Sequence[Notification]:
    """For those of the escalation who are not asked: see that somebody decides."""
    name, customer = quoted_in_mail(plan.content.name), quoted_in_mail(plan.content.customer_name)
    return [
        notification(
            context,
            task,
            person,
            f"Nobody decided yet: the plan of {name}",
            f"{name} for {customer} waits since {task.opened_at:%d %B %Y} for a decision for {task.seat.words} "
            f"on plan {short_hash(plan.hash)}. Asked were {', '.join(map(known.name_of, task.candidates))}. "
            "See that one of them decides, or that it is put to others.",
            path=f"/escalation{_since(task)}",
        )
        for task, step in due.escalated
        for person in _told(step, known)
        if person.id not in task.candidates and person not in _to_ask(task, step, plan, known)
    ]


def _escalated(
    context: StageContext, task: ApprovalTask, known: Duties, further: Sequence[Person]
) -> ApprovalEscalated:
    names = ", ".join(each.name for each in further)
    return ApprovalEscalated(
        opportunity_id=context.opportunity.id,
        actor=stage_actor(context.stage),
        before={"candidates": [known.name_of(each) for each in task.candidates]},
        after={"role": task.role, "plan": task.plan_hash},
        detail={"task": str(task.id), "asked": [each.email for each in further]},
        summary=f"Nobody decided for {task.seat.words} in time: {names} are asked too",
    )


def _next_absence(context: StageContext, tasks: Sequence[ApprovalTask]) -> datetime | None:
    """When the next absence begins or ends of somebody who was asked, or for whom one of them decides."""
    asked = {person for task in tasks for person in task.candidates}
    with context.uow.reading() as uow:
        absences = uow.absences.all(context.opportunity.tenant_id)
    theirs = [each for each in absences.rows if not asked.isdisjoint({each.person_id, each.delegate_id})]
    return absences._replace(rows=theirs).next_change()


def _wait(until: datetime | None) -> Wait | None:
    if until is None:
        return None
    return Wait(until, f"It is looked at again by itself on {until:%d %B %Y at %H:%M} UTC at the latest")
