"""When an approval that waits is due: whom to remind, when others are told of it, when it expires. Pure: a
task, its step as it is today, the calendars of those who were asked, and the time.

A person is reminded after business hours of their own calendar, and again after as many more, a few times. A
task is escalated, and expires, when that time is up for the first of those who were asked, so that nobody's
longer weekend holds a deal up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.business_hours import after
from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.reference.calendars import Calendar

Calendars = Mapping[UUID, Calendar]
Steps = Mapping[str, ApprovalStep]


# However long it waits: who did not act on so many does not act on one more.
MOST_REMINDERS = 5


class Reminder(NamedTuple):
    """`number`: of those to this person about this task, counted from 1."""

    task: ApprovalTask
    person: UUID
    number: int


class DueNow(NamedTuple):
    """`reminders`: the latest that is due of each who was asked. `next_at`: when the next thing becomes due;
    None where nothing more does."""

    reminders: Sequence[Reminder] = ()
    escalated: Sequence[tuple[ApprovalTask, ApprovalStep]] = ()
    expired: Sequence[tuple[ApprovalTask, ApprovalStep]] = ()
    next_at: datetime | None = None


def due_now(tasks: Iterable[ApprovalTask], steps: Steps, calendars: Calendars, now: datetime) -> DueNow:
    """What is due of a plan's open tasks. `steps`: by their codes; a task without one is never due."""
    reminders: list[Reminder] = []
    escalated: list[tuple[ApprovalTask, ApprovalStep]] = []
    expired: list[tuple[ApprovalTask, ApprovalStep]] = []
    coming: list[datetime] = []
    for task in tasks:
        step = steps.get(task.seat.asks.step)
        if step is None or task.status is not TaskStatus.OPEN:
            continue
        latest: dict[UUID, Reminder] = {}
        asked = {person: calendars[person] for person in task.candidates if person in calendars}
        for number in range(1, MOST_REMINDERS + 1):
            reminded = _each(task, step.remind_after, asked, number)
            latest |= {person: Reminder(task, person, number) for person, at in reminded.items() if at <= now}
            coming += [at for at in reminded.values() if at > now]
        reminders += latest.values()
        escalates = min(_each(task, step.escalate_after, asked).values(), default=None)
        expires = min(_each(task, step.expires_after, asked).values(), default=None)
        escalated += [(task, step)] if escalates and escalates <= now else []
        expired += [(task, step)] if expires and expires <= now else []
        coming += [at for at in (escalates, expires) if at and at > now]
    return DueNow(tuple(reminders), tuple(escalated), tuple(expired), min(coming, default=None))


def _each(task: ApprovalTask, hours: int | None, asked: Calendars, times: int = 1) -> Mapping[UUID, datetime]:
    """For each who was asked, the moment after so many times so many business hours since the task was opened,
    or put to others."""
    if hours is None:
        return {}
    wanted = timedelta(hours=hours * times)
    return {person: after(task.asked_since, wanted, calendar) for person, calendar in asked.items()}
