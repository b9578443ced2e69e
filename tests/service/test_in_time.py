"""Approvals that nobody decides: people are reminded, others are told and asked, and in the end it expires."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus, VoidedAs
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.policy.approval_step import ApprovalStep, FurtherRole
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.reference.calendars import Calendar, Weekday
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.services.admin.commands import SetRoles
from oppsync.services.approvals.commands import EnterAbsence, SetCalendar
from oppsync.services.configuration.commands import ApplyConfiguration
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.service.test_approvals import hire
from tests.service.test_asked_anew import reassign
from tests.service.test_out_of_office import asked, mails

FIRM, ROWS = bundle()
BEGIN = date(2026, 1, 1)
OLGA = "olga.operations@example.com"
FRED, BOSS = "fred.finance@example.com", "boss@example.com"
# Day and night, and only few holidays: stories count in days.
ALWAYS = Calendar(code="ALWAYS", country="DE", time_zone="UTC", hours=dict.fromkeys(Weekday, "00:00-23:59"))
REMINDED = {"remind_after": 8}


def configure(house: House, *people: str, **times: Any) -> None:
    """Finance's approval has these times; these people, or both who are asked, work all the time."""
    step = ApprovalStep(name="Finance", roles=("finance",), **times)
    rows = [
        _row(ReferenceKind.APPROVAL_ROLE, "cfo", FurtherRole(name="CFO").model_dump(mode="json")),
        _row(ReferenceKind.APPROVAL_STEP, "finance", step.model_dump(mode="json")),
        _row(ReferenceKind.CALENDAR, "ALWAYS", ALWAYS.model_dump(mode="json")),
    ]
    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, (*ROWS, *rows)))
    for who in people or (FINANCE, DELIVERY):
        house.application.dispatch(SetCalendar(TENANT, COMMAND_LINE, "ALWAYS", who))


def _row(kind: ReferenceKind, key: str, value: Mapping[str, Any]) -> ReferenceRow:
    return ReferenceRow(kind=kind, key=key, valid_from=BEGIN, value=value)


def to_approval(house: House) -> str:
    record_id = house.win(deals.milestone(WON_ON))
    house.work()
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    return record_id


def days_pass(house: House, days: int) -> None:
    """Whoever was asked was asked so many days earlier, and what waits is due."""
    earlier = "make_interval(days => :days)"
    moved = f"opened_at = opened_at - {earlier}, asked_at = asked_at - {earlier}"
    house.rows(f"update approval_tasks set {moved}", days=days)
    house.skip_waiting()
    house.work()


def of(house: House, record_id: str, role: str = ApprovalRole.FINANCE) -> ApprovalTask:
    return house.tasks(record_id)[role]


def test_whoever_was_asked_is_reminded_again_after_as_many_hours_until_they_decide(house: House) -> None:
    configure(house, remind_after=20)
    record_id = to_approval(house)

    for day in (1, 2, 3):
        days_pass(house, 1)
        days_pass(house, 0)
        assert mails(house, "Reminder") == [FINANCE] * day

    assert house.opportunity(record_id).next_at is not None
    house.approve(record_id)
    house.settle()
    days_pass(house, 1)
    assert mails(house, "Reminder") == [FINANCE] * 3


def test_of_reminders_that_are_all_overdue_one_is_sent(house: House) -> None:
    configure(house, **REMINDED)
    record_id = to_approval(house)
    assert mails(house, "Reminder") == []
    waiting = house.opportunity(record_id)
    assert waiting.next_at is not None
    assert waiting.waits_for is not None

    days_pass(house, 4)
    days_pass(house, 0)
    house.tell(record_id)
    house.work()

    assert mails(house, "Reminder") == [FINANCE]
    assert house.opportunity(record_id).next_at is None
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
    assert house.opportunity(record_id).waits_for is None


def test_a_change_in_the_crm_does_not_wait_for_the_reminder(house: House) -> None:
    configure(house, **REMINDED)
    record_id = to_approval(house)

    house.edit(record_id, opportunity={"PO_Number__c": "PO-2026-LATER"})
    house.work()

    assert house.plan(record_id).number == 2


def test_without_a_step_that_says_so_nobody_is_reminded(house: House) -> None:
    record_id = to_approval(house)

    days_pass(house, 40)

    assert mails(house, "Reminder") == []
    assert house.opportunity(record_id).next_at is None
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_times_that_are_configured_later_count_for_what_waits(house: House) -> None:
    """They are no part of the plan, which stays as it is."""
    configure(house)
    record_id = to_approval(house)
    before = house.plan(record_id).hash
    house.rows("update approval_tasks set opened_at = opened_at - interval '4 days'")

    configure(house, OLGA, **REMINDED)  # whose calendar is nothing to this deal
    house.work()

    assert mails(house, "Reminder") == [FINANCE]
    assert house.plan(record_id).hash == before


