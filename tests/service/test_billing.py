"""What is billed, from the CRM to the ERP: hours beyond a cap, cents that lines miss, the contract's words."""

from __future__ import annotations

from decimal import Decimal

from oppsync.domain.plan.limits import Limit
from oppsync.domain.values.findings.finding import Severity
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books


def test_hours_beyond_a_cap_are_approved_with_a_warning_and_never_billable(house: House, books: Books) -> None:
    """160 hours were sold for 25,600, of which 20,000 may be invoiced, as the purchase order says."""
    line = deals.capped_line(WON_ON, "ACME-DE", hours=160, cap=Decimal(20_000), description="Office")
    deal = deals.deal(
        WON_ON, "CUST-1001", "ACME-DE", name="Office", billing_model="Time and Materials Capped", lines=[line]
    )
    deal["opportunity"]["PO_Limit__c"] = Decimal(20_000)
    record_id = house.to_approval(deal)
    warned = {found.code: found.severity for found in house.opportunity(record_id).warnings}
    assert warned["CAP_BELOW_AMOUNT"] is Severity.WARNS
    house.approve(record_id)
    house.settle()

    reading = house.plan(record_id)
    assert (reading.money.sold.text, reading.money.total.text) == ("25600.00", "20000.00")
    assert reading.plan.systems is not None
    assert reading.plan.systems.watched == (Limit.CAP, Limit.PO_LIMIT)
    assert "active" in house.states_passed(record_id)
    erp.check_landed(books, record_id, reading.plan.content)
    comment = erp.works(books, record_id)[erp.key(record_id, "parent", "project")]["comment"].split("\n")
    assert {"amount: EUR 20,000.00", "estimate: EUR 25,600.00"} <= set(comment)
    assert "beyond the cap: EUR 5,600.00, not billable" in comment
    assert house.salesforce.record(record_id)["Amount"] == Decimal("25600.00")


def test_lines_that_miss_what_was_signed_by_cents_are_invoiced_to_the_last_one(
    house: House, books: Books
) -> None:
    third = Decimal("33333.33")
    lines = [deals.fee_line(WON_ON, third, name) for name in ("Design", "Build", "Test")]
    deal = deals.deal(WON_ON, "CUST-1001", "ACME-DE", name="Thirds", billing_model="Fixed Fee", lines=lines)
    deal["opportunity"]["Amount"] = Decimal("100000.00")

    record_id = house.to_active(deal)

    plan = house.plan(record_id)
    assert plan.money.rounding.text == "0.01"
    erp.check_landed(books, record_id, plan.plan.content)
    drafts = erp.invoices(books, record_id).values()
    assert sum(Decimal(each["untaxed_amount"]["decimal"]) for each in drafts) == Decimal("100000.00")


def test_what_the_contract_says_is_written_on_the_project(house: House, books: Books) -> None:
    deal = deals.fixed_fee(WON_ON, "CUST-1001", "ACME-DE")
    deal["opportunity"] |= {
        "PO_Expiry_Date__c": "2030-12-31",
        "Special_Terms__c": "No work on Sundays.\nTravel is included.",
        "Contract_Document_Link__c": "https://contracts.example.com/17",
    }

    record_id = house.to_active(deal)

    comment = erp.works(books, record_id)[erp.key(record_id, "parent", "project")]["comment"].split("\n")
    assert {
        "PO expires: 2030-12-31",
        "special terms: No work on Sundays. Travel is included.",
        "contract: https://contracts.example.com/17",
    } <= set(comment)
