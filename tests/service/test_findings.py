"""All findings of a deal are reported at once, and a replay continues once they are fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.values.model import changed
from oppsync.domain.work.exceptions import Disposition, ExceptionItem, ExceptionStatus
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.services.queue.commands import DismissException
from sandbox.firm import deals
from sandbox.firm.demo_firm import reference_rows
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import OPERATIONS, WON_ON, House
from tests.harness.tryton import Books


def saying(deal: deals.Deal, **opportunity: Any) -> deals.Deal:
    return deal | {"opportunity": deal["opportunity"] | opportunity}


def of_account(number: str | None, **fields: Any) -> deals.Deal:
    deal = deals.milestone(WON_ON)
    account = {"Name": "Hooli GmbH", "AccountNumber": number, "BillingCountryCode": "DE", **fields}
    return deal | {"account": account}


def of_lines(**line: Any) -> deals.Deal:
    deal = deals.milestone(WON_ON)
    return deal | {"lines": [each | line for each in deal["lines"]]}


WRONG: Mapping[str, Callable[[], deals.Deal]] = {
    "ACCOUNT_UNKNOWN": lambda: of_account("CUST-NOBODY"),
    "ACCOUNT_CODE_MISSING": lambda: of_account(None),
    "LEGAL_ENTITY_UNKNOWN": lambda: saying(deals.milestone(WON_ON), Contracting_Entity__c="ACME-UK"),
    "BILLING_MODEL_UNKNOWN": lambda: of_lines(Billing_Model__c="Pay what you want"),
    "CURRENCY_NOT_ALLOWED": lambda: saying(deals.fixed_fee(WON_ON), CurrencyIsoCode="GBP"),
    "DATES_OUT_OF_ORDER": lambda: saying(deals.fixed_fee(WON_ON), End_Date__c="2026-01-31"),
    "TOTAL_MISMATCH": lambda: saying(deals.milestone(WON_ON), Amount=Decimal("84999.90")),
    "LINE_NET_MISMATCH": lambda: of_lines(Discount=Decimal(10)),
    "FIELD_MISSING": lambda: saying(deals.milestone(WON_ON), Payment_Terms__c=None),
    "NO_LINES": lambda: deals.milestone(WON_ON) | {"lines": []},
    "MILESTONES_MISSING": lambda: of_lines(milestones=[]),
    "OWNER_EMAIL_MISSING": lambda: deals.milestone(WON_ON) | {"owner": None},
}


@pytest.mark.parametrize("code", WRONG)
def test_a_deal_that_is_not_sound_is_parked_with_what_is_wrong(house: House, code: str) -> None:
    record_id = house.win(WRONG[code]())
    house.settle()

    assert house.state(record_id) is State.PARKED
    item = house.exception(record_id)
    found = next(each for each in item.findings if each.code == code)
    assert found.message
    assert found.fix
    assert found.path.startswith("/")
    assert (item.disposition, item.stage) == (Disposition.BUSINESS, "validate")
    assert item.payload_reference == f"record:{item.opportunity_id}"
    assert house.opportunity(record_id).resume_state is State.RECEIVED


def test_all_findings_come_at_once_in_one_item(house: House) -> None:
    deal = saying(of_account("CUST-NOBODY"), Amount=Decimal(1), Payment_Terms__c=None)
    record_id = house.win(deal)
    house.settle()

    item = house.exception(record_id)

    assert {found.code for found in item.findings} >= {"ACCOUNT_UNKNOWN", "TOTAL_MISMATCH", "FIELD_MISSING"}
    assert (item.code, item.owner) == (item.findings[0].code, item.findings[0].owner)
    assert "/contract/payment_terms" in {found.path for found in item.findings}


def test_an_item_is_owned_as_the_configuration_says_from_its_first_reading_on(house: House) -> None:
    """For an entity, or for a region; every other code keeps the owner that the runbook names."""
    set_owners(house, {"TOTAL_MISMATCH|ACME-DE|*": "finance", "TOTAL_MISMATCH|*|NA": "delivery"})
    both = {"Amount": Decimal(1), "Payment_Terms__c": None}
    here = house.win(saying(deals.milestone(WON_ON), **both))
    there = house.win(saying(deals.fixed_fee(WON_ON), **both))
    house.settle()

    owners = {found.code: found.owner for found in house.exception(here).findings}
    assert owners == {"TOTAL_MISMATCH": OwnerRole.FINANCE, "FIELD_MISSING": OwnerRole.SALES}
    item = house.exception(there)
    assert {found.code: found.owner for found in item.findings}["TOTAL_MISMATCH"] is OwnerRole.DELIVERY
    assert item.owner is item.findings[0].owner


def test_an_owner_holds_on_its_days_and_for_what_is_about_no_deal(house: House) -> None:
    set_owners(house, {"UNREADABLE_DELIVERY|*|*": "operations"})
    set_owners(house, {"TOTAL_MISMATCH|*|*": "finance"}, ends=date(2026, 1, 1))
    deal = house.win(saying(deals.milestone(WON_ON), Amount=Decimal(1)))
    house.deliver(b"?")
    house.settle()

    assert house.exception(deal).owner is OwnerRole.SALES
    (unreadable,) = house.application.queries.exceptions(TENANT, code="UNREADABLE_DELIVERY").rows
    assert {unreadable.owner, *(found.owner for found in unreadable.findings)} == {OwnerRole.OPERATIONS}


def set_owners(house: House, owners: Mapping[str, str], ends: date | None = None) -> None:
    with house.application.uow() as uow:
        for key, owner in owners.items():
            value = {"owner": owner}
            kind, since = ReferenceKind.EXCEPTION_OWNER, date(2025, 1, 1)
            row = ReferenceRow(kind=kind, key=key, valid_from=since, valid_to=ends, value=value)
            uow.references.put(TENANT, row)
        uow.commit()


def test_forty_lines_with_the_same_faults_are_one_finding_a_fault(house: House) -> None:
    deal = deals.milestone(WON_ON)
    (line,) = deal["lines"]
    # Each line lacks its milestones and is wrong by a cent.
    lines = [line | {"TotalPrice": Decimal("0.01"), "milestones": []} for _ in range(40)]
    record_id = house.win(deal | {"lines": lines})
    house.settle()

    assert house.state(record_id) is State.PARKED
    findings = {found.code: found.message for found in house.exception(record_id).findings}
    assert set(findings) == {"MILESTONES_MISSING", "LINE_NET_MISMATCH", "TOTAL_MISMATCH"}
    assert findings["MILESTONES_MISSING"].startswith("40 lines: ")
    assert findings["LINE_NET_MISMATCH"].startswith("40 lines: ")


def test_what_somebody_typed_and_all_else_that_is_wrong_come_at_once(house: House) -> None:
    wrong = {"Billing_Frequency__c": "Weekly", "Payment_Terms__c": None, "Amount": Decimal("84999.90")}
    record_id = house.win(saying(deals.milestone(WON_ON), **wrong))
    house.settle()

    item = house.exception(record_id)
    assert [found.code for found in item.findings] == ["FIELD_UNREADABLE", "FIELD_MISSING", "TOTAL_MISMATCH"]
    assert item.findings[0].message == (
        "Billing Frequency (Opportunity.Billing_Frequency__c) is 'Weekly'; "
        "allowed is Once, Monthly, Quarterly or Yearly"
    )


def test_a_deal_mended_in_the_crm_goes_on_by_itself(house: House) -> None:
    record_id = house.win(WRONG["TOTAL_MISMATCH"]())
    house.settle()
    item = house.exception(record_id)

    house.edit(record_id, opportunity={"Amount": Decimal("84999.99")})
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.exceptions(record_id) == []
    assert house.application.queries.exception(TENANT, item.id).status is ExceptionStatus.REPLAYED


def test_an_unknown_customer_is_created_in_the_erp_and_the_deal_replayed(house: House, books: Books) -> None:
    record_id = house.win(of_account("CUST-HOOLI"))
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("ACCOUNT_UNKNOWN", "finance")

    books.create("party.party", {"name": "Hooli GmbH", "code": "CUST-HOOLI"})
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.exceptions(record_id) == []
    (replayed,) = [entry for entry in house.entries(record_id) if entry.type == "replayed.v1"]
    assert (replayed.actor, replayed.after) == (OPERATIONS, {"state": "received"})


MISSING = {
    ReferenceKind.RATE_CARD: ("RATE_MISSING", "finance"),
    ReferenceKind.PROJECT_TEMPLATE: ("TEMPLATE_MISSING", "delivery"),
    ReferenceKind.COST_CENTRE: ("COST_CENTRE_MISSING", "finance"),
    ReferenceKind.TAX_REGIME: ("TAX_TREATMENT_MISSING", "finance"),
}


def put(house: House, rows: list[ReferenceRow]) -> None:
    with house.application.uow() as uow:
        for row in rows:
            uow.references.put(TENANT, row)
        uow.commit()


@pytest.mark.parametrize("kind", MISSING)
def test_a_deal_goes_on_after_reference_data_was_fixed_and_it_was_replayed(
    house: House, books: Books, kind: ReferenceKind
) -> None:
    house.rows("delete from reference_rows where kind = :kind", kind=kind)
    record_id = house.win()
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.owner.value) == MISSING[kind]
    assert (house.state(record_id), item.stage) == (State.PARKED, "enrich")

    house.replay(item)  # too early: nothing was fixed
    house.settle()
    assert house.exception(record_id).code == item.code

    put(house, [row for row in reference_rows() if row.kind is kind])
    house.replay(house.exception(record_id))
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    house.approve(record_id)
    house.settle()
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_an_entity_that_is_not_approved_yet_on_the_day_is_no_party_to_a_deal(house: House) -> None:
    """Effective dates: the approval begins after the deal was won."""
    (row,) = [each for each in reference_rows() if each.key == "ACME-DE" and each.kind == "legal_entity"]
    house.rows("delete from reference_rows where kind = 'legal_entity' and key = 'ACME-DE'")
    begins = date(2026, 6, 1)
    not_yet = changed(row, valid_to=begins, value=row.value | {"approved": False})
    put(house, [not_yet, changed(row, valid_from=begins)])

    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    assert [found.code for found in house.exception(record_id).findings] == ["LEGAL_ENTITY_NOT_APPROVED"]


def test_a_replay_reads_the_crm_anew_though_nobody_told_us(house: House) -> None:
    house.rows("delete from reference_rows where kind = 'project_template'")
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()
    put(house, [row for row in reference_rows() if row.kind is ReferenceKind.PROJECT_TEMPLATE])

    house.salesforce.edit(record_id, {"opportunity": {"PO_Number__c": "PO-UNTOLD"}})
    house.replay(house.exception(record_id))
    house.settle()

    assert house.plan(record_id).plan.content.po_number == "PO-UNTOLD"


def test_dismissing_needs_a_reason(house: House) -> None:
    record_id = house.win(WRONG["NO_LINES"]())
    house.settle()
    item = house.exception(record_id)

    with pytest.raises(InvalidInput) as refused:
        house.application.dispatch(DismissException(TENANT, item.id, house.operator, "   "))
    assert (refused.value.code, refused.value.field) == ("REASON_MISSING", "reason")

    house.application.dispatch(DismissException(TENANT, item.id, house.operator, "A test deal of sales"))

    closed = house.application.queries.exception(TENANT, item.id)
    assert (closed.status, closed.closed_by, closed.reason) == (
        ExceptionStatus.DISMISSED,
        OPERATIONS,
        "A test deal of sales",
    )
    assert house.timeline(record_id)[-1] == "exception.dismissed.v1"
    assert house.state(record_id) is State.PARKED


def test_a_closed_item_is_neither_replayed_nor_dismissed_again(house: House) -> None:
    record_id = house.win(WRONG["NO_LINES"]())
    house.settle()
    item = house.exception(record_id)
    house.replay(item)

    with pytest.raises(Conflict) as replayed:
        house.replay(item)
    with pytest.raises(Conflict) as dismissed:
        house.application.dispatch(DismissException(TENANT, item.id, house.operator, "Enough"))

    assert replayed.value.code == dismissed.value.code == "ALREADY_CLOSED"


def every_item(house: House, record_id: str) -> list[ExceptionItem]:
    opportunity_id = house.opportunity(record_id).id
    return [
        item
        for status in ExceptionStatus
        for item in house.application.queries.exceptions(TENANT, status=status, limit=100).rows
        if item.opportunity_id == opportunity_id
    ]


def test_what_is_replayed_in_vain_is_the_same_item_with_one_more_attempt(house: House) -> None:
    record_id = house.win(saying(WRONG["NO_LINES"](), Amount=Decimal(1)))
    house.settle()
    item = house.exception(record_id)

    for _ in range(2):
        house.replay(house.exception(record_id))
        house.settle()

    (again,) = every_item(house, record_id)
    assert (again.id, again.status, again.occurrences) == (item.id, ExceptionStatus.OPEN, 3)
    assert (again.closed_by, again.closed_at, again.reason) == (None, None, "")
    assert again.first_seen == item.first_seen
    assert again.last_seen > item.last_seen
    # The timeline keeps each attempt.
    assert house.timeline(record_id).count("replayed.v1") == 2


def test_what_is_edited_in_vain_is_the_same_item_too(house: House) -> None:
    record_id = house.win(WRONG["TOTAL_MISMATCH"]())
    house.settle()
    item = house.exception(record_id)

    house.edit(record_id, opportunity={"Amount": Decimal("84999.50")})
    house.settle()

    (again,) = every_item(house, record_id)
    assert (again.id, again.occurrences) == (item.id, 2)
    assert again.message != item.message


def test_what_comes_back_after_the_replay_had_helped_is_a_new_item(house: House) -> None:
    record_id = house.win(WRONG["TOTAL_MISMATCH"]())
    house.settle()
    item = house.exception(record_id)
    house.edit(record_id, opportunity={"Amount": Decimal("84999.99")})
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL

    house.edit(record_id, opportunity={"Amount": Decimal("84999.50")})
    house.settle()

    assert house.exception(record_id).id != item.id
    assert house.application.queries.exception(TENANT, item.id).status is ExceptionStatus.REPLAYED


def test_a_choice_that_nobody_knows_is_quoted_with_its_label_and_what_is_allowed(house: House) -> None:
    record_id = house.win(of_lines(Billing_Model__c="Bogus"))
    house.settle()

    found = next(each for each in house.exception(record_id).findings if each.code == "BILLING_MODEL_UNKNOWN")

    assert "Billing Model (OpportunityLineItem.Billing_Model__c) of " in found.message
    assert "is 'Bogus', which is not a known billing model; allowed is Time and Materials, " in found.message

    small = house.win(saying(deals.fixed_fee(WON_ON), CurrencyIsoCode="eur"))
    house.settle()

    said = next(each for each in house.exception(small).findings if each.code == "CURRENCY_UNKNOWN")
    assert said.message.startswith("Currency Iso Code (Opportunity.CurrencyIsoCode) is 'eur': ")
    assert "which is written EUR" in said.message