def test_who_is_away_is_not_reminded(house: House) -> None:
    configure(house, **REMINDED)
    record_id = to_approval(house)
    today = house.application.clock.now().date()
    house.application.dispatch(EnterAbsence(TENANT, house.person(FINANCE).id, today, today + timedelta(days=3)))

    days_pass(house, 4)

    assert asked(house, record_id) == {FINANCE}  # nobody else may decide
    assert mails(house, "Reminder") == []


def test_when_an_absence_begins_what_waits_goes_to_others_by_itself(house: House) -> None:
    """Nobody acts at that moment: the deal is due then."""
    hire(house, "dora.delivery@example.com", PersonRole.DELIVERY_APPROVER)
    record_id = to_approval(house)
    tomorrow = house.application.clock.now().date() + timedelta(days=1)
    delegate = "dora.delivery@example.com"
    command = EnterAbsence(TENANT, house.person(FINANCE).id, tomorrow, tomorrow, delegate)
    house.application.dispatch(command)
    house.work()
    assert asked(house, record_id) == {FINANCE}
    next_at = house.opportunity(record_id).next_at
    assert next_at is not None
    assert next_at.date() == tomorrow

    house.rows("update absences set begins_at = now() - interval '1 second'")
    house.skip_waiting()
    house.work()
    assert asked(house, record_id) == {delegate}

    house.rows("update absences set ends_at = now()")
    house.skip_waiting()
    house.work()
    assert asked(house, record_id) == {FINANCE}


def test_others_are_told_and_asked_where_they_may_decide(house: House) -> None:
    """Fred approves for finance and was out of office; the boss is a CFO, who does not."""
    hire(house, FRED, PersonRole.FINANCE_APPROVER)
    hire(house, BOSS)
    configure(house, escalate_after=8, escalate_to=("cfo",), escalate_to_people=(FRED,))
    house.application.dispatch(SetRoles(TENANT, COMMAND_LINE, BOSS, frozenset({"approver:cfo"})))
    record_id = to_approval(house)
    task = of(house, record_id)
    house.rows(
        "update approval_tasks set candidates = :them where id = :id",
        them=[house.person(FINANCE).id],
        id=task.id,
    )

    days_pass(house, 4)
    days_pass(house, 0)

    assert asked(house, record_id) == {FINANCE, FRED}
    assert mails(house, "Nobody decided yet") == [BOSS]
    (summary,) = [each.summary for each in house.entries(record_id) if each.type == "approval.escalated.v1"]
    assert summary.endswith("Newly Hired are asked too")
    house.decide(of(house, record_id), FRED)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_what_nobody_decides_in_time_expires_and_a_replay_asks_again(house: House) -> None:
    configure(house, remind_after=8, expires_after=48)
    record_id = to_approval(house)
    house.decide(of(house, record_id, ApprovalRole.DELIVERY), DELIVERY)
    house.work()
    open_task = of(house, record_id)

    days_pass(house, 9)

    item = house.exception(record_id)
    assert (house.state(record_id), item.code, item.owner) == (State.PARKED, "APPROVAL_EXPIRED", "operations")
    assert "Fiona Finance" in item.message
    expired = house.application.queries.approval(TENANT, open_task.id).task
    assert (expired.status, expired.voided_as) == (TaskStatus.VOID, VoidedAs.EXPIRED)

    house.replay(item)
    house.work()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert of(house, record_id).status is TaskStatus.OPEN
    assert of(house, record_id, ApprovalRole.DELIVERY).status is TaskStatus.APPROVED
    house.decide(of(house, record_id), FINANCE)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def test_whoever_it_is_put_to_has_the_whole_time(house: House) -> None:
    hire(house, FRED, PersonRole.FINANCE_APPROVER)
    times = {"remind_after": 8, "escalate_after": 20, "escalate_to_people": (FINANCE,), "expires_after": 30}
    configure(house, FINANCE, FRED, **times)
    record_id = to_approval(house)
    days_pass(house, 1)

    reassign(house, of(house, record_id), OLGA, FRED)
    house.work()
    days_pass(house, 0)

    assert asked(house, record_id) == {FRED}
    reminded = mails(house, "Reminder").count(FRED)
    days_pass(house, 1)
    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert mails(house, "Reminder").count(FRED) == reminded + 1
    assert asked(house, record_id) == {FRED, FINANCE}
    days_pass(house, 1)
    assert house.exception(record_id).code == "APPROVAL_EXPIRED"


def test_an_escalation_to_a_role_that_does_not_exist_is_refused(house: House) -> None:
    with pytest.raises(BadBundle, match="no approval role has the code 'tax'"):
        configure(house, escalate_after=8, escalate_to=("tax",))
