"""What other rules do to deals that are not approved yet is said before, and nothing is done to them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reading.open_deals import DealEffect, Fate, OpenDealEffects
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.work.states import State
from oppsync.services.configuration import open_deals
from oppsync.services.configuration.commands import ApplyConfiguration, CompareConfiguration
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_plan_preview import everything

FIRM, ROWS = bundle()


def effects(house: House, rows: Iterable[ReferenceRow]) -> OpenDealEffects:
    command = CompareConfiguration(TENANT, COMMAND_LINE, FIRM, tuple(rows))
    return house.application.dispatch(command).open_deals


def one(house: House, rows: Iterable[ReferenceRow]) -> DealEffect:
    (found,) = effects(house, rows).rows
    return found


def without(kind: ReferenceKind) -> list[ReferenceRow]:
    return [row for row in ROWS if row.kind is not kind]


def test_a_deal_that_waits_is_planned_by_both_and_nothing_is_written(house: House, books: Books) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    before = everything(house, books)
    renamed = [
        changed(row, value={**row.value, "code": f"{row.value['code']}-NEW"})
        if row.kind is ReferenceKind.COST_CENTRE
        else row
        for row in ROWS
    ]

    found = one(house, renamed)

    assert (found.fate, found.state, found.source_id) == (Fate.OTHER_PLAN, State.AWAITING_APPROVAL, record_id)
    assert "cost centre" in found.what
    assert "-NEW" in found.what
    assert found.total_before == found.total_after == house.plan(record_id).plan.content.total
    assert everything(house, books) == before


def test_rows_that_a_deal_does_not_use_leave_its_plan(house: House) -> None:
    house.to_approval(deals.fixed_fee(WON_ON))

    found = one(house, without(ReferenceKind.TAX_NEXUS))

    assert (found.fate, found.what) == (Fate.SAME, "")


def test_a_deal_that_would_be_stopped_is_named_with_the_finding_and_one_that_would_go_on_too(
    house: House,
) -> None:
    house.to_approval(deals.fixed_fee(WON_ON))

    stopped = one(house, without(ReferenceKind.PROJECT_TEMPLATE))

    assert (stopped.fate, stopped.total_after) == (Fate.STOPPED, None)
    assert "No project template is set for" in stopped.what

    house.application.dispatch(
        ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, without(ReferenceKind.PROJECT_TEMPLATE))
    )
    parked = house.win(deals.fixed_fee(WON_ON))
    house.settle()
    assert house.state(parked) is State.PARKED
    freed = next(each for each in effects(house, ROWS).rows if each.source_id == parked)
    assert freed.fate is Fate.FREED
    assert "No longer: No project template is set for" in freed.what


def test_what_the_erp_said_of_a_deal_that_is_stopped_stops_it_by_both(house: House) -> None:
    """Nobody asks the ERP again, and what it said is not forgotten: other rows do not stop what is stopped."""
    record_id = house.win(deals.fixed_fee(WON_ON))
    house.edit(record_id, opportunity={"Payment_Terms__c": "NET31"})
    house.settle()
    assert house.exception(record_id).code == "PAYMENT_TERMS_UNKNOWN"

    found = one(house, without(ReferenceKind.PROJECT_TEMPLATE))

    assert found.fate is Fate.OTHER_FINDINGS
    assert "No project template is set for" in found.what


def test_a_rule_that_would_approve_for_people_is_named(house: House) -> None:
    house.to_approval(deals.fixed_fee(WON_ON))
    limit = Money(amount="1000000.00", currency="USD")
    rule = ApprovalRule(up_to=limit, known_customers_only=False).model_dump(mode="json")
    row = ReferenceRow(
        kind=ReferenceKind.APPROVAL_RULE, key="small", valid_from=WON_ON.replace(month=1, day=1), value=rule
    )

    found = one(house, [*ROWS, row])

    assert found.fate is Fate.OTHER_APPROVAL
    assert "finance approved by the rule small" in found.what


def test_only_the_newest_deals_are_tried_and_the_others_are_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        house.to_approval(deals.fixed_fee(WON_ON))
    newest = house.to_approval(deals.milestone(WON_ON))
    house.to_active(deals.fixed_fee(WON_ON))
    monkeypatch.setattr(open_deals, "MOST_TRIED", 2)

    found = effects(house, without(ReferenceKind.TAX_NEXUS))

    assert found.rows[0].source_id == newest
    assert (len(found.rows), found.not_tried) == (2, 2)
    assert effects(house, ROWS) == OpenDealEffects()  # nothing differs, nothing is tried
