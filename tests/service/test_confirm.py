"""Work that starts long before the deal was won holds the deal until a person confirms it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.services.insight.commands import PreviewPlan
from oppsync.services.queue.commands import ConfirmFindings
from sandbox.firm import deals
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House

EARLY = date(2025, 12, 1)


def early_deal(house: House) -> str:
    """A deal whose work began on a letter of intent, three months before it was won: it waits for a person."""
    sold = deals.milestone(WON_ON)
    record_id = house.win(sold | {"opportunity": sold["opportunity"] | {"Start_Date__c": EARLY.isoformat()}})
    house.settle()
    return record_id


def confirm(house: House, record_id: str, reason: str = "A letter of intent of November") -> None:
    item = house.exception(record_id)
    house.application.dispatch(ConfirmFindings(TENANT, item.id, house.operator, reason))
    house.settle()


def warnings(house: House, record_id: str) -> list[Finding]:
    """Those that whoever decides about the deal's plan is shown."""
    task = next(iter(house.tasks(record_id).values()))
    return [
        found
        for found in house.application.queries.approval(TENANT, task.id).warnings
        if found.code == "START_BEFORE_WON"
    ]


def test_an_early_start_is_confirmed_once_and_approvers_see_by_whom_and_why(house: House) -> None:
    record_id = early_deal(house)
    (found,) = house.exception(record_id).findings
    assert (found.code, found.severity) == ("START_BEFORE_WON", Severity.BLOCKS)
    with pytest.raises(InvalidInput):
        confirm(house, record_id, " ")

    confirm(house, record_id)

    assert (house.state(record_id), house.exceptions(record_id)) == (State.AWAITING_APPROVAL, [])
    (told,) = warnings(house, record_id)
    assert told.severity is Severity.WARNS
    assert "Confirmed by olga.operations@example.com" in told.message
    assert told.message.endswith("A letter of intent of November")
    assert "finding.confirmed.v1" in house.timeline(record_id)
    deal = house.opportunity(record_id)
    assert [each.reason for each in deal.confirmations] == ["A letter of intent of November"]
    shown = house.application.dispatch(PreviewPlan(TENANT, house.operator, deal.id))
    assert (shown.is_blocked, told in shown.findings) == (False, True)

    # What else changes in the CRM asks nothing again; the date does.
    edit(house, record_id, Name="Globex: Data platform, phase one")
    assert house.state(record_id) is State.AWAITING_APPROVAL
    edit(house, record_id, Start_Date__c="2025-11-03")
    assert house.exception(record_id).code == "START_BEFORE_WON"


def test_a_start_that_is_corrected_in_the_crm_needs_no_confirmation(house: House) -> None:
    record_id = early_deal(house)

    edit(house, record_id, Start_Date__c=WON_ON.isoformat())

    assert (house.state(record_id), house.exceptions(record_id)) == (State.AWAITING_APPROVAL, [])
    assert warnings(house, record_id) == []


def test_what_was_confirmed_is_not_confirmed_twice(house: House) -> None:
    record_id = early_deal(house)
    item = house.exception(record_id)
    confirm(house, record_id)

    with pytest.raises(Conflict) as refused:
        house.application.dispatch(ConfirmFindings(TENANT, item.id, house.operator, "Again"))

    assert refused.value.code == "ALREADY_CLOSED"


def edit(house: House, record_id: str, **opportunity: Any) -> None:
    house.edit(record_id, opportunity=opportunity)
    house.settle()
