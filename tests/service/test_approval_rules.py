"""Plans that a rule approves go the whole way by themselves, and are never shown as decided by a person."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.approval.tasks import Decision, RuleUse, TaskStatus
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.kernel.errors import InvalidInput
from oppsync.services.approvals.commands import SetApprovalRule
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.harness.tryton import Books

BEGIN = date(2026, 1, 1)
BOTH = (ApprovalRole.FINANCE, ApprovalRole.DELIVERY)


def set_rule(house: House, name: str = "small", until: date | None = None, **changes: Any) -> None:
    usual = {"up_to": Money(amount=Decimal(1_000_000), currency="EUR"), "known_customers_only": False}
    row = ReferenceRow(
        kind=ReferenceKind.APPROVAL_RULE,
        key=name,
        valid_from=BEGIN,
        valid_to=until,
        value=ApprovalRule(**{**usual, **changes}).model_dump(mode="json"),
    )
    house.application.dispatch(SetApprovalRule(TENANT, row, COMMAND_LINE))


def test_a_rule_whose_condition_cannot_be_evaluated_asks_people_and_they_read_why(house: House) -> None:
    examples = [
        {"given": {"deal": {"custom": {"Risk": "low"}}}, "expect": True},
        {"given": {"deal": {"custom": {"Risk": "high"}}}, "expect": False},
    ]
    set_rule(house, condition="deal.custom['Risk'] == 'low'", examples=examples)

    record_id = house.to_approval(deals.milestone(WON_ON))

    (task, *_) = house.tasks(record_id).values()
    (warning,) = house.application.queries.approval(TENANT, task.id).warnings
    assert (warning.code, warning.severity, warning.value) == ("RULE_FAILED", Severity.WARNS, "small")
    assert warning.message == (
        "Whether the approval rule small approves this plan is not known, so people are asked: column 13: "
        "there is no field 'Risk' in deal.custom. Available here: none"
    )
    told = [entry for entry in house.entries(record_id) if entry.type == "warnings.found.v1"]
    assert len(told) == 1


def test_a_deal_approved_by_a_rule_goes_the_whole_way_by_itself(house: House, books: Books) -> None:
    set_rule(house)

    record_id = house.win(deals.three_workstreams(WON_ON))
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    for task in house.tasks(record_id).values():
        assert (task.status, task.decided_by) == (TaskStatus.APPROVED, None)
        assert task.rule == RuleUse(name="small", valid_from=BEGIN, version=1)
        assert task.decided_at is not None
    told = [entry for entry in house.entries(record_id) if entry.type == "plan.approved.v1"]
    assert [entry.actor for entry in told] == ["stage:approve"] * 2
    assert {entry.detail["rule"]["name"] for entry in told} == {"small"}
    assert "awaiting_approval" not in house.states_passed(record_id)
    assert not [row for row in house.effects(record_id) if row.kind == "notification"]


def test_a_changed_rule_is_recorded_with_its_next_version(house: House) -> None:
    set_rule(house)
    set_rule(house, up_to=Money(amount=Decimal(900_000), currency="EUR"))

    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    rules = {task.rule for task in house.tasks(record_id).values()}
    assert rules == {RuleUse(name="small", valid_from=BEGIN, version=2)}


def test_only_the_role_a_rule_does_not_cover_is_asked(house: House) -> None:
    set_rule(house, roles=(ApprovalRole.FINANCE,))
    record_id = house.to_approval(deals.milestone(WON_ON))
    tasks = house.tasks(record_id)
    assert tasks[ApprovalRole.FINANCE].rule is not None
    assert tasks[ApprovalRole.DELIVERY].status is TaskStatus.OPEN

    house.decide(tasks[ApprovalRole.DELIVERY], DELIVERY)
    house.settle()

    assert house.state(record_id) is State.ACTIVE


def test_a_customer_is_known_once_a_deal_of_it_was_active(house: House) -> None:
    set_rule(house, known_customers_only=True)
    first = house.to_active(deals.milestone(WON_ON))
    assert all(task.rule is None for task in house.tasks(first).values())

    second = house.win(deals.milestone(WON_ON, name="Once more"))
    house.settle()

    assert house.state(second) is State.ACTIVE
    assert all(task.rule is not None for task in house.tasks(second).values())


def test_a_plan_a_person_rejected_is_never_approved_by_a_rule(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.reject(record_id, "Name the purchase order")
    house.settle()
    set_rule(house)

    house.edit(record_id, opportunity={"PO_Number__c": "PO-2026-LATER"})
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}


def test_a_deal_that_waits_is_taken_by_a_rule_when_it_changes(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    set_rule(house)

    house.edit(record_id, opportunity={"Contract_Signed_Date__c": "2026-03-01"})
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    tasks = house.tasks(record_id).values()
    assert [task.status for task in tasks] == [TaskStatus.APPROVED] * 2
    assert all(task.rule is not None for task in tasks)


def test_an_ended_rule_approves_nothing_more(house: House) -> None:
    set_rule(house)
    set_rule(house, until=date(2026, 1, 2))

    record_id = house.to_approval(deals.milestone(WON_ON))

    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE, Decision.APPROVE)
    assert all(task.rule is None for task in house.tasks(record_id).values())


def test_setting_a_rule_is_on_the_audit_trail(house: House) -> None:
    set_rule(house)

    (entry,) = house.rows("select actor, summary, after from audit where type = 'approval.rule.set.v1'")

    assert entry["actor"] == "command-line"
    assert entry["summary"] == "Plans are approved by rule small from 2026-01-01"
    assert entry["after"]["value"]["up_to"] == {"amount": "1000000.00", "currency": "EUR"}


def test_other_reference_data_is_not_set_this_way(house: House) -> None:
    row = ReferenceRow(kind=ReferenceKind.REGION, key="DACH", valid_from=BEGIN, value={})

    with pytest.raises(InvalidInput):
        house.application.dispatch(SetApprovalRule(TENANT, row, COMMAND_LINE))


def test_a_deal_with_a_warning_waits_for_people(house: House) -> None:
    set_rule(house)

    deal = deals.milestone(WON_ON)
    record_id = house.to_approval({**deal, "opportunity": {**deal["opportunity"], "Probability": Decimal(95)}})

    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
