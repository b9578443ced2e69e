"""When an approval that waits is due, by the calendars of those who were asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from oppsync.domain.approval.due_times import MOST_REMINDERS, DueNow, Reminder, due_now
from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.reference.calendars import Calendar, Weekday
from oppsync.domain.values.model import changed

BERLIN = ZoneInfo("Europe/Berlin")
ANN, BEA = UUID(int=1), UUID(int=2)
FULL = Calendar(code="FULL", country="DE", time_zone="Europe/Berlin")
# Works on Mondays only.
SELDOM = changed(FULL, code="SELDOM", hours={Weekday.MONDAY: "09:00-17:00"})
STEP = ApprovalStep(
    name="Finance",
    roles=("finance",),
    remind_after=8,
    escalate_after=10,
    escalate_to=("cfo",),
    expires_after=12,
)


def at(day: int, hour: int) -> datetime:
    """In March 2026, which begins on a Sunday."""
    return datetime(2026, 3, day, hour, tzinfo=BERLIN)


OPENED = at(2, 9)  # a Monday
TASK = ApprovalTask(
    id=UUID(int=9),
    opportunity_id=UUID(int=8),
    plan_hash="ab",
    role="finance",
    status=TaskStatus.OPEN,
    candidates=(ANN, BEA),
    opened_at=OPENED,
)


def due(now: datetime, step: ApprovalStep = STEP, task: ApprovalTask = TASK) -> DueNow:
    return due_now([task], {"finance": step}, {ANN: FULL, BEA: SELDOM}, now)


def test_each_is_reminded_after_business_hours_of_their_own_and_again_a_few_times() -> None:
    quiet = changed(STEP, escalate_after=None, escalate_to=(), expires_after=None, remind_after=9)

    assert due(at(3, 9), quiet) == DueNow(next_at=at(3, 10))
    assert due(at(3, 10), quiet) == DueNow((Reminder(TASK, ANN, 1),), next_at=at(4, 11))
    assert due(at(4, 11), quiet) == DueNow((Reminder(TASK, ANN, 2),), next_at=at(5, 12))
    assert due(at(9, 10), quiet) == DueNow((Reminder(TASK, ANN, 4), Reminder(TASK, BEA, 1)), next_at=at(9, 14))
    months_later = due(datetime(2026, 9, 1, tzinfo=BERLIN), quiet)
    assert months_later == DueNow((Reminder(TASK, ANN, MOST_REMINDERS), Reminder(TASK, BEA, MOST_REMINDERS)))


def test_a_task_is_escalated_and_expires_when_the_time_is_up_for_the_first() -> None:
    """Bea's ten hours are over a week later."""
    assert not due(at(3, 10)).escalated
    escalated = due(at(3, 11))
    assert (escalated.escalated, escalated.expired, escalated.next_at) == (((TASK, STEP),), (), at(3, 13))
    assert due(at(3, 13)).expired == ((TASK, STEP),)


def test_nothing_is_due_without_a_step_of_today_and_of_what_was_decided() -> None:
    later = at(30, 9)
    assert due_now([TASK], {"tax": STEP}, {ANN: FULL, BEA: FULL}, later) == DueNow()
    assert due(later, task=changed(TASK, status=TaskStatus.APPROVED)) == DueNow()
    assert due(
        later, changed(STEP, remind_after=None, escalate_after=None, escalate_to=(), expires_after=None)
    ) == (DueNow())


def test_the_second_seat_of_a_step_has_its_times_too() -> None:
    second = changed(TASK, role="finance#2")

    assert due(at(3, 13), task=second).expired == ((second, STEP),)


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ({"escalate_after": 4}, "give both"),
        ({"escalate_to": ("cfo",)}, "give both"),
        ({"remind_after": 8, "expires_after": 8}, "expires_after is the last"),
        ({"remind_after": 0}, "greater than or equal to 1"),
        ({"expires_after": 2_001}, "less than or equal to 2000"),
    ],
)
def test_times_that_cannot_be_are_refused(times: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ApprovalStep.model_validate({"name": "Finance", "roles": ("finance",), **times})
